/** LiteRT runs few of StableHLO's operators: those against it, the others against the same computed here. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MemorySink } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import type { TableValue } from "../../../src/formats/flatbuffers/write.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { constant, type GraphSpec, openTflite, operator, type TensorSpec, tfliteModel, value } from "../../build/tflite.ts";
import { AgainstLiteRt, type Fed, type Trial } from "./against-litert.ts";
import { floats, ints, result, scalar, size } from "./values.ts";

let against: AgainstLiteRt;
let worker: TfjsWorker;
beforeAll(async () => {
  [against, worker] = await Promise.all([AgainstLiteRt.start(), TfjsWorker.start("cpu")]);
});
afterAll(() => Promise.all([against.close(), worker.close()]));

const region = (op: string): GraphSpec => ({
  tensors: [value("p", "float32", []), value("q", "float32", []), value("r", "float32", [])],
  inputs: ["p", "q"],
  outputs: ["r"],
  operators: [operator(op, ["p", "q"], ["r"])],
});

describe("against LiteRT", () => {
  const x = floats([3, 5]);
  test.each<[string, Trial]>([
    ["ADD", { op: "STABLEHLO_ADD", fed: [x, floats([3, 5], 2)], results: [result("float32", [3, 5])] }],
    ["MULTIPLY", { op: "STABLEHLO_MULTIPLY", fed: [x, floats([3, 5], 2)], results: [result("float32", [3, 5])] }],
    ["MAXIMUM", { op: "STABLEHLO_MAXIMUM", fed: [x, floats([3, 5], 2)], results: [result("float32", [3, 5])] }],
    ["MINIMUM", { op: "STABLEHLO_MINIMUM", fed: [x, floats([3, 5], 2)], results: [result("float32", [3, 5])] }],
    [
      "SHIFT_LEFT",
      { op: "STABLEHLO_SHIFT_LEFT", fed: [ints([3, 5], -90, 90), ints([3, 5], 0, 8, 2)], results: [result("int32", [3, 5])] },
    ],
    [
      "DILATE",
      {
        op: "DILATE",
        fed: [x],
        inputs: [0, constant("d", "int32", [2], [2, 3]), scalar("v", -1.5, "float32")],
        results: [result("float32", [5, 13])],
      },
    ],
    [
      "PAD",
      {
        op: "STABLEHLO_PAD",
        table: "StablehloPadOptions",
        options: { edge_padding_low: [1, -1], edge_padding_high: [-1, 2], interior_padding: [1, 2] },
        fed: [x],
        inputs: [0, scalar("v", -1.5, "float32")],
        results: [result("float32", [5, 14])],
      },
    ],
    [
      "the builtin of windows, by MAXIMUM",
      {
        op: "REDUCE_WINDOW",
        table: "ReduceWindowOptions",
        options: { reduce_function: "MAXIMUM" },
        fed: [floats([5, 7])],
        inputs: [
          0,
          scalar("init", -0.25, "float32"),
          constant("window", "int64", [2], [2, 3]),
          constant("strides", "int64", [2], [1, 2]),
          constant("dilations", "int64", [2], [2, 1]),
        ],
        results: [result("float32", [3, 3])],
      },
    ],
    [
      "REDUCE_WINDOW",
      {
        op: "STABLEHLO_REDUCE_WINDOW",
        table: "StablehloReduceWindowOptions",
        options: {
          window_dimensions: [2, 2],
          window_strides: [2, 1],
          base_dilations: [1, 2],
          window_dilations: [1, 3],
          padding: [0, 1, 1, 2],
          body_subgraph_index: 1,
        },
        fed: [x],
        inputs: [0, scalar("v", 0, "float32")],
        results: [result("float32", [2, 9])],
        subgraphs: [region("STABLEHLO_ADD")],
      },
    ],
    [
      "GATHER",
      {
        op: "STABLEHLO_GATHER",
        table: "StablehloGatherOptions",
        options: {
          offset_dims: [1, 2],
          collapsed_slice_dims: [0],
          start_index_map: [0, 1],
          index_vector_dim: 1,
          slice_sizes: [1, 2, 3],
        },
        fed: [floats([4, 5, 3]), ints([2, 2], 0, 4)],
        results: [result("float32", [2, 2, 3])],
      },
    ],
    [
      "SCATTER",
      {
        op: "STABLEHLO_SCATTER",
        table: "StablehloScatterOptions",
        options: {
          update_window_dims: [1],
          inserted_window_dims: [0],
          scatter_dims_to_operand_dims: [0],
          index_vector_dim: 1,
          update_computation_subgraph_index: 1,
        },
        fed: [floats([5, 3]), { ...ints([2, 1], 0, 4), data: [4, 1] }, floats([2, 3], 3)],
        results: [result("float32", [5, 3])],
        subgraphs: [region("STABLEHLO_ADD")],
      },
    ],
  ])("%s", async (_, trial) => {
    expect(await against.differences(trial)).toEqual([]);
  });
});

/** The results of one operator in TF.js, flat. */
async function run(
  op: string,
  fed: readonly Fed[],
  output: { readonly dtype: TensorSpec["dtype"]; readonly shape: readonly number[] },
  options: readonly [string, TableValue] | undefined = undefined,
  stored: readonly TensorSpec[] = [],
  subgraphs: readonly GraphSpec[] = [],
): Promise<number[]> {
  const bytes = tfliteModel({
    tensors: [
      ...fed.map(({ dtype, shape }, i) => value(`x${i}`, dtype, shape)),
      ...stored,
      value("y", output.dtype, output.shape),
    ],
    inputs: fed.map((_, i) => `x${i}`),
    outputs: ["y"],
    operators: [
      operator(op, [...fed.map((_, i) => `x${i}`), ...stored.map(({ name }) => name)], ["y"], options?.[0], options?.[1]),
    ],
    subgraphs,
  });
  const opened = await openTflite(bytes);
  const sink = new MemorySink();
  const { problems } = await convert(opened.model, opened.files, sink);
  expect(problems).toEqual([]);
  const loaded = await worker.load(sink.files);
  const feeds = fed.map(({ dtype, shape, data }, i): [string, Tensor] => {
    const elements =
      dtype === "float32" ? Float32Array.from(data) : dtype === "bool" ? Uint8Array.from(data) : Int32Array.from(data);
    return [`x${i}`, { dtype, shape, data: elements }];
  });
  const found = (await worker.run(loaded, new Map(feeds), ["y"])).get("y")!;
  await worker.unload(loaded);
  expect(found.shape).toEqual(output.shape);
  return Array.from(found.data as Float32Array, Number);
}

function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  for (const [i, number] of found.entries())
    expect(Math.abs(number - wanted[i]!), `element ${i}`).toBeLessThan(1e-5 + 1e-5 * Math.abs(wanted[i]!));
}

describe("computed here", () => {
  const shape = [3, 5];
  const x = floats(shape);
  const y = floats(shape, 2);
  const positive = floats(shape, 1, (v) => Math.abs(v) + 0.1);
  const at = (fed: Fed, i: number) => fed.data[i]!;
  const each = (fn: (i: number) => number) => Array.from({ length: size(shape) }, (_, i) => fn(i));

  test.each<[string, Fed, (v: number) => number]>([
    ["LOGISTIC", x, (v) => 1 / (1 + Math.exp(-v))],
    ["ABS", x, Math.abs],
    ["COSINE", x, Math.cos],
    ["EXPONENTIAL", x, Math.exp],
    ["FLOOR", x, Math.floor],
    ["LOG", positive, Math.log],
    ["NEGATE", x, (v) => -v],
    ["RSQRT", positive, (v) => 1 / Math.sqrt(v)],
    ["TANH", x, Math.tanh],
    ["CBRT", x, Math.cbrt],
  ])("%s", async (op, fed, fn) => {
    expectClose(
      await run(`STABLEHLO_${op}`, [fed], result("float32", shape)),
      each((i) => fn(at(fed, i))),
    );
  });

  test.each<[string, (a: number, c: number) => number]>([
    ["SUBTRACT", (a, c) => a - c],
    ["DIVIDE", (a, c) => a / c],
    ["REMAINDER", (a, c) => a % c],
  ])("%s", async (op, fn) => {
    expectClose(
      await run(`STABLEHLO_${op}`, [x, y], result("float32", shape)),
      each((i) => fn(at(x, i), at(y, i))),
    );
  });

  test("POWER", async () => {
    expectClose(
      await run("STABLEHLO_POWER", [positive, y], result("float32", shape)),
      each((i) => at(positive, i) ** at(y, i)),
    );
  });

  test("AND and OR: truth of booleans, bits of integers", async () => {
    const [p, q] = [ints(shape, 0, 255), ints(shape, 0, 255, 2)];
    const [t, u] = [ints(shape, 0, 1, 3, "bool"), ints(shape, 0, 1, 4, "bool")];
    expect(await run("STABLEHLO_AND", [p, q], result("int32", shape))).toEqual(each((i) => at(p, i) & at(q, i)));
    expect(await run("STABLEHLO_OR", [p, q], result("int32", shape))).toEqual(each((i) => at(p, i) | at(q, i)));
    expect(await run("STABLEHLO_AND", [t, u], result("bool", shape))).toEqual(each((i) => at(t, i) & at(u, i)));
    expect(await run("STABLEHLO_OR", [t, u], result("bool", shape))).toEqual(each((i) => at(t, i) | at(u, i)));
  });

  test("CLAMP, SELECT, COMPARE, CONVERT", async () => {
    const stored = [constant("low", "float32", [], [-0.5]), constant("high", "float32", [], [0.75])];
    const bytes = await run(
      "STABLEHLO_CLAMP",
      [floats([], 1, () => -0.5), x, floats([], 1, () => 0.75)],
      result("float32", shape),
    );
    expectClose(
      bytes,
      each((i) => Math.min(Math.max(at(x, i), -0.5), 0.75)),
    );
    expect(stored).toHaveLength(2);
    const t = ints(shape, 0, 1, 3, "bool");
    expectClose(
      await run("STABLEHLO_SELECT", [t, x, y], result("float32", shape)),
      each((i) => (at(t, i) ? at(x, i) : at(y, i))),
    );
    for (const [direction, fn] of [
      ["EQ", (a: number, c: number) => a === c],
      ["NE", (a: number, c: number) => a !== c],
      ["GE", (a: number, c: number) => a >= c],
      ["GT", (a: number, c: number) => a > c],
      ["LE", (a: number, c: number) => a <= c],
      ["LT", (a: number, c: number) => a < c],
    ] as const) {
      const [p, q] = [ints(shape, 0, 3), ints(shape, 0, 3, 2)];
      const found = await run("STABLEHLO_COMPARE", [p, q], result("bool", shape), [
        "StablehloCompareOptions",
        { comparison_direction: direction },
      ]);
      expect(found, direction).toEqual(each((i) => Number(fn(at(p, i), at(q, i)))));
    }
    expect(await run("STABLEHLO_CONVERT", [x], result("int32", shape))).toEqual(each((i) => Math.trunc(at(x, i)) + 0));
  });

  test("shapes: RESHAPE, TRANSPOSE, CONCATENATE, BROADCAST_IN_DIM, IOTA, SLICE", async () => {
    expectClose(await run("STABLEHLO_RESHAPE", [x], result("float32", [5, 3])), Array.from(x.data));
    const turned = await run("STABLEHLO_TRANSPOSE", [x], result("float32", [5, 3]), [
      "StablehloTransposeOptions",
      { permutation: [1, 0] },
    ]);
    expectClose(
      turned,
      Array.from({ length: 15 }, (_, i) => at(x, (i % 3) * 5 + Math.floor(i / 3))),
    );
    const joined = await run("STABLEHLO_CONCATENATE", [x, y], result("float32", [6, 5]), [
      "StablehloConcatenateOptions",
      { dimension: 0 },
    ]);
    expectClose(joined, [...Array.from(x.data), ...Array.from(y.data)]);
    const vector = floats([5], 3);
    const wide = await run("STABLEHLO_BROADCAST_IN_DIM", [vector], result("float32", [2, 5, 3]), [
      "StablehloBroadcastInDimOptions",
      { broadcast_dimensions: [1] },
    ]);
    expectClose(
      wide,
      Array.from({ length: 30 }, (_, i) => at(vector, Math.floor(i / 3) % 5)),
    );
    const part = await run("STABLEHLO_SLICE", [x], result("float32", [2, 2]), [
      "StablehloSliceOptions",
      { start_indices: [1, 0], limit_indices: [3, 4], strides: [1, 3] },
    ]);
    expectClose(
      part,
      [5, 8, 10, 13].map((i) => at(x, i)),
    );
  });

  test("IOTA", async () => {
    const bytes = tfliteModel({
      tensors: [value("x", "int32", [2, 3]), value("i", "int32", [2, 3]), value("y", "int32", [2, 3])],
      inputs: ["x"],
      outputs: ["y"],
      operators: [
        operator("STABLEHLO_IOTA", [], ["i"], "StablehloIotaOptions", { iota_dimension: 1 }),
        operator("ADD", ["x", "i"], ["y"], "AddOptions"),
      ],
    });
    const opened = await openTflite(bytes);
    const sink = new MemorySink();
    await convert(opened.model, opened.files, sink);
    const loaded = await worker.load(sink.files);
    const feeds = new Map([["x", { dtype: "int32", shape: [2, 3], data: Int32Array.of(10, 20, 30, 40, 50, 60) } as Tensor]]);
    expect(Array.from((await worker.run(loaded, feeds, ["y"])).get("y")!.data as Int32Array)).toEqual([10, 21, 32, 40, 51, 62]);
    await worker.unload(loaded);
  });

  test("DYNAMIC_SLICE and DYNAMIC_UPDATE_SLICE stay within", async () => {
    const index = (n: number): Fed => ({ dtype: "int32", shape: [], data: [n] });
    const part = await run("STABLEHLO_DYNAMIC_SLICE", [x, index(9), index(1)], result("float32", [2, 3]), [
      "StablehloDynamicSliceOptions",
      { slice_sizes: [2, 3] },
    ]);
    expectClose(
      part,
      [6, 7, 8, 11, 12, 13].map((i) => at(x, i)),
    );
    const update = floats([2, 2], 5);
    const changed = await run("STABLEHLO_DYNAMIC_UPDATE_SLICE", [x, update, index(-4), index(9)], result("float32", shape));
    expectClose(
      changed,
      each((i) => (i % 5 >= 3 && i < 10 ? at(update, Math.floor(i / 5) * 2 + (i % 5) - 3) : at(x, i))),
    );
  });

  test("REDUCE by the operator of its region, from an initial value", async () => {
    const found = await run(
      "STABLEHLO_REDUCE",
      [x],
      result("float32", [3]),
      ["StablehloReduceOptions", { dimensions: [1], body_subgraph_index: 1 }],
      [constant("init", "float32", [], [0.5])],
      [region("STABLEHLO_MAXIMUM")],
    );
    expectClose(
      found,
      [0, 1, 2].map((row) => Math.max(0.5, ...Array.from({ length: 5 }, (_, i) => at(x, row * 5 + i)))),
    );
  });

  test("DOT_GENERAL: batches, contractions, what is left", async () => {
    const [p, q] = [floats([2, 3, 4]), floats([4, 5, 2], 2)];
    const found = await run("STABLEHLO_DOT_GENERAL", [p, q], result("float32", [2, 3, 5]), [
      "StablehloDotGeneralOptions",
      {
        lhs_batching_dimensions: [0],
        rhs_batching_dimensions: [2],
        lhs_contracting_dimensions: [2],
        rhs_contracting_dimensions: [0],
      },
    ]);
    const wanted: number[] = [];
    for (let n = 0; n < 2; n++)
      for (let i = 0; i < 3; i++)
        for (let j = 0; j < 5; j++) {
          let sum = 0;
          for (let k = 0; k < 4; k++) sum += at(p, n * 12 + i * 4 + k) * at(q, k * 10 + j * 2 + n);
          wanted.push(sum);
        }
    expectClose(found, wanted);
  });

  test("CONVOLUTION of channels-first images, strided, padded and dilated", async () => {
    const [image, kernel] = [floats([1, 2, 5, 6]), floats([3, 2, 2, 3], 2)];
    const found = await run("STABLEHLO_CONVOLUTION", [image, kernel], result("float32", [1, 3, 3, 4]), [
      "StablehloConvolutionOptions",
      {
        window_strides: [2, 1],
        padding: [1, 0, 0, 2],
        lhs_dilation: [1, 1],
        rhs_dilation: [1, 2],
        input_batch_dimension: 0,
        input_feature_dimension: 1,
        input_spatial_dimensions: [2, 3],
        kernel_output_feature_dimension: 0,
        kernel_input_feature_dimension: 1,
        kernel_spatial_dimensions: [2, 3],
        output_batch_dimension: 0,
        output_feature_dimension: 1,
        output_spatial_dimensions: [2, 3],
        feature_group_count: 1,
        batch_group_count: 1,
      },
    ]);
    const pixel = (c: number, r: number, k: number) => (r < 0 || r >= 5 || k < 0 || k >= 6 ? 0 : at(image, c * 30 + r * 6 + k));
    const wanted: number[] = [];
    for (let o = 0; o < 3; o++)
      for (let r = 0; r < 3; r++)
        for (let k = 0; k < 4; k++) {
          let sum = 0;
          for (let c = 0; c < 2; c++)
            for (let i = 0; i < 2; i++)
              for (let j = 0; j < 3; j++) sum += pixel(c, 2 * r + i - 1, k + 2 * j) * at(kernel, o * 12 + c * 6 + i * 3 + j);
          wanted.push(sum);
        }
    expectClose(found, wanted);
  });
});

describe("SORT", () => {
  /** Numbers that repeat, so that an order of equals shows. */
  const keys = { ...ints([2, 5, 3], -2, 2, 6) };
  const others = floats([2, 5, 3], 9);
  /** Compares elements of operand `key` of two: scalars p0 q0 of the first, p1 q1 of the second. */
  const comparator = (key: number, direction: string): GraphSpec => ({
    tensors: [
      ...["p0", "q0"].map((name) => value(name, "int32", [])),
      ...["p1", "q1"].map((name) => value(name, "float32", [])),
      value("r", "bool", []),
    ],
    inputs: ["p0", "q0", "p1", "q1"],
    outputs: ["r"],
    operators: [
      operator("STABLEHLO_COMPARE", [`p${key}`, `q${key}`], ["r"], "StablehloCompareOptions", {
        comparison_direction: direction,
      }),
    ],
  });

  test.each<[string, number, string]>([
    ["ascending, equals in the order they came", 0, "LT"],
    ["descending", 0, "GT"],
    ["by the second of two", 1, "LT"],
  ])("%s", async (_, key, direction) => {
    const model = tfliteModel({
      tensors: [
        value("k", "int32", [2, 5, 3]),
        value("v", "float32", [2, 5, 3]),
        value("sk", "int32", [2, 5, 3]),
        value("sv", "float32", [2, 5, 3]),
      ],
      inputs: ["k", "v"],
      outputs: ["sk", "sv"],
      operators: [
        operator("STABLEHLO_SORT", ["k", "v"], ["sk", "sv"], "StablehloSortOptions", {
          dimension: 1,
          is_stable: true,
          comparator_subgraph_index: 1,
        }),
      ],
      subgraphs: [comparator(key, direction)],
    });
    const { model: read, files } = await openTflite(model);
    const sink = new MemorySink();
    expect((await convert(read, files, sink)).problems).toEqual([]);
    const loaded = await worker.load(sink.files);
    const feeds = new Map<string, Tensor>([
      ["k", { dtype: "int32", shape: [2, 5, 3], data: Int32Array.from(keys.data) }],
      ["v", { dtype: "float32", shape: [2, 5, 3], data: Float32Array.from(others.data) }],
    ]);
    const found = await worker.run(loaded, feeds, ["sk", "sv"]);
    await worker.unload(loaded);
    const by = [keys, others][key]!.data;
    const [sk, sv] = [new Array<number>(30), new Array<number>(30)];
    for (let n = 0; n < 2; n++)
      for (let c = 0; c < 3; c++) {
        const column = [0, 1, 2, 3, 4].map((i) => n * 15 + i * 3 + c);
        const sorted = [...column].sort((p, q) => (direction === "LT" ? by[p]! - by[q]! : by[q]! - by[p]!));
        column.forEach((at, i) => {
          sk[at] = keys.data[sorted[i]!]!;
          sv[at] = others.data[sorted[i]!]!;
        });
      }
    expect(Array.from(found.get("sk")!.data as Int32Array)).toEqual(sk);
    expect(Array.from(found.get("sv")!.data as Float32Array)).toEqual(sv);
  });
});
