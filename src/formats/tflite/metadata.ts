/**
 * What a .tflite says about itself: the plain entries of its metadata, TFLite Metadata (a flatbuffer of its own in a buffer: how inputs are
 * normalised, what outputs mean), and the files packed behind the model.
 */
import type { ByteSource } from "../../base/bytes.ts";
import { ModelError } from "../../base/problem.ts";
import { strictUtf8 } from "../../base/utf8.ts";
import type { SourceGraph, TensorNote, ValueId } from "../../graph/source.ts";
import { FlatReader, type Table, type TableList } from "../flatbuffers/reader.ts";
import type { TableName } from "../flatbuffers/schema.ts";
import { readZip } from "../zip/read.ts";
import type { Context, TfliteTable } from "./context.ts";
import { schema } from "./metadata-schema.ts";

type Meta<N extends TableName<typeof schema>> = Table<typeof schema, N>;

/** Entries that are text; others are named with their size. */
const MAX_TEXT = 4096;
const TFLITE_METADATA = "TFLITE_METADATA";

export async function readMetadata(
  model: TfliteTable<"Model">,
  context: Context,
  main: SourceGraph,
  source: ByteSource,
): Promise<{ readonly entries: Readonly<Record<string, string>>; readonly notes: readonly TensorNote[] }> {
  const found = new Map<string, string>();
  const list = await context.one(() => model.get("metadata"));
  let at: number | undefined;
  await context.each(list?.length ?? 0, (i) => {
    const table = list!.at(i);
    const name = table.get("name") ?? "";
    const slice = context.buffers[table.get("buffer")];
    if (!slice) return;
    if (name === TFLITE_METADATA) at = slice.offset;
    else found.set(name, textOf(context, slice.offset, slice.length));
  });
  const described = at;
  if (described === undefined) return { entries: Object.fromEntries(found), notes: [] };
  let notes: readonly TensorNote[] = [];
  try {
    const reader = new FlatReader(context.pages, schema);
    const entries = await context.one(() => describe(reader.root("ModelMetadata", described)));
    for (const [key, value] of entries) found.set(key, value);
    notes = await context.one(() => notesOf(reader.root("ModelMetadata", described), main));
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    context.report("warning", "bad-metadata", `TFLite Metadata that cannot be read: ${error.problem.reason}`, {
      offset: described,
    });
  }
  const attached = await attachedFiles(source);
  if (attached.length > 0) found.set("files", attached.join(", "));
  return { entries: Object.fromEntries(found), notes };
}

/** The metadata list tensors in the order of the graph. */
function notesOf(model: Meta<"ModelMetadata">, { inputs, outputs }: SourceGraph): TensorNote[] {
  const graphs = model.get("subgraph_metadata");
  if (!graphs || graphs.length === 0) return [];
  const graph = graphs.at(0);
  const of = (ids: readonly ValueId[], list: TableList<typeof schema, "TensorMetadata"> | undefined) =>
    ids.flatMap((value, i) => (i < (list?.length ?? 0) ? [{ value, ...noteOf(list!.at(i)) }] : []));
  const all = [...of(inputs, graph.get("input_tensor_metadata")), ...of(outputs, graph.get("output_tensor_metadata"))];
  return all.filter((note) => Object.keys(note).length > 1);
}

function noteOf(tensor: Meta<"TensorMetadata">): Omit<TensorNote, "value"> {
  const content = tensor.get("content")?.get("content_properties");
  const image = content?.name === "ImageProperties" ? (content as Meta<"ImageProperties">).get("color_space") : "UNKNOWN";
  const options = each(tensor.get("process_units")).map((unit) => unit.get("options"));
  const found = options.find((unit) => unit?.name === "NormalizationOptions") as Meta<"NormalizationOptions"> | undefined;
  const [mean, std] = [found?.get("mean") ?? [], found?.get("std") ?? []];
  const labels = each(tensor.get("associated_files"))
    .find((file) => file.get("type") === "TENSOR_AXIS_LABELS")
    ?.get("name");
  return {
    ...(mean.length > 0 && mean.length === std.length && !std.includes(0) && { normalization: { mean, std } }),
    ...(image !== "UNKNOWN" && { colours: image.toLowerCase() }),
    ...(labels && { labels }),
  };
}

function each<N extends TableName<typeof schema>>(list: TableList<typeof schema, N> | undefined): Meta<N>[] {
  return Array.from({ length: list?.length ?? 0 }, (_, i) => list!.at(i));
}

function textOf(context: Context, offset: number, length: number): string {
  const text = length <= MAX_TEXT ? strictUtf8(context.pages.bytes(offset, length))?.replace(/\0+$/, "") : undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: text is what has none.
  return text !== undefined && !/[\0-\x08\x0e-\x1f]/.test(text) ? text : `${length} bytes`;
}

/** Key and value, flat: `input 0 normalization: (x − 127.5) / 127.5`. */
function describe(model: Meta<"ModelMetadata">): [string, string][] {
  const entries: [string, string][] = [];
  const add = (key: string, value: string | undefined) => {
    if (value) entries.push([key, value]);
  };
  for (const field of ["name", "description", "version", "author", "license"] as const) add(field, model.get(field));
  const graphs = model.get("subgraph_metadata");
  for (let g = 0; g < (graphs?.length ?? 0); g++) {
    const graph = graphs!.at(g);
    const prefix = g === 0 ? "" : `graph ${g} `;
    tensors(`${prefix}input`, graph.get("input_tensor_metadata"), add);
    tensors(`${prefix}output`, graph.get("output_tensor_metadata"), add);
  }
  return entries;
}

type Add = (key: string, value: string | undefined) => void;

function tensors(what: string, list: TableList<typeof schema, "TensorMetadata"> | undefined, add: Add): void {
  for (let i = 0; i < (list?.length ?? 0); i++) {
    const tensor = list!.at(i);
    const key = (name: string) => `${what} ${i} ${name}`;
    add(key("name"), tensor.get("name"));
    add(key("description"), tensor.get("description"));
    const content = tensor.get("content")?.get("content_properties");
    if (content?.name === "ImageProperties")
      add(key("colours"), (content as Meta<"ImageProperties">).get("color_space").toLowerCase());
    const stats = tensor.get("stats");
    if (stats?.get("min")?.length) add(key("range"), `${numbers(stats.get("min"))} to ${numbers(stats.get("max"))}`);
    const units = tensor.get("process_units");
    for (let u = 0; u < (units?.length ?? 0); u++) {
      const options = units!.at(u).get("options");
      if (options?.name === "NormalizationOptions") {
        const { mean, std } = {
          mean: (options as Meta<"NormalizationOptions">).get("mean"),
          std: (options as Meta<"NormalizationOptions">).get("std"),
        };
        add(key("normalization"), `(x − ${numbers(mean)}) / ${numbers(std)}`);
      } else if (options?.name === "ScoreThresholdingOptions")
        add(key("threshold"), String((options as Meta<"ScoreThresholdingOptions">).get("global_score_threshold")));
    }
    const files = tensor.get("associated_files");
    for (let f = 0; f < (files?.length ?? 0); f++) {
      const file = files!.at(f);
      add(key(file.get("type").toLowerCase().replaceAll("_", " ")), file.get("name"));
    }
  }
}

const numbers = (list: readonly number[] | undefined): string =>
  list?.length === 1 ? String(list[0]) : `[${(list ?? []).join(", ")}]`;

async function attachedFiles(source: ByteSource): Promise<string[]> {
  try {
    return (await readZip(source)).map(({ name }) => name);
  } catch (error) {
    if (error instanceof ModelError) return [];
    throw error;
  }
}
