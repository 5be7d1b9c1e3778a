/**
 * The first step to ONNX, hub graph → hub graph: ops that ONNX lacks become simpler ones, those that it has channels-first get Transposes
 * around them. The optimiser then cancels these, before `emit` writes ONNX node by node.
 */
import type { Graph, Node, Type, Value } from "../graph/graph.ts";
import { movingOps } from "../graph/moving.ts";
import type { Builder } from "../tf/build.ts";
import { isDefined } from "../tf/op.ts";
import { type Retargeted, type RetargetOptions, retarget, type Target } from "../tf/retarget.ts";
import { isUserOp } from "../tf/user-op.ts";
import { onnxAttrs } from "./attrs.ts";
import { decomposeRules } from "./decompose/rules.ts";
import { RaiseAt } from "./rule.ts";
import { isTiny, onnxType } from "./types.ts";

export interface DecomposeOptions extends RetargetOptions {
  readonly opset: number;
}

export interface Decomposed extends Retargeted {
  /** The least opset that has what the faulty nodes want. */
  readonly least: number;
}

/** Faults are collected a node each; a graph with error problems is not for writing. */
export function decompose(graph: Graph, { opset, ...options }: DecomposeOptions): Decomposed {
  const target = new Decomposition(opset);
  const made = retarget(graph, target, options);
  return { ...made, least: target.least };
}

/** Results of these are values of a tiny type: rounded to it, or those of an input. */
const keepsTiny: ReadonlySet<string> = new Set([...movingOps, "Quantize", "GatherV2", "ConcatV2", "Pack", "Split", "SelectV2"]);

class Decomposition implements Target {
  least: number;

  constructor(private readonly opset: number) {
    this.least = opset;
  }

  input({ dtype, shape }: Type): Type {
    return { dtype: onnxType(dtype), shape };
  }

  constant(b: Builder, value: Value): Value {
    return b.cast(value, onnxType(value.dtype));
  }

  isNode(): boolean {
    return false;
  }

  node(b: Builder, node: Node, inputs: readonly Value[]): readonly Value[] {
    const at = new RaiseAt(node, onnxAttrs(node.attrs), this.opset);
    const tiny = node.outputs.find(({ dtype }) => isTiny(dtype));
    if (tiny && !keepsTiny.has(node.op)) throw at.unsupported(`${node.op} of ${tiny.dtype}`);
    const rule = decomposeRules.get(node.op);
    if (!rule && !isDefined(node.op) && !isUserOp(node.op)) throw at.unsupported(`ONNX has no ${node.op}`);
    try {
      return rule ? rule(b, inputs, at) : b.ops(node.op, inputs, at.attrs);
    } finally {
      this.least = Math.max(this.least, at.least);
    }
  }
}
