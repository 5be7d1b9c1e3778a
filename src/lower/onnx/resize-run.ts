/** Resize of sizes or scales that only the run knows: taps.ts once more, as operations of the graph. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { Arithmetic } from "./arithmetic.ts";
import { contract, type ResizeAxis } from "./resize-forms.ts";
import type { Coordinates, Rounding, Sampling } from "./taps.ts";

const scalar = (b: Builder, x: Value): Value => b.reshape(x, []);
const float = (b: Builder, x: Value): Value => b.cast(x, "float32");

/** [0, 1, …] as int32. */
const upTo = (b: Builder, from: Value, to: Value): Value => b.op("Range", [scalar(b, from), scalar(b, to), b.scalar("int32", 1)]);

/** The place in the input of each output element. */
function coordinates(b: Builder, a: ResizeAxis, kind: Coordinates): Value {
  const m = new Arithmetic(b);
  const i = float(b, upTo(b, b.ints([0]), a.size));
  const [input, output] = [float(b, a.inputSize), float(b, a.size)];
  const last = m.sub(input, 1);
  const steps = m.max(m.sub(output, 1), 1);
  const single = m.compare("Equal", output, 1);
  const centre = () => m.div(m.add(i, 0.5), a.scale);
  const half = () => m.sub(centre(), 0.5);
  switch (kind) {
    case "asymmetric":
      return m.div(i, a.scale);
    case "half_pixel":
      return half();
    case "tf_half_pixel_for_nn":
      return centre();
    case "pytorch_half_pixel":
      return m.select(single, b.op("ZerosLike", [i]), half());
    case "align_corners": {
      // A scale that is computed: the size before it is rounded, as ONNX's reference has it. One that is stored: the size itself, as
      // ONNX's text, onnxruntime and PyTorch have it. Whole sizes are the same either way.
      const unrounded = a.scaled && !constantOf(a.scale) ? m.div(m.mul(i, last), m.sub(m.mul(a.scale, input), 1)) : undefined;
      return unrounded ? m.select(single, b.op("ZerosLike", [i]), unrounded) : m.div(m.mul(i, last), steps);
    }
    case "half_pixel_symmetric": {
      const adjustment = m.div(output, m.mul(a.scale, input));
      const offset = m.mul(m.mul(input, 0.5), m.sub(m.number(1), adjustment));
      return m.sub(m.add(offset, centre()), 0.5);
    }
    case "tf_crop_and_resize": {
      const [start, end] = a.roi!;
      const spread = m.add(m.mul(start, last), m.div(m.mul(i, m.mul(m.sub(end, start), last)), steps));
      return m.select(single, m.mul(m.mul(m.add(start, end), 0.5), last), spread);
    }
  }
}

function rounded(b: Builder, x: Value, rounding: Rounding, scale: Value): Value {
  const m = new Arithmetic(b);
  const [floor, ceil] = [(v: Value) => b.op("Floor", [v]), (v: Value) => b.op("Ceil", [v])];
  switch (rounding) {
    case "floor":
      return floor(x);
    case "ceil":
      return ceil(x);
    case "round_prefer_floor":
      return ceil(m.sub(x, 0.5));
    case "round_prefer_ceil":
      return floor(m.add(x, 0.5));
    case "simple":
      return m.select(m.compare("Less", scale, 1), ceil(x), floor(x));
  }
}

/** 1 where the place is in the input, else 0. */
function inside(b: Builder, x: Value, a: ResizeAxis): Value {
  const both = b.op("LogicalAnd", [
    b.op("GreaterEqual", [x, b.scalar("float32", 0)]),
    b.op("LessEqual", [x, new Arithmetic(b).sub(float(b, a.inputSize), 1)]),
  ]);
  return float(b, both);
}

function kernel(b: Builder, distance: Value, s: Sampling): Value {
  const m = new Arithmetic(b);
  const d = b.op("Abs", [distance]);
  if (s.mode === "linear") return b.op("Relu", [m.sub(m.number(1), d)]);
  const c = s.cubicA;
  const near = m.add(m.mul(m.mul(d, d), m.sub(m.mul(d, c + 2), c + 3)), 1);
  const far = m.sub(m.mul(d, m.add(m.mul(d, m.sub(m.mul(d, c), 5 * c)), 8 * c)), 4 * c);
  const beyond = m.select(m.compare("Less", d, 2), far, b.op("ZerosLike", [d]));
  return m.select(m.compare("LessEqual", d, 1), near, beyond);
}

/** Nearest: a Gather. Else: the input with its edges repeated, times a matrix of weights. */
function resizeAxis(b: Builder, x: Value, a: ResizeAxis, s: Sampling): Value {
  const m = new Arithmetic(b);
  const places = coordinates(b, a, s.coordinates);
  const last = m.sub(float(b, a.inputSize), 1);
  if (s.mode === "nearest") {
    const index = m.min(m.max(rounded(b, places, s.rounding, a.scale), 0), last);
    return b.gather(x, b.cast(index, "int32"), a.axis);
  }
  const stretch = s.antialias ? m.min(a.scale, 1) : b.constant({ dtype: "float32", shape: [1], data: Float32Array.of(1) });
  const reach = m.add(b.op("Ceil", [m.div(m.number(s.mode === "linear" ? 1 : 2), stretch)]), 1);
  const margin = b.cast(reach, "int32");
  const taps = float(b, upTo(b, b.op("Neg", [margin]), b.op("AddV2", [a.inputSize, margin])));
  const distance = m.mul(b.op("Sub", [b.reshape(taps, [-1, 1]), b.reshape(places, [1, -1])]), stretch);
  let weights = kernel(b, distance, s);
  if (s.excludeOutside) weights = m.mul(weights, b.reshape(inside(b, taps, a), [-1, 1]));
  const matrix = b.op("RealDiv", [weights, b.reduce("Sum", weights, [0], true)]);
  const extended = b.gather(x, b.cast(m.min(m.max(taps, 0), last), "int32"), a.axis);
  return contract(b, extended, a.axis, matrix);
}

/** Resizes each axis in turn. `extrapolation` stands where any axis is outside its region of interest. */
export function resizeRun(b: Builder, x: Value, axes: readonly ResizeAxis[], s: Sampling, extrapolation: number): Value {
  const y = axes.reduce((value, a) => resizeAxis(b, value, a, s), s.mode === "nearest" ? x : b.cast(x, "float32"));
  if (s.coordinates !== "tf_crop_and_resize") return b.cast(y, x.dtype);
  const m = new Arithmetic(b);
  const shares = axes.map((a) => {
    const shape = x.shape.map((_, i) => (i === a.axis ? -1 : 1));
    return b.reshape(inside(b, coordinates(b, a, s.coordinates), a), shape);
  });
  const share = shares.reduce((product, each) => b.op("Mul", [product, each]));
  const outside = m.mul(m.sub(m.number(1), share), extrapolation);
  return b.cast(m.add(m.mul(b.cast(y, "float32"), share), outside), x.dtype);
}
