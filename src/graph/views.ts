/** Nodes whose result holds the elements of their first input in another order, shape or type: a dead one still tells how a value looks. */
import type { Node } from "./graph.ts";

const viewOps: ReadonlySet<string> = new Set(["Transpose", "Reshape", "Squeeze", "ExpandDims", "Identity", "Cast"]);

export const isView = (node: Node): boolean => viewOps.has(node.op) && node.inputs.slice(1).every((input) => input.node.constant);
