/** Which nodes compute each element from the elements at its place. */
import type { Node } from "../graph/graph.ts";
import { isDefined, opDef } from "../tf/op.ts";

export const isElementwise = (node: Node): boolean =>
  isDefined(node.op) && opDef(node.op).elementwise === true && node.outputs.length === 1;
