/** TF.js graph models: TensorFlow's operators, those its converter fuses, and those that TF.js computes in its own way. */
import { isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, RuleTable, rule } from "../rule.ts";
import { float, int, strings } from "../schema.ts";
import { tensorflowRules } from "../tensorflow/rules.ts";

const fusion = { fused_ops: strings(), num_args: int(0), leakyrelu_alpha: float(0.2) };

/** op(x, w), then what `fused_ops` names in turn, each with the next of the arguments. */
function fused(name: string, plain: string): Rule {
  const inner = tensorflowRules.find("", plain, 0);
  if (!inner) throw new Error(`TensorFlow's table has no ${plain}`);
  return rule(name, { since: 0, arity: [2, 8], attrs: { ...inner.attrs, ...fusion } }, (b, inputs, attrs, at) => {
    const given = attrs as { readonly fused_ops?: readonly string[]; readonly leakyrelu_alpha: number };
    const [x, w, ...args] = inputs as readonly (Value | undefined)[];
    let [y] = inner.lower(b, [x, w], attrs, at);
    const next = (): Value => {
      const argument = args.shift();
      if (!argument) throw at.invalid("fewer arguments than its fused operators take");
      return argument;
    };
    for (const op of given.fused_ops ?? []) y = apply(b, op.toLowerCase(), y!, next, given.leakyrelu_alpha, at);
    return [y];
  });
}

const activations: Readonly<Record<string, string>> = { relu: "Relu", relu6: "Relu6", elu: "Elu", sigmoid: "Sigmoid" };

function apply(b: Builder, op: string, y: Value, next: () => Value, alpha: number, at: At): Value {
  const activation = activations[op];
  if (activation) return b.op(activation, [y]);
  switch (op) {
    case "biasadd":
      return b.op("BiasAdd", [y, next()]);
    case "prelu":
      return b.op("Prelu", [y, next()]);
    case "leakyrelu":
      return b.op("LeakyRelu", [y], { alpha });
    case "linear":
    case "noop":
      return y;
    default:
      throw at.unsupported(`fused with ${op}`);
  }
}

/** Whole numbers are divided towards −∞, where TensorFlow cuts towards zero. */
const division = (op: string): Rule =>
  rule(op, { since: 0, arity: [2, 2], attrs: {} }, (b, [x, y]) => [b.op(isInteger(x.dtype) ? "FloorDiv" : "RealDiv", [x, y])]);

/** Ops whose meaning in TF.js is another than in TensorFlow, and those that only TF.js has. */
const own: readonly Rule[] = [
  fused("_FusedConv2D", "Conv2D"),
  fused("FusedDepthwiseConv2dNative", "DepthwiseConv2dNative"),
  fused("_FusedMatMul", "MatMul"),
  rule("Prelu", { since: 0, arity: [2, 2], attrs: {} }, (b, [x, slope]) => [b.op("Prelu", [x, slope])]),
  division("Div"),
  division("RealDiv"),
  // The sign of the divisor, as FloorMod has it.
  rule("Mod", { since: 0, arity: [2, 2], attrs: {} }, (b, [x, y]) => [b.op("FloorMod", [x, y])]),
  // The executor lets these through untouched.
  rule("FakeQuantWithMinMaxVars", { since: 0, arity: [3, 3], attrs: {} }, (_, [x]) => [x]),
];

/** What these give where numbers are large or many is what the model has always given. */
export const nativeOps: ReadonlySet<string> = new Set([
  ...["Sum", "Mean", "Abs", "Neg", "Square", "ClipByValue", "FloorDiv", "FloorMod"],
]);

const names = new Set(own.map(({ op }) => op));

export const tfjsRules = new RuleTable([...tensorflowRules.all().filter(({ op }) => !names.has(op)), ...own]);
