/**
 * Strings that are moved about: TF.js's kernels for that know numbers only, or abort on wasm. What is moved instead is their places among
 * all the strings given, and what is found there in the end is looked up.
 */
import { Node, type Value } from "../../graph/graph.ts";
import { Builder } from "../../tf/build.ts";
import { LegalAt, type Legalize } from "../rule.ts";

const moving = [
  ...["Transpose", "BroadcastTo", "Tile", "SelectV2", "ReverseV2", "ReverseSequence", "GatherNd", "OneHot"],
  ...["Split", "SplitV", "StridedSlice", "TensorScatterUpdate"],
];

const isText = ({ dtype }: Value): boolean => dtype === "string";

/** The node as it would be over places. */
function overNumbers({ node, attrs }: LegalAt): LegalAt {
  const number = (value: Value, of: Builder) => of.input("places", { dtype: "int32", shape: value.type.shape });
  const inputs = node.inputs.map((input) => (isText(input) ? number(input, new Builder()) : input));
  const types = node.outputs.map(({ type }) => ({ dtype: "int32", shape: type.shape }) as const);
  return new LegalAt(new Node(node.op, inputs, node.attrs, node.origin, types, [], false), attrs);
}

const byPlaces =
  (way: Legalize): Legalize =>
  (b, inputs, at) => {
    if (!inputs.some(isText)) return way(b, inputs, at);
    let start = b.scalar("int32", 0);
    const places = inputs.map((input) => {
      if (!isText(input)) return input;
      const end = b.op("AddV2", [start, b.op("Size", [input])]);
      const own = b.op("Range", [start, end, b.scalar("int32", 1)]);
      start = end;
      return b.op("Reshape", [own, b.op("Shape", [input])]);
    });
    const texts = b.concat(
      inputs.filter(isText).map((input) => b.reshape(input, [-1])),
      0,
    );
    return way(b, places, overNumbers(at)).map((moved) => b.op("StringGather", [texts, moved], { axis: 0 }));
  };

/** The rows, those that may move strings made fit for them. */
export function withStrings(rows: ReadonlyMap<string, Legalize>): ReadonlyMap<string, Legalize> {
  const asItIs: Legalize = (b, inputs, at) => at.same(b, inputs);
  return new Map([...rows, ...moving.map((op) => [op, byPlaces(rows.get(op) ?? asItIs)] as const)]);
}
