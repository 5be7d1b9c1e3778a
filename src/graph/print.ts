/** A hub graph as text, one line a node: for golden files, for tests and for reading. */
import { type Attr, type Graph, type Node, showShape, type Value } from "./graph.ts";
import { nodesOf } from "./order.ts";
import { isStored, numbersOf, type StoredTensor, type Tensor } from "./tensor.ts";

/** Constants of more elements are named by their type alone. */
const maxShown = 8;

/**
 * `%3 = Conv2D(%1, %2) {padding="SAME", strides=[1,1,1,1]} : float32 1×3×h×8`, then a line an output, then the functions. Small constants
 * stand where they are read.
 */
export function print(graph: Graph): string {
  const ids = new Map<Node, number>();
  const nodes = nodesOf(graph).filter((node) => !isInline(node));
  for (const node of nodes) ids.set(node, ids.size);
  const name = (value: Value): string => {
    const { node } = value;
    if (isInline(node)) return showTensor(node.attrs["value"] as Tensor);
    return node.outputs.length === 1 ? `%${ids.get(node)}` : `%${ids.get(node)}:${value.port}`;
  };
  const lines = nodes.map(
    (node) => `  %${ids.get(node)} = ${node.op}(${node.inputs.map(name).join(", ")})${showAttrs(node)} : ${showTypes(node)}`,
  );
  const outputs = graph.outputs.map((output) => `  ${output.name} = ${name(output.value)}`);
  const functions = [...graph.functions.values()].map(print);
  return [`graph ${graph.name}`, ...lines, "outputs", ...outputs, ...functions].join("\n");
}

function isInline(node: Node): boolean {
  const tensor = node.op === "Const" ? (node.attrs["value"] as Tensor | StoredTensor) : undefined;
  return tensor !== undefined && !isStored(tensor) && tensor.data.length <= maxShown;
}

function showTensor({ data, shape, dtype }: Tensor): string {
  const elements = Array.isArray(data) ? data.map((each) => JSON.stringify(each)) : numbersOf({ data, shape, dtype });
  return shape.length === 0 ? `${elements[0]}` : `[${elements.join(",")}]`;
}

const showTypes = (node: Node): string => node.outputs.map(({ type }) => `${type.dtype} ${showShape(type.shape)}`).join(", ");

function showAttrs(node: Node): string {
  const shown = Object.keys(node.attrs)
    .sort()
    .filter((name) => node.op !== "Const" || name !== "value");
  return shown.length === 0 ? "" : ` {${shown.map((name) => `${name}=${showAttr(node.attrs[name]!)}`).join(", ")}}`;
}

function showAttr(attr: Attr): string {
  if (typeof attr === "object" && "dtype" in attr) return isStored(attr) ? `stored ${showShape(attr.shape)}` : showTensor(attr);
  return JSON.stringify(attr);
}
