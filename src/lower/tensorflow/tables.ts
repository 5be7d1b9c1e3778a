/** Hash tables. A SavedModel fills them when it is loaded; where keys and values are constants, a table is those two tensors. */

import { Behind } from "../../graph/behind.ts";
import { Node, type Value } from "../../graph/graph.ts";
import type { SourceGraph, SourceModel, SourceNode, SourceTensor } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { tensor } from "../schema.ts";
import { tfRule } from "./attrs.ts";

const creating = /^(Mutable)?HashTable(V2)?$/;
const filling = /^(LookupTableImport|InitializeTable)(V2)?$/;

/** The model with keys and values as attributes of its table nodes, as far as they are constants. */
export function withTables(model: SourceModel): SourceModel {
  const [main, ...rest] = model.graphs;
  if (!main!.nodes.some(({ op }) => creating.test(op))) return model;
  const behind = new Behind(model.graphs);
  const filled = new Map<number, readonly [SourceTensor, SourceTensor]>();
  for (const graph of model.graphs)
    for (const node of graph.nodes)
      if (filling.test(node.op))
        for (const [table, content] of contentsOf(graph, node, main!, behind)) filled.set(table, content);
  if (filled.size === 0) return model;
  const nodes = main!.nodes.map((node) => {
    const content = filled.get(node.id);
    // What the reader found in assets or a checkpoint is what the model was saved with.
    if (!content || node.attrs["keys"]) return node;
    const [keys, values] = content.map((each) => ({ kind: "tensor" as const, value: each }));
    return { ...node, attrs: { ...node.attrs, keys: keys!, values: values! } };
  });
  return { ...model, graphs: [{ ...main!, nodes }, ...rest] };
}

/** Table nodes of the main graph that this node fills, with what, as far as it is constants. */
function contentsOf(
  graph: SourceGraph,
  node: SourceNode,
  main: SourceGraph,
  behind: Behind,
): [number, readonly [SourceTensor, SourceTensor]][] {
  const [table, keys, values] = node.inputs;
  if (table === undefined || keys === undefined || values === undefined) return [];
  const [k, v] = [keys, values].map((input) => {
    const places = behind.of(graph, input);
    return places.length === 1 ? places[0]!.graph.values[places[0]!.value]!.tensor : undefined;
  });
  if (!k || !v) return [];
  const tables = behind.nodesOf(graph, table).filter((each) => creating.test(each.op) && main.nodes[each.id] === each);
  return tables.map((each) => [each.id, [k, v]]);
}

/** A table while lowering: its keys and values. No value of TF.js. */
const tableOf = (b: Builder, keys: Value, values: Value): Value =>
  new Node("Table", [keys, values], {}, b.origin, [{ dtype: values.dtype, shape: undefined }], [], false).output;

export const isTable = (value: Value): boolean => value.node.op === "Table";

function contentOf(table: Value, at: At): readonly [Value, Value] {
  if (!isTable(table)) throw at.unsupported("a table that comes from elsewhere");
  return table.node.inputs as unknown as readonly [Value, Value];
}

const names = (text: string): string[] => text.split(" ");

export const tables: readonly Rule[] = [
  ...names("HashTable HashTableV2 MutableHashTable MutableHashTableV2").map((op) =>
    tfRule(op, [0, 0], { keys: tensor(), values: tensor() }, (b, _, a, at) => {
      if (!a.keys || !a.values) throw at.unsupported("a hash table that is not filled with constants", "look the values up before or after the model"); // biome-ignore format: one clause
      return [tableOf(b, at.constant(a.keys), at.constant(a.values))];
    }),
  ),
  ...names("LookupTableFind LookupTableFindV2").map((op) =>
    tfRule(op, [3, 3], {}, (b, [table, x, fallback], _, at) => {
      const [keys, values] = contentOf(table, at);
      if (keys.dtype !== x.dtype) throw at.invalid(`${x.dtype} looked up among ${keys.dtype}`);
      return [b.op("LookUp", [x, keys, values, fallback])];
    }),
  ),
  ...names("LookupTableSize LookupTableSizeV2").map((op) =>
    tfRule(op, [1, 1], {}, (b, [table], _, at) => [b.op("Size", [contentOf(table, at)[0]], { out_type: "int64" })]),
  ),
];
