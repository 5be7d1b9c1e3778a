/** What ML.NET's ApplyOnnxModel takes: onnxruntime 1.23 behind columns that have no float16 and are of nearly known size. */
import type { DType } from "../base/dtype.ts";
import { type Problem, problem } from "../base/problem.ts";
import { noOrigin } from "../graph/graph.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from "../graph/onnx-graph.ts";
import { int } from "../graph/onnx-graph.ts";
import { dtypeCodes } from "../graph/onnx-types.ts";

/** Opsets that ML.NET's runtime and its tools all know. */
export const mlnetOpsets = { least: 13, greatest: 17 } as const;

/** Element types of columns. */
const columnTypes: ReadonlySet<DType> = new Set([
  ...(["float32", "float64", "bool", "string"] as const),
  ...(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"] as const),
]);
const halves: ReadonlySet<DType> = new Set(["float16", "bfloat16"]);

export interface ForMlnet {
  readonly model: OnnxModel;
  readonly problems: readonly Problem[];
}

/** The model with float32 in place of float16 at its border; an error problem a column that ML.NET cannot take. */
export function forMlnet(model: OnnxModel): ForMlnet {
  const { graph, opsets } = model;
  const border = [...graph.inputs, ...graph.outputs];
  const problems = [...opsetProblems(opsets.get("") ?? 0), ...border.flatMap(columnProblems)];
  return { model: { ...model, graph: withFloatBorder(graph) }, problems };
}

function opsetProblems(opset: number): Problem[] {
  const { least, greatest } = mlnetOpsets;
  if (opset >= least && opset <= greatest) return [];
  return [problem("error", "mlnet-opset", `ML.NET takes opset ${least} to ${greatest}, not ${opset}`, {}, "leave out --opset")];
}

function columnProblems({ name, dtype, shape, sequence }: OnnxValue): Problem[] {
  const refuse = (code: string, reason: string, hint?: string) => [problem("error", code, reason, { tensor: name }, hint)];
  if (sequence)
    return refuse("mlnet-type", "ML.NET has no column that is a list of tensors", "cut the model before it with --outputs");
  if (!columnTypes.has(dtype) && !halves.has(dtype)) return refuse("mlnet-type", `ML.NET has no column of type ${dtype}`);
  const hint = "give the shape with --input NAME:SHAPE";
  if (!shape) return refuse("mlnet-shape", "ML.NET must know the rank of a column", hint);
  // The first dim is the batch, which ML.NET takes as 1; it finds one other dim by the number of elements.
  const open = shape.slice(1).filter((dim) => typeof dim !== "number").length;
  if (open <= 1) return [];
  return refuse("mlnet-shape", `ML.NET takes one unknown dim beside the first, not ${open}`, hint);
}

/** Casts behind the inputs and before the outputs that are of half precision. */
function withFloatBorder(graph: OnnxGraph): OnnxGraph {
  const inputs = graph.inputs.filter(({ dtype }) => halves.has(dtype));
  const outputs = graph.outputs.filter(({ dtype }) => halves.has(dtype));
  if (inputs.length + outputs.length === 0) return graph;
  const taken = new Set(
    [...graph.inputs, ...graph.nodes.flatMap((node) => node.outputs.map((name) => ({ name })))].map(({ name }) => name),
  );
  for (const { name } of graph.initializers) taken.add(name);
  const inner = new Map<string, string>();
  for (const { name, dtype } of [...inputs, ...outputs]) {
    let own = `${name}/${dtype}`;
    while (taken.has(own)) own += "_";
    taken.add(own);
    inner.set(name, own);
  }
  const asFloat = (value: OnnxValue): OnnxValue => (halves.has(value.dtype) ? { ...value, dtype: "float32" } : value);
  return {
    ...graph,
    inputs: graph.inputs.map(asFloat),
    outputs: graph.outputs.map(asFloat),
    nodes: [
      ...inputs.map(({ name, dtype }) => cast(name, inner.get(name)!, dtype)),
      ...graph.nodes.map((node) => renamed(node, inner)),
      ...outputs.map(({ name }) => cast(inner.get(name)!, name, "float32")),
    ],
    valueInfo: [...graph.valueInfo, ...[...inputs, ...outputs].map((value) => ({ ...value, name: inner.get(value.name)! }))],
  };
}

const cast = (from: string, to: string, dtype: DType): OnnxNode => ({
  name: `${to}/Cast`,
  op: "Cast",
  domain: "",
  inputs: [from],
  outputs: [to],
  attrs: { to: int(dtypeCodes[dtype]) },
  origin: noOrigin,
});

/** Graphs within read the same names. They nest as deep as control flow does, which the readers bound. */
function renamed(node: OnnxNode, names: ReadonlyMap<string, string>): OnnxNode {
  const of = (name: string) => names.get(name) ?? name;
  const attrs = Object.entries(node.attrs).map(([key, attr]) =>
    attr.kind === "graph" ? ([key, { ...attr, value: renamedGraph(attr.value, names) }] as const) : ([key, attr] as const),
  );
  return { ...node, inputs: node.inputs.map(of), outputs: node.outputs.map(of), attrs: Object.fromEntries(attrs) };
}

function renamedGraph(graph: OnnxGraph, names: ReadonlyMap<string, string>): OnnxGraph {
  const of = (value: OnnxValue): OnnxValue => ({ ...value, name: names.get(value.name) ?? value.name });
  return { ...graph, nodes: graph.nodes.map((node) => renamed(node, names)), outputs: graph.outputs.map(of) };
}
