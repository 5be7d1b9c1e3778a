/** Models as the engine holds them: structure, never weights; read again when their file has changed. */
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { openFile, sourcesBeside } from "../cli/files.ts";
import { openModel } from "../formats/open.ts";
import type { SourceModel } from "../graph/source.ts";
import type { ModelFiles } from "../graph/tensor.ts";
import { modelView } from "../protocol/model-view.ts";
import type { ModelView, VerdictsView } from "../protocol/views.ts";
import { ModelText } from "./text.ts";

/** Models whose structure is kept: an editor or two and what was last looked at. */
const maxKept = 4;

export interface ReadModel {
  readonly model: SourceModel;
  readonly files: ModelFiles;
}

export async function readModel(path: string, { signature }: { readonly signature?: string } = {}): Promise<ReadModel> {
  return openModel(await openFile(path), sourcesBeside(path), signature === undefined ? {} : { signature });
}

/** Bytes of the model's files; those that are missing count nothing. */
async function bytesOf(path: string, { model, files }: ReadModel): Promise<number> {
  const others = await Promise.all(
    model.files.slice(1).map((_, i) =>
      files.open(i + 1).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return others.reduce((sum, size) => sum + size, (await stat(path)).size);
}

export class KeptModel implements ReadModel {
  private drawn: { text: ModelText; verdicts: VerdictsView | undefined } | undefined;
  /** What the last dry run found. */
  verdicts: VerdictsView | undefined;

  constructor(
    readonly model: SourceModel,
    readonly files: ModelFiles,
    readonly view: ModelView,
    readonly stamp: string,
  ) {}

  /** Made when first asked for, and again when the verdicts have changed. */
  get text(): ModelText {
    if (!this.drawn || this.drawn.verdicts !== this.verdicts)
      this.drawn = { text: new ModelText(this.model, this.view, this.verdicts), verdicts: this.verdicts };
    return this.drawn.text;
  }
}

export class Models {
  private readonly kept = new Map<string, Promise<KeptModel>>();

  /** The model as its files are now. A `ModelError` where it cannot be read. */
  async get(path: string): Promise<KeptModel> {
    const stamp = await stampOf(path);
    const known = this.kept.get(path);
    this.kept.delete(path);
    const fresh =
      known &&
      (await known.then(
        async (kept) => kept.stamp === `${stamp}${await stampsBeside(path, kept.model)}`,
        () => false,
      ));
    const model = fresh ? known : this.read(path, stamp);
    // Inserted last: the order of the map is that of last use.
    this.kept.set(path, model);
    model.catch(() => this.kept.get(path) === model && this.kept.delete(path));
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= maxKept) break;
      this.kept.delete(oldest);
    }
    return model;
  }

  private async read(path: string, stamp: string): Promise<KeptModel> {
    const read = await readModel(path);
    const view = modelView(read.model, basename(path), await bytesOf(path, read));
    return new KeptModel(read.model, read.files, view, `${stamp}${await stampsBeside(path, read.model)}`);
  }
}

/** Files of weights that are watched for a change. */
const maxBeside = 64;

async function stampsBeside(path: string, { files }: SourceModel): Promise<string> {
  const stamps = await Promise.all(files.slice(1, maxBeside + 1).map((name) => stampOf(join(dirname(path), name))));
  return stamps.map((stamp) => `, ${stamp}`).join("");
}

async function stampOf(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  return info ? `${info.size} ${info.mtimeMs}` : "absent";
}
