/** Hub graph → a graph that TF.js's executor runs: its ops, its dtypes, its quirks. The only place that knows them. */
import { type Attrs, type Graph, type Node, sizeOf, type Type, type Value } from "../graph/graph.ts";
import { movingOps } from "../graph/moving.ts";
import { allocate } from "../graph/tensor.ts";
import { type Builder, bytesOf, eagerBytes } from "../tf/build.ts";
import { type Retargeted, type RetargetOptions, retarget, type Target } from "../tf/retarget.ts";
import { isUserOp } from "../tf/user-op.ts";
import { isNarrow, wrap } from "../tf/wrap.ts";
import { executorOps } from "./ops.ts";
import { LegalAt, type Legalize } from "./rule.ts";
import { userOperator } from "./rules/custom.ts";
import { legalRules } from "./rules.ts";
import { borderType, narrow } from "./types.ts";

export interface LegalizeOptions extends RetargetOptions {
  /** Ops that stand for TF.js's own kernels and nothing more exact, since the source is a TF.js model. */
  readonly native?: ReadonlySet<string> | undefined;
}

/** Faults are collected per node; a graph with error problems is not for writing. */
export function legalize(graph: Graph, { native, ...options }: LegalizeOptions = {}): Retargeted {
  return retarget(graph, new Legalization(native), options);
}

/** Attributes that hold a dtype. */
const dtypeAttrs = new Set(["element_dtype", "DstT", "SrcT", "T", "dtype", "out_type", "output_type"]);

/** Attributes that TensorFlow gives a default and the executor reads without one. */
const expected: Readonly<Record<string, Attrs>> = {
  Conv2D: { dilations: [1, 1, 1, 1], data_format: "NHWC" },
  DepthwiseConv2dNative: { dilations: [1, 1, 1, 1], data_format: "NHWC" },
  Conv3D: { dilations: [1, 1, 1, 1, 1], data_format: "NDHWC" },
  Conv2DBackpropInput: { dilations: [1, 1, 1, 1], data_format: "NHWC" },
};

/** Results of these leave the range of a narrow integer type. */
const overflowing = new Set([
  "AddV2",
  "Sub",
  "Mul",
  "Neg",
  "Abs",
  "Square",
  "Pow",
  "Sum",
  "Prod",
  "Cumsum",
  "Cumprod",
  "SquaredDifference",
  "TruncateDiv",
  "TensorScatterAdd",
  "TensorScatterMul",
]);

class Legalization implements Target {
  /** Of constants: bytes of what they are made of, and whether they outgrow it. */
  private readonly leafBytes = new Map<Value, number>();
  private readonly enlarged = new Map<Value, boolean>();

  constructor(private readonly native: ReadonlySet<string> | undefined) {}

  input({ dtype, shape }: Type): Type {
    return { dtype: borderType(dtype), shape };
  }

  constant(b: Builder, value: Value): Value {
    return narrow(b, value);
  }

  node(b: Builder, node: Node, inputs: readonly Value[]): readonly Value[] {
    // Kernels are careless with results of no elements, and those need none.
    if (node.outputs.every((output) => sizeOf(output.type.shape) === 0)) return node.outputs.map((output) => nothing(b, output));
    const outputs = this.rule(node.op)(b, inputs, new LegalAt(node, borderAttrs(node.attrs)));
    if (!overflowing.has(node.op)) return outputs;
    return outputs.map((output, i) => {
      const { dtype } = node.outputs[i]!;
      return isNarrow(dtype) ? wrap(b, output, dtype) : output;
    });
  }

  private rule(op: string): Legalize {
    const row = this.native?.has(op) ? undefined : legalRules.get(op);
    if (row) return row;
    if (isUserOp(op)) return userOperator;
    return (b, inputs, at) => {
      if (!executorOps.has(op)) throw at.unsupported(`TF.js has no ${op}`);
      return at.same(b, inputs, { ...expected[op], ...at.attrs });
    };
  }

  /** A constant much larger than what the file holds of it stays an operation: a Fill, a Tile, the scaling of 8-bit weights. */
  isNode(node: Node): boolean {
    const output = node.outputs[0]!;
    const known = this.enlarged.get(output);
    if (known !== undefined) return known;
    const inputs = node.inputs.reduce((total, input) => total + (this.leafBytes.get(input) ?? 0), 0);
    const bytes = node.outputs.reduce((total, each) => total + (bytesOf(each.type) ?? 0), 0);
    const leaves = node.op === "Const" ? bytes : inputs;
    for (const each of node.outputs) this.leafBytes.set(each, leaves);
    const grown = movingOps.has(node.op)
      ? this.enlarged.get(node.inputs[0]!)!
      : node.op !== "Const" && bytes > eagerBytes && bytes > 2 * leaves;
    for (const each of node.outputs) this.enlarged.set(each, grown);
    return grown;
  }
}

function nothing(b: Builder, { dtype, type }: Value): Value {
  const border = borderType(dtype);
  return b.constant({ dtype: border, shape: type.shape as readonly number[], data: allocate(border, 0) });
}

function borderAttrs(attrs: Attrs): Attrs {
  let mapped: Record<string, Attrs[string]> | undefined;
  for (const [name, value] of Object.entries(attrs)) {
    if (!dtypeAttrs.has(name)) continue;
    mapped ??= { ...attrs };
    mapped[name] = borderType(value as Parameters<typeof borderType>[0]);
  }
  return mapped ?? attrs;
}
