/**
 * The wasm backend of TF.js packs the right operand of a matrix product once and finds it again by where its elements are in memory: the
 * same elements under another shape are then taken in the first one. Such an operand gets a copy of its own.
 */
import type { Graph, Node, Value } from "../../graph/graph.ts";
import { nodesOf } from "../../graph/order.ts";
import { reshapes } from "../reshape.ts";
import type { Fire, Rewrite } from "../rewrite.ts";

const products = ["MatMul", "_FusedMatMul", "BatchMatMulV2"];

/** Its own pass over a finished target graph, optimised or not. */
export const ownOperands: Rewrite = { name: "own-operands", ops: products, onConstants: false, start };

function start(): Fire {
  const shapes = new Map<Value, string>();
  return (node, b) => {
    const right = node.inputs[1]!;
    const elements = memoryOf(right);
    const shape = JSON.stringify(right.type.shape);
    const first = shapes.get(elements);
    if (first === undefined) shapes.set(elements, shape);
    if (first === undefined || first === shape || right.node.constant) return undefined;
    const own = b.op("Maximum", [right, right]);
    return b.ops(
      node.op,
      node.inputs.map((input, i) => (i === 1 ? own : input)),
      node.attrs,
    );
  };
}

/** The value whose elements these are: TF.js reshapes without a copy. */
function memoryOf(value: Value): Value {
  let at = value;
  while (isReshaped(at)) at = at.node.inputs[0]!;
  return at;
}

const isReshaped = ({ node }: Value): boolean => !node.constant && (reshapes.includes(node.op) || node.op === "Identity");

/** Is there any product that this could concern? Few graphs have one. */
export const hasReshapedOperands = (graph: Graph): boolean =>
  [graph, ...graph.functions.values()].some((part) => nodesOf(part).some(takesReshaped));

const takesReshaped = ({ op, inputs }: Node): boolean => products.includes(op) && isReshaped(inputs[1]!);
