/** Rows of random steps over what the run itself computes: sizes, indices, conditions, codes of quantised numbers. */
import { dtypeCodes } from "../../../src/graph/onnx-types.ts";
import { float, tensor } from "../onnx.ts";
import type { Draft, Made } from "./draft.ts";
import { broadcast, type Step } from "./elementwise.ts";

const onFloats =
  (step: Step): Step =>
  (d, x) =>
    x.dtype === "float32" ? step(d, x) : undefined;

/** Scale and zero point for numbers of about 1: of all, or of each slice of an axis. */
function codes(d: Draft, x: Made) {
  const dtype = d.oneOf(["uint8", "int8"] as const);
  const axis = x.shape.length > 0 && d.chance() ? d.pick(x.shape.length) : undefined;
  const shape = axis === undefined ? [] : [x.shape[axis]!];
  const count = shape[0] ?? 1;
  // Far from a round number of steps, so that few elements lie between two codes.
  const scale = d.constant(
    "float32",
    shape,
    Array.from({ length: count }, (_, i) => 0.0413 + 0.007 * i),
  );
  const zero = d.constant(
    dtype,
    shape,
    Array.from({ length: count }, (_, i) => (dtype === "uint8" ? 119 + i : 3 - i)),
  );
  return { dtype, scale, zero, attrs: axis === undefined ? {} : { axis } };
}

const quantize: Step = onFloats((d, x) => {
  const { dtype, scale, zero, attrs } = codes(d, x);
  const coded = d.op("QuantizeLinear", [x, scale, zero], x.shape, attrs, dtype);
  return d.op("DequantizeLinear", [coded, scale, zero], x.shape, attrs, "float32");
});

const quantizeByRange: Step = onFloats((d, x) => {
  const [coded, scale, zero] = d.each(
    "DynamicQuantizeLinear",
    [x],
    [
      ["uint8", x.shape],
      ["float32", []],
      ["uint8", []],
    ],
  );
  return d.op("DequantizeLinear", [coded!, scale!, zero!], x.shape, {}, "float32");
});

const integerProduct: Step = onFloats((d, x) => {
  const taken = x.shape.at(-1);
  if (taken === undefined || x.shape.length < 2) return undefined;
  const [scale, zero] = [d.constant("float32", [], [0.0413]), d.constant("uint8", [], [131])];
  const coded = d.op("QuantizeLinear", [x, scale, zero], x.shape, {}, "uint8");
  const columns = d.between(1, 4);
  const weights = d.constant(
    "int8",
    [taken, columns],
    Array.from({ length: taken * columns }, (_, i) => ((i * 37) % 251) - 125),
  );
  const product = d.op("MatMulInteger", [coded, weights, zero], [...x.shape.slice(0, -1), columns], {}, "int32");
  const real = d.op("Cast", [product], product.shape, { to: dtypeCodes.float32 }, "float32");
  return d.op("Mul", [real, d.constant("float32", [], [0.0007])], real.shape);
});

const shapeOf = (d: Draft, x: Made): Made => d.op("Shape", [x], [x.shape.length], {}, "int64");

const expandByShape: Step = onFloats((d, x) => {
  const low = x.shape.slice(d.pick(x.shape.length + 1)).map((dim) => (d.chance() ? 1 : dim));
  return d.op("Expand", [d.weight(low), shapeOf(d, x)], x.shape, {}, "float32");
});

const filled: Step = onFloats((d, x) => {
  const value = tensor("", "float32", [1], [0.7]);
  const ones = d.op("ConstantOfShape", [shapeOf(d, x)], x.shape, { value }, "float32");
  return d.op("Sub", [x, ones], x.shape);
});

/** A ramp along the last axis, as long as it is. */
const ramp: Step = onFloats((d, x) => {
  const size = x.shape.at(-1);
  if (size === undefined) return undefined;
  const whole = (at: number) => d.constant("int64", [], [at]);
  const length = d.op("Gather", [shapeOf(d, x), whole(x.shape.length - 1)], [], {}, "int64");
  const steps = d.op("Range", [whole(0), length, whole(1)], [size], {}, "int64");
  const real = d.op("Cast", [steps], [size], { to: dtypeCodes.float32 }, "float32");
  return d.op("Mul", [x, real], x.shape);
});

/** Slices to a bound that is a share of the size. */
const sliceToHalf: Step = (d, x) => {
  const axis = d.pick(Math.max(1, x.shape.length));
  const size = x.shape[axis];
  if (size === undefined || size < 2 || x.dtype === "bool") return undefined;
  const whole = (values: readonly number[]) => d.ints(values);
  const length = d.op("Gather", [shapeOf(d, x), whole([axis])], [1], {}, "int64");
  const half = d.op("Div", [length, whole([2])], [1], {}, "int64");
  const from = d.chance();
  const shape = x.shape.map((dim, i) => (i !== axis ? dim : from ? dim - Math.floor(dim / 2) : Math.floor(dim / 2)));
  const bounds = from ? [half, length] : [whole([0]), half];
  return d.op("Slice", [x, ...bounds, whole([axis])], shape);
};

const gatherByArg: Step = onFloats((d, x) => {
  if (x.shape.length < 2) return undefined;
  const [axis, over] = [d.pick(x.shape.length), d.pick(x.shape.length)];
  const apart = d.op("Add", [x, d.weight(x.shape)], x.shape);
  const shape = x.shape.filter((_, i) => i !== over);
  const places = d.op("ArgMax", [apart], shape, { axis: over, keepdims: 0 }, "int64");
  const inside = d.op("Mod", [places, d.constant("int64", [], [x.shape[axis]!])], shape, {}, "int64");
  return d.op("Gather", [x, inside], [...x.shape.slice(0, axis), ...shape, ...x.shape.slice(axis + 1)], { axis }, "float32");
});

const choose: Step = onFloats((d, x) => {
  const fits = d.values.filter((each) => each.dtype === "float32" && broadcast(x.shape, each.shape));
  const other = d.oneOf(fits);
  const shape = broadcast(x.shape, other.shape)!;
  const test = d.op(d.oneOf(["Less", "GreaterOrEqual"]), [x, other], shape, {}, "bool");
  const flipped = d.chance() ? d.op("Not", [test], shape, {}, "bool") : test;
  return d.op("Where", [flipped, other, d.oneOf([x, d.weight([])])], shape, {}, "float32");
});

const integers: Step = (d, x) => {
  if (x.dtype !== "int32" && x.dtype !== "int64") return undefined;
  const op = d.oneOf(["Abs", "Neg", "Sign", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Sub"]);
  const inputs = ["Abs", "Neg", "Sign"].includes(op) ? [x] : [x, d.weight(d.chance() ? x.shape : [], x.dtype)];
  return d.op(op, inputs, x.shape);
};

const resizeOdd: Step = onFloats((d, x) => {
  if (x.shape.length !== 4) return undefined;
  const shape = x.shape.map((dim, axis) => (axis < 2 ? dim : d.between(1, 2 * dim)));
  const mode = d.oneOf(["linear", "cubic"]);
  return d.op("Resize", [x, "", "", d.ints(shape)], shape, {
    mode,
    coordinate_transformation_mode: d.oneOf(["half_pixel", "asymmetric", "align_corners"]),
    ...(mode === "cubic" && { cubic_coeff_a: float(d.oneOf([-0.75, -0.5])), exclude_outside: d.pick(2) }),
  });
});

const samePadded: Step = onFloats((d, x) => {
  const spatial = x.shape.slice(2);
  if (spatial.length < 1 || spatial.length > 2) return undefined;
  const kernel_shape = spatial.map(() => d.between(2, 3));
  const strides = spatial.map(() => d.between(1, 2));
  const out = spatial.map((size, i) => Math.ceil(size / strides[i]!));
  const channels = d.between(1, 4);
  const attrs = { kernel_shape, strides, auto_pad: d.oneOf(["SAME_UPPER", "SAME_LOWER"]) };
  return d.op("Conv", [x, d.weight([channels, x.shape[1]!, ...kernel_shape])], [x.shape[0]!, channels, ...out], attrs);
});

export const computedSteps: readonly Step[] = [
  ...[quantize, quantizeByRange, integerProduct, expandByShape, filled, ramp, sliceToHalf, sliceToHalf, gatherByArg],
  ...[choose, choose, integers, integers, resizeOdd, samePadded],
];
