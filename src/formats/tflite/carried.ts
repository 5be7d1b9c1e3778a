/**
 * A copy of a model that LiteRT.js runs: it passes but three types across its border, so that values of others are cast behind the inputs and
 * in front of the outputs; any value of the main graph may become an output. Signatures go, since they name outputs of their own, and dims that
 * may change take the size that the file gives them, since LiteRT.js runs no others.
 */
import type { ByteSource } from "../../base/bytes.ts";
import { modelError } from "../../base/problem.ts";
import type { ValueId } from "../../graph/source.ts";
import { Pages } from "../flatbuffers/pages.ts";
import { FlatReader } from "../flatbuffers/reader.ts";
import { unpack } from "../flatbuffers/unpack.ts";
import { flatbuffer, type TableValue } from "../flatbuffers/write.ts";
import { tflite } from "./schema.ts";

/** Held twice, and a third time by LiteRT. */
const MAX_COPY = 2 ** 30;

const carried: ReadonlySet<unknown> = new Set(["FLOAT32", "INT32", "UINT8"]);
const castTo: Readonly<Record<string, string>> = {
  FLOAT16: "FLOAT32",
  FLOAT64: "FLOAT32",
  BFLOAT16: "FLOAT32",
  INT64: "INT32",
  UINT64: "INT32",
  UINT32: "INT32",
  INT16: "INT32",
  UINT16: "INT32",
  INT8: "INT32",
  BOOL: "INT32",
};

/** `outputs` undefined: those that the file has. A `ModelError` (`reference-refused`) where a value is of a type that is not cast. */
export async function carriedCopy(source: ByteSource, outputs?: readonly ValueId[]): Promise<Uint8Array> {
  if (source.size > MAX_COPY) throw modelError("reference-refused", `a model of more than ${MAX_COPY} bytes to copy`);
  const bytes = await source.read(0, source.size);
  const reader = new FlatReader(Pages.whole(source, bytes), tflite);
  const model = unpack(reader, reader.root("Model"), bytes);
  const graphs = tables(model, "subgraphs").map(settled);
  const codes = [...tables(model, "operator_codes")];
  if (!graphs[0]) throw modelError("no-graph", "the file holds no sub-graph");
  const main = new Main(graphs[0], castCode(codes));
  const copy = {
    ...model,
    operator_codes: codes,
    subgraphs: [main.carried(outputs), ...graphs.slice(1)],
    buffers: tables(model, "buffers").map((buffer) => inlined(buffer, bytes)),
    signature_defs: [],
  };
  return flatbuffer(tflite, "Model", copy, "TFL3");
}

const tables = (table: TableValue, field: string): readonly TableValue[] => (table[field] ?? []) as readonly TableValue[];

/** Adds the operator to the codes where it is not among them. */
function castCode(codes: TableValue[]): number {
  const known = codes.findIndex((code) => code["builtin_code"] === "CAST" || code["deprecated_builtin_code"] === 53);
  return known >= 0 ? known : codes.push({ deprecated_builtin_code: 53, builtin_code: "CAST", version: 1 }) - 1;
}

function settled(graph: TableValue): TableValue {
  return { ...graph, tensors: tables(graph, "tensors").map(({ shape_signature: _, ...rest }) => rest) };
}

/** What lies behind the flatbuffer comes into it. */
function inlined({ offset, size, ...rest }: TableValue, bytes: Uint8Array): TableValue {
  return Number(offset) > 1 ? { data: bytes.subarray(Number(offset), Number(offset) + Number(size)) } : rest;
}

class Main {
  private readonly tensors: TableValue[];
  private readonly before: TableValue[] = [];
  private readonly after: TableValue[] = [];

  constructor(
    private readonly graph: TableValue,
    private readonly cast: number,
  ) {
    this.tensors = [...tables(graph, "tensors")];
  }

  carried(outputs: readonly ValueId[] | undefined): TableValue {
    const given = (this.graph["inputs"] ?? []) as readonly number[];
    const wanted = outputs ?? ((this.graph["outputs"] ?? []) as readonly number[]);
    const inputs = given.map((id) => this.twin(id, (twin) => this.before.push(this.casting(twin, id))));
    const results = wanted.map((id) => this.twin(id, (twin) => this.after.push(this.casting(id, twin))));
    const { tensors, before, after } = this;
    const operators = [...before, ...tables(this.graph, "operators"), ...after];
    return { ...this.graph, tensors, inputs, outputs: results, operators };
  }

  /** The tensor itself, or one of the type that it is cast from or to. */
  private twin(id: number, made: (twin: number) => void): number {
    const tensor = this.tensors[id];
    if (!tensor) throw modelError("bad-tensor", `tensor ${id} of ${this.tensors.length}`);
    const { type, shape, name } = tensor;
    if (carried.has(type)) return id;
    const to = castTo[String(type)];
    if (!to)
      throw modelError("reference-refused", `LiteRT.js takes no value of type ${String(type).toLowerCase()}`, {
        tensor: String(name),
      });
    const twin = this.tensors.push({ name: `${name}!`, shape: shape ?? [], type: to, buffer: 0, has_rank: true }) - 1;
    made(twin);
    return twin;
  }

  private casting(from: number, to: number): TableValue {
    const type = (id: number) => this.tensors[id]!["type"] as string;
    const options = ["CastOptions", { in_data_type: type(from), out_data_type: type(to) }] as const;
    return { opcode_index: this.cast, inputs: [from], outputs: [to], builtin_options: options };
  }
}
