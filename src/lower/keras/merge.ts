/** Layers of several inputs. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { LayerCall, LayerFn, Layers } from "./layer.ts";
import { concatenatedMask, joinedMask, withMask } from "./masks.ts";
import { isOfTfjs } from "./stock.ts";

/** Of different ranks: those of fewer axes get them behind the batch. */
function aligned(b: Builder, inputs: readonly Value[]): readonly Value[] {
  const rank = Math.max(...inputs.map((x) => x.rank));
  return inputs.map((x) => {
    let y = x;
    while (y.rank < rank) y = b.op("ExpandDims", [y, b.scalar("int32", 1)]);
    return y;
  });
}

const folded =
  (op: string, finish: (b: Builder, y: Value, count: number) => Value = (_, y) => y): LayerFn =>
  ({ b, inputs, major }) => {
    const [first, ...rest] = aligned(b, inputs);
    const y = rest.reduce((sum, x) => b.op(op, [sum, x]), first!);
    return [withMask(b, finish(b, y, inputs.length), joinedMask(b, inputs, major))];
  };

const mean = (b: Builder, y: Value, count: number): Value => b.op("Mul", [y, b.scalar(y.dtype, 1 / count)]);

function concatenate({ b, inputs }: LayerCall, axis: number): readonly Value[] {
  const from = axis < 0 ? axis + inputs[0]!.rank : axis;
  return [withMask(b, b.concat(inputs, from), concatenatedMask(b, inputs, from))];
}

/** Σ x·y along an axis of each; what is left of x, then what is left of y. */
const dot: LayerFn = ({ b, config, inputs, at }) => {
  const [x, y] = inputs as readonly [Value, Value];
  const axes = config.list(config.has("axes") ? "axes" : "dot_axes");
  const [i, j] = [axes[0]!, axes[axes.length - 1]!];
  const normal = (axis: number, value: Value): number => (axis < 0 ? axis + value.rank : axis);
  if (inputs.length !== 2 || x.rank > 3 || y.rank > 3)
    throw at.unsupported(`a dot product of ranks ${inputs.map((each) => each.rank)}`);
  // What a length is at least, squared: TF.js has another.
  const least = isOfTfjs(at.node.attrs) ? 1e-7 : 1e-12;
  const unit = (value: Value, axis: number): Value => {
    if (!config.flag("normalize", false)) return value;
    const square = b.reduce("Sum", b.op("Square", [value]), [axis], true);
    return b.op("Mul", [value, b.op("Rsqrt", [b.op("Maximum", [square, b.scalar(value.dtype, least)])])]);
  };
  const matrix = (value: Value): Value => (value.rank === 2 ? b.op("ExpandDims", [value, b.scalar("int32", 1)]) : value);
  const [p, q] = [normal(i, x), normal(j, y)];
  const [left, right] = [matrix(unit(x, p)), matrix(unit(y, q))];
  // The batch is axis 0, so the axis to sum over is 1 or 2.
  const product = b.op("BatchMatMulV2", [left, right], { adj_x: x.rank === 3 && p === 1, adj_y: !(y.rank === 3 && q === 1) });
  if (x.rank === 3 && y.rank === 3) return [product];
  return [x.rank === 2 && y.rank === 2 ? b.squeeze(product, [1]) : b.squeeze(product, [x.rank === 2 ? 1 : 2])];
};

const modes: Readonly<Record<string, LayerFn>> = {
  sum: folded("AddV2"),
  mul: folded("Mul"),
  ave: folded("AddV2", mean),
  max: folded("Maximum"),
  concat: (call) => concatenate(call, call.config.number("concat_axis", -1)),
  dot,
};

export const mergeLayers: Layers = {
  Add: folded("AddV2"),
  Subtract: folded("Sub"),
  Multiply: folded("Mul"),
  Average: folded("AddV2", mean),
  Maximum: folded("Maximum"),
  Minimum: folded("Minimum"),
  Concatenate: (call) => concatenate(call, call.config.number("axis", -1)),
  Dot: dot,
  // Keras 1
  Merge: (call) => {
    const mode = call.config.string("mode", "sum");
    const found = modes[mode];
    if (!found) throw call.at.unsupported(`mode is ${mode}`);
    return found(call);
  },
};
