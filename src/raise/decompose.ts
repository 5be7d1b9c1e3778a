/**
 * The first step to ONNX, hub graph → hub graph: ops that ONNX lacks become simpler ones, those that it has channels-first get Transposes
 * around them. The optimiser then cancels these, before `emit` writes ONNX node by node.
 */
import type { Graph, Node, Type, Value } from "../graph/graph.ts";
import type { Builder } from "../tf/build.ts";
import { isDefined } from "../tf/op.ts";
import { type Retargeted, type RetargetOptions, retarget, type Target } from "../tf/retarget.ts";
import { isUserOp } from "../tf/user-op.ts";
import { onnxAttrs } from "./attrs.ts";
import { decomposeRules } from "./decompose/rules.ts";
import { RaiseAt } from "./rule.ts";
import { onnxType, refuseTiny } from "./types.ts";

export interface DecomposeOptions extends RetargetOptions {
  readonly opset: number;
}

/** Faults are collected a node each; a graph with error problems is not for writing. */
export function decompose(graph: Graph, { opset, ...options }: DecomposeOptions): Retargeted {
  return retarget(graph, new Decomposition(opset), options);
}

class Decomposition implements Target {
  constructor(private readonly opset: number) {}

  input({ dtype, shape }: Type): Type {
    refuseTiny(dtype);
    return { dtype: onnxType(dtype), shape };
  }

  constant(b: Builder, value: Value): Value {
    return b.cast(value, onnxType(value.dtype));
  }

  isNode(): boolean {
    return false;
  }

  node(b: Builder, node: Node, inputs: readonly Value[]): readonly Value[] {
    for (const { dtype } of node.outputs) refuseTiny(dtype);
    const at = new RaiseAt(node, onnxAttrs(node.attrs), this.opset);
    const rule = decomposeRules.get(node.op);
    if (!rule && !isDefined(node.op) && !isUserOp(node.op)) throw at.unsupported(`ONNX has no ${node.op}`);
    return rule ? rule(b, inputs, at) : b.ops(node.op, inputs, at.attrs);
  }
}
