/** SubGraph → SourceGraph. Values are addressed by index, in the file and here. */
import type { Place } from "../../base/problem.ts";
import type { GraphId, SourceGraph, SourceNode, SourceValue, ValueId } from "../../graph/source.ts";
import { nodeLabel, opLabel } from "../../graph/source.ts";
import { readAttributes } from "./attributes.ts";
import type { Context, TfliteTable } from "./context.ts";
import { readTensor, sourceValue } from "./tensor.ts";

type Draft = { -readonly [K in keyof SourceValue]: SourceValue[K] };

export async function readSubgraph(
  table: TfliteTable<"SubGraph">,
  id: GraphId,
  name: string,
  context: Context,
): Promise<SourceGraph> {
  const values: Draft[] = [];
  const empty = new Set<ValueId>();
  const names = new Set<string>();
  const tensors = await context.one(() => table.get("tensors"));
  await context.each(tensors?.length ?? 0, (i) => {
    const tensor = tensors!.at(i);
    const unique = uniqueName(tensor.get("name") ?? "", i, names);
    const draft = readTensor(tensor, context, { graph: name, tensor: unique });
    names.add(unique);
    values.push(sourceValue(i, unique, draft));
    if (draft.empty) empty.add(i);
  });
  checkBlocks(values, name, context);
  const nodes: SourceNode[] = [];
  const operators = await context.one(() => table.get("operators"));
  await context.each(operators?.length ?? 0, (i) => {
    nodes.push(readOperator(operators!.at(i), i, name, values, context));
  });
  for (const { id: node, outputs } of nodes)
    for (const output of outputs) if (output !== undefined) values[output]!.producer ??= node;
  const [inputs, outputs] = await context.one(() => [
    ids(table.get("inputs"), values, context, { graph: name, offset: table.at }),
    ids(table.get("outputs"), values, context, { graph: name, offset: table.at }),
  ]);
  const taken = inputs.filter((input) => input !== undefined && !values[input]!.tensor) as ValueId[];
  for (const value of empty) constantIfEmpty(values[value]!, taken);
  return {
    id,
    name,
    role: id === 0 ? "main" : "subgraph",
    nodes,
    values,
    inputs: inputs.filter((input) => input !== undefined),
    outputs: outputs.filter((output) => output !== undefined),
  };
}

/** Names need not be unique in a .tflite, nor be there at all: what has none, or one that is taken, gets its index. */
function uniqueName(name: string, index: number, taken: ReadonlySet<string>): string {
  if (name !== "" && !taken.has(name)) return name;
  let free = `${name}#${index}`;
  while (taken.has(free)) free += "'";
  return free;
}

/** A tensor of no elements has no bytes either; where nothing makes it, it is a constant (an empty list of axes). */
function constantIfEmpty(value: Draft, inputs: readonly ValueId[]): void {
  const { dtype, shape } = value.type;
  if (value.producer !== undefined || value.tensor || value.variable || inputs.includes(value.id)) return;
  if (dtype && shape?.every((dim) => typeof dim === "number"))
    value.tensor = { dtype, shape: shape as number[], slices: [], encoding: "raw" };
}

function readOperator(
  table: TfliteTable<"Operator">,
  id: number,
  graph: string,
  values: readonly SourceValue[],
  context: Context,
): SourceNode {
  const index = table.get("opcode_index");
  const operator = context.operators[index] ?? { op: `#${index}`, domain: "", version: 1 };
  const at: Place = { graph, offset: table.at };
  if (!context.operators[index])
    context.report("error", "bad-operator", `operator code ${index} of ${context.operators.length}`, at);
  const inputs = ids(table.get("inputs"), values, context, at);
  const outputs = ids(table.get("outputs"), values, context, at);
  const { op, domain } = operator;
  const place: Place = { graph, node: nodeLabel({ values }, { id, name: "", outputs }), op: opLabel(operator), offset: table.at };
  const attrs = readAttributes(table, operator, context, place);
  return { id, name: "", op, domain, inputs, outputs, attrs, captures: [] };
}

/** −1 is an optional input that is left out. */
function ids(
  list: readonly number[] | undefined,
  values: readonly SourceValue[],
  context: Context,
  place: Place,
): (ValueId | undefined)[] {
  return (list ?? []).map((id) => {
    if (id >= 0 && id < values.length) return id;
    if (id !== -1) context.report("error", "bad-tensor", `tensor ${id} of ${values.length}`, place);
    return undefined;
  });
}

/** Blockwise scales name other tensors of the graph. */
function checkBlocks(values: Draft[], graph: string, context: Context): void {
  for (const value of values) {
    const block = value.type.quantization?.block;
    if (!block) continue;
    const bad = [block.scales, block.zeroPoints ?? 0].find((id) => id < 0 || id >= values.length);
    if (bad === undefined && block.size > 0) continue;
    const reason = bad === undefined ? `blocks of ${block.size}` : `scales in tensor ${bad} of ${values.length}`;
    context.report("error", "bad-quantization", reason, { graph, tensor: value.name });
    const { quantization: _, ...type } = value.type;
    value.type = type;
  }
}
