/** Quantised models as they are written: nothing is left to compute of weights alone, and weights are the codes that the source holds. */
import { describe, expect, it } from "vitest";
import type { DType } from "../../../src/base/dtype.ts";
import { decodeHalf } from "../../../src/base/half.ts";
import { MemorySink } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import type { WeightSpec } from "../../../src/formats/tfjs/weights.ts";
import type { SourceModel } from "../../../src/graph/source.ts";
import type { ModelFiles } from "../../../src/graph/tensor.ts";
import type { QuantizedMode } from "../../../src/lower/rule.ts";
import { node, onnxModel, value as onnxValue, openOnnx, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { type Codes, constant, type ModelSpec, openTflite, operator, tfliteModel, value } from "../../build/tflite.ts";

interface Written {
  readonly alone: readonly string[];
  readonly weights: readonly { spec: WeightSpec; bytes: Uint8Array; numbers: number[] }[];
}

const width = { float16: 2, uint16: 2, uint8: 1 };

/** The written model, its weights as TF.js's loader computes them. */
async function written({ model, files }: { model: SourceModel; files: ModelFiles }, quantized: QuantizedMode): Promise<Written> {
  const sink = new MemorySink();
  const { ok, problems } = await convert(model, files, sink, { quantized });
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(ok).toBe(true);
  const json = JSON.parse(new TextDecoder().decode(sink.files["model.json"]));
  const nodes: { name: string; op: string; input?: string[] }[] = json.modelTopology.node;
  const constants = new Set(nodes.filter(({ op }) => op === "Const").map(({ name }) => name));
  const alone = nodes.filter(({ op, input }) => op !== "Const" && input?.length && input.every((each) => constants.has(each)));
  const [{ paths, weights: specs }] = json.weightsManifest as [{ paths: string[]; weights: WeightSpec[] }];
  expect(paths).toHaveLength(1);
  const all = sink.files[paths[0]!]!;
  let at = 0;
  const weights = specs.map((spec) => {
    const { quantization, shape } = spec;
    const count = shape.reduce((product, dim) => product * dim, 1);
    const bytes = all.slice(at, at + count * (quantization ? width[quantization.dtype] : 4));
    at += bytes.length;
    return { spec, bytes, numbers: numbersOf(quantization, bytes) };
  });
  expect(at).toBe(all.length);
  return { alone: alone.map(({ op }) => op), weights };
}

function numbersOf(quantization: WeightSpec["quantization"], bytes: Uint8Array): number[] {
  if (!quantization) return [...new Float32Array(bytes.buffer)];
  if (quantization.dtype === "float16") return [...decodeHalf(new Uint16Array(bytes.buffer))];
  const codes = quantization.dtype === "uint8" ? bytes : new Uint16Array(bytes.buffer);
  return Array.from(codes, (code) => Math.fround(code * quantization.scale! + quantization.min!));
}

/** Row-major elements with the axes in another order. */
function transposed(data: readonly number[], shape: readonly number[], perm: readonly number[]): number[] {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, dim) => product * dim, 1));
  let places = [0];
  for (const axis of perm)
    places = places.flatMap((place) => Array.from({ length: shape[axis]! }, (_, i) => place + i * strides[axis]!));
  return places.map((place) => data[place]!);
}

const weightOf = ({ weights }: Written, shape: readonly number[]) => {
  const found = weights.filter(({ spec }) => spec.shape.join() === shape.join());
  expect(found).toHaveLength(1);
  return found[0]!;
};

interface Kernel {
  readonly op: string;
  readonly options: readonly [string, Record<string, number | string>];
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly y: readonly number[];
  readonly axis: number;
  /** As TF.js has it: the order of the axes, and the dims. */
  readonly perm: readonly number[];
  readonly dims: readonly number[];
}

const window = { padding: "SAME", stride_w: 1, stride_h: 1 };
const conv = (inner: number, outer: number): Kernel => ({
  op: "CONV_2D",
  options: ["Conv2DOptions", window],
  x: [1, 7, 5, inner],
  w: [outer, 3, 2, inner],
  y: [1, 7, 5, outer],
  axis: 0,
  perm: [1, 2, 3, 0],
  dims: [3, 2, inner, outer],
});
const depthwise = (channels: number): Kernel => ({
  op: "DEPTHWISE_CONV_2D",
  options: ["DepthwiseConv2DOptions", { ...window, depth_multiplier: 1 }],
  x: [1, 7, 5, channels],
  w: [1, 3, 2, channels],
  y: [1, 7, 5, channels],
  axis: 3,
  perm: [0, 1, 2, 3],
  dims: [3, 2, channels, 1],
});
const dense = (inner: number, outer: number): Kernel => ({
  op: "FULLY_CONNECTED",
  options: ["FullyConnectedOptions", {}],
  x: [1, inner],
  w: [outer, inner],
  y: [1, outer],
  axis: 0,
  perm: [1, 0],
  dims: [inner, outer],
});

const size = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

function quantizedModel(kernel: Kernel, dtype: DType, codes: readonly number[], weights: Codes): ModelSpec {
  const { op, options, x, w, y } = kernel;
  const signed = dtype === "int8";
  const zero = [signed ? -7 : 119];
  const outer = y.at(-1)!;
  const bias = weights.scale.map((scale) => scale * 0.05);
  return {
    tensors: [
      value("x", dtype, x, { scale: [0.05], zero }),
      constant("w", dtype, w, codes, weights),
      constant("b", "int32", [outer], randomInts(outer, -900, 900, 3), { scale: bias, axis: 0 }),
      value("y", dtype, y, { scale: [0.3], zero }),
    ],
    inputs: ["x"],
    outputs: ["y"],
    operators: [operator(op, ["x", "w", "b"], ["y"], ...options)],
  };
}

/** Of each kind one that is folded as it is built and one that stays an expression. */
const kernels: Readonly<Record<string, Kernel>> = {
  "a convolution": conv(5, 11),
  "a large convolution": conv(37, 53),
  "a depthwise convolution": depthwise(17),
  "a large depthwise convolution": depthwise(1999),
  "a matrix product": dense(13, 7),
  "a large matrix product": dense(101, 73),
};

describe.each(["faithful", "float"] as const)("TFLite, %s", (mode) => {
  it.each(Object.entries(kernels))("%s with int8 codes, a scale a channel", async (_, kernel) => {
    const codes = randomInts(size(kernel.w), -127, 127, 5);
    const scale = Array.from(random(kernel.y.at(-1)!, 7), (s) => Math.fround(0.01 + Math.abs(s)));
    const spec = quantizedModel(kernel, "int8", codes, { scale, zero: scale.map(() => 0), axis: kernel.axis });
    const found = await written(await openTflite(tfliteModel(spec)), mode);
    expect(found.alone).toEqual([]);
    const { bytes, spec: entry } = weightOf(found, kernel.dims);
    expect(entry.quantization).toEqual({ dtype: "uint8", scale: 1, min: -128, original_dtype: "float32" });
    expect([...bytes]).toEqual(transposed(codes, kernel.w, kernel.perm).map((code) => code + 128));
  });

  it.each(Object.entries(kernels))("%s with uint8 codes and a zero point", async (_, kernel) => {
    const codes = [0, 255, ...randomInts(size(kernel.w) - 2, 0, 255, 5)];
    const spec = quantizedModel(kernel, "uint8", codes, { scale: [0.07], zero: [131] });
    const found = await written(await openTflite(tfliteModel(spec)), mode);
    expect(found.alone).toEqual([]);
    const { bytes, spec: entry } = weightOf(found, kernel.dims);
    expect(entry.quantization).toEqual({ dtype: "uint8", scale: 1, min: -131, original_dtype: "float32" });
    expect([...bytes]).toEqual(transposed(codes, kernel.w, kernel.perm));
  });
});

it.each(Object.entries(kernels))("TFLite: %s with float16 weights", async (_, kernel) => {
  const { op, options, x, w, y } = kernel;
  const numbers = [...decodeHalf(Uint16Array.from(randomInts(size(w), 0x2000, 0x4000, 3)))];
  const spec: ModelSpec = {
    tensors: [
      value("x", "float32", x),
      constant("half", "float16", w, numbers),
      value("w", "float32", w),
      value("y", "float32", y),
    ],
    inputs: ["x"],
    outputs: ["y"],
    operators: [operator("DEQUANTIZE", ["half"], ["w"]), operator(op, ["x", "w", ""], ["y"], ...options)],
  };
  const found = await written(await openTflite(tfliteModel(spec)), "faithful");
  expect(found.alone).toEqual([]);
  const weight = weightOf(found, kernel.dims);
  expect(weight.spec.quantization).toEqual({ dtype: "float16", original_dtype: "float32" });
  expect(weight.numbers).toEqual(transposed(numbers, w, kernel.perm));
});

describe("ONNX", () => {
  const [outer, inner] = [53, 37];
  const w = [outer, inner, 3, 2];
  const x = onnxValue("x", "float32", [1, inner, 7, 5]);
  const y = onnxValue("y", "float32", [1, outer, 7, 6]);

  it.each([
    ["int8", "uint8", -128, 127, -19],
    ["uint8", "uint8", 0, 255, 131],
    ["int16", "uint16", -32768, 32767, 0],
    ["uint16", "uint16", 0, 65535, 40009],
  ] as const)("a convolution of dequantised %s weights, one scale", async (dtype, stored, low, high, zero) => {
    const codes = [low, high, ...randomInts(size(w) - 2, low, high, 5)];
    const scale = Math.fround(0.0713);
    const model = onnxModel({
      graph: {
        inputs: [x],
        outputs: [y],
        initializers: [
          tensor("codes", dtype, w, codes),
          tensor("scale", "float32", [], [scale]),
          tensor("zero", dtype, [], [zero]),
        ],
        nodes: [
          node("DequantizeLinear", ["codes", "scale", "zero"], ["w"]),
          node("Conv", ["x", "w"], ["y"], { pads: [1, 1, 1, 1] }),
        ],
      },
    });
    const found = await written(await openOnnx(model), "faithful");
    expect(found.alone).toEqual([]);
    const { spec, numbers } = weightOf(found, [3, 2, inner, outer]);
    expect(spec.quantization?.dtype).toBe(stored);
    const exact = codes.map((code) => Math.fround((code - zero) * scale));
    expect(numbers).toEqual(transposed(exact, w, [2, 3, 1, 0]));
  });
});
