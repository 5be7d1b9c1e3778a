import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { random } from "../../build/random.ts";
import { constant, type FunctionSpec, type NodeSpec } from "../../build/tensorflow.ts";
import { converted, Runner } from "./run.ts";

let runner: Runner;
beforeAll(async () => {
  runner = await Runner.start();
});
afterAll(() => runner.close());

const op = (name: string, kind: string, inputs: readonly string[], attrs: NodeSpec["attrs"] = {}): NodeSpec => ({
  name,
  op: kind,
  inputs,
  attrs,
});
const int = (name: string, value: number): NodeSpec => constant(name, tensorOf("int32", [], [value]));
const float = (shape: readonly number[], values: ArrayLike<number>): Tensor => tensorOf("float32", shape, values);

const x = float([3, 5], random(15));
const values = [...(x.data as Float32Array)];

/** while i < n: y = y · 0.5 + x */
const loop = (limit: string): readonly NodeSpec[] => {
  const frame = { frame_name: { s: "loop" } };
  const still = { ...frame, is_constant: { b: true } };
  return [
    int("zero", 0),
    int("one", 1),
    constant("half", float([], [0.5])),
    op("i0", "Enter", ["zero"], frame),
    op("y0", "Enter", ["x"], frame),
    op("n", "Enter", [limit], still),
    op("step", "Enter", ["x"], still),
    op("i", "Merge", ["i0", "i_next"]),
    op("y", "Merge", ["y0", "y_next"]),
    op("less", "Less", ["i", "n"]),
    op("goes", "LoopCond", ["less"]),
    op("i_switch", "Switch", ["i", "goes"]),
    op("y_switch", "Switch", ["y", "goes"]),
    op("i_more", "AddV2", ["i_switch:1", "one"]),
    op("scaled", "Mul", ["y_switch:1", "half"]),
    op("y_more", "AddV2", ["scaled", "step"]),
    op("i_next", "NextIteration", ["i_more"]),
    op("y_next", "NextIteration", ["y_more"]),
    op("out", "Exit", ["y_switch"]),
    op("rounds", "Exit", ["i_switch"]),
  ];
};

const looped = (rounds: number): Tensor =>
  float(
    [3, 5],
    values.map((start) => Array.from({ length: rounds }).reduce<number>((y) => y * 0.5 + start, start)),
  );

describe("loops of the first version", () => {
  it("of a number of rounds that only the run knows become a While", async () => {
    for (const n of [0, 3, 40]) {
      const feeds = { x, limit: tensorOf("int32", [], [n]) };
      const expected = { out: looped(n), rounds: tensorOf("int32", [], [n]) };
      expect(await runner.check({ nodes: loop("limit"), feeds, expected })).toContain("StatelessWhile");
    }
  });

  it("of few known rounds are written out", async () => {
    const ops = await runner.check({ nodes: [...loop("four"), int("four", 4)], feeds: { x }, expected: { out: looped(4) } });
    expect(ops).not.toContain("StatelessWhile");
  });

  it("that are irregular are refused", async () => {
    const nodes = [op("enter", "Enter", ["x"], { frame_name: { s: "f" } }), op("merge", "Merge", ["enter", "x"])];
    const { refused } = await converted({ nodes, feeds: { x }, expected: { merge: x } });
    expect(refused[0]).toContain("a loop that is not regular");
  });
});

/** if p: x · 2, with a second conditional within, else: a constant of the branch */
const conditional: readonly NodeSpec[] = [
  constant("two", float([], [2])),
  op("pivot", "Switch", ["p", "p"]),
  op("else_pivot", "Identity", ["pivot"]),
  op("then_pivot", "Identity", ["pivot:1"]),
  op("predicate", "Identity", ["p"]),
  op("x_in", "Switch", ["x", "predicate"]),
  op("two_in", "Switch", ["two", "predicate"]),
  op("q_in", "Switch", ["q", "predicate"]),
  op("twice", "Mul", ["x_in:1", "two_in:1"]),
  op("inner_x", "Switch", ["twice", "q_in:1"]),
  op("negative", "Neg", ["inner_x:1"]),
  op("inner", "Merge", ["inner_x", "negative"]),
  {
    ...constant(
      "rest",
      float(
        [3, 5],
        values.map((each) => each + 9),
      ),
    ),
    inputs: ["^else_pivot"],
  },
  op("out", "Merge", ["rest", "inner"]),
];

describe("conditionals of the first version", () => {
  const bool = (value: boolean): Tensor => ({ dtype: "bool", shape: [], data: Uint8Array.of(value ? 1 : 0) });

  it("become functional, nested ones and constants of a branch included", async () => {
    for (const [p, q, f] of [
      [true, true, (each: number) => -2 * each],
      [true, false, (each: number) => 2 * each],
      [false, true, (each: number) => each + 9],
    ] as const) {
      const expected = { out: float([3, 5], values.map(f)) };
      expect(await runner.check({ nodes: conditional, feeds: { x, p: bool(p), q: bool(q) }, expected })).toContain("StatelessIf");
    }
  });

  it("without their Switches are refused", async () => {
    const { refused } = await converted({ nodes: [op("out", "Merge", ["x", "y"])], feeds: { x, y: x }, expected: { out: x } });
    expect(refused).toEqual([
      "a Merge without the Switches that belong to it: which input it takes only TensorFlow's runtime knows",
    ]);
  });
});

/** Row by row: s ← s + row; the sums so far are kept. */
const rows = (limit: string): readonly NodeSpec[] => {
  const frame = { frame_name: { s: "rows" } };
  const still = { ...frame, is_constant: { b: true } };
  const array = { dtype: { type: "float32" as const } };
  return [
    int("zero", 0),
    int("one", 1),
    int("three", 3),
    constant("none", float([5], [0, 0, 0, 0, 0])),
    op("places", "Range", ["zero", limit, "one"]),
    op("in", "TensorArrayV3", [limit], array),
    op("filled", "TensorArrayScatterV3", ["in", "places", "x", "in:1"]),
    op("sums", "TensorArrayV3", [limit], array),
    op("i0", "Enter", ["zero"], frame),
    op("s0", "Enter", ["none"], frame),
    op("flow0", "Enter", ["sums:1"], frame),
    op("n", "Enter", [limit], still),
    op("in_handle", "Enter", ["in"], still),
    op("in_flow", "Enter", ["filled"], still),
    op("out_handle", "Enter", ["sums"], still),
    op("i", "Merge", ["i0", "i_next"]),
    op("s", "Merge", ["s0", "s_next"]),
    op("flow", "Merge", ["flow0", "flow_next"]),
    op("less", "Less", ["i", "n"]),
    op("goes", "LoopCond", ["less"]),
    op("i_switch", "Switch", ["i", "goes"]),
    op("s_switch", "Switch", ["s", "goes"]),
    op("flow_switch", "Switch", ["flow", "goes"]),
    op("row", "TensorArrayReadV3", ["in_handle", "i_switch:1", "in_flow"]),
    op("sum", "AddV2", ["s_switch:1", "row"]),
    op("written", "TensorArrayWriteV3", ["out_handle", "i_switch:1", "sum", "flow_switch:1"]),
    op("i_more", "AddV2", ["i_switch:1", "one"]),
    op("i_next", "NextIteration", ["i_more"]),
    op("s_next", "NextIteration", ["sum"]),
    op("flow_next", "NextIteration", ["written"]),
    op("flow_out", "Exit", ["flow_switch"]),
    op("out", "TensorArrayGatherV3", ["sums", "places", "flow_out"]),
  ];
};

describe("arrays", () => {
  const sums = values.map((_, at) => values.filter((__, i) => i % 5 === at % 5 && i <= at).reduce((sum, each) => sum + each, 0));

  it("written out where the number of elements is known", async () => {
    const ops = await runner.check({ nodes: rows("three"), feeds: { x }, expected: { out: float([3, 5], sums) } });
    expect(ops).not.toContain("StatelessWhile");
  });

  it("carried as one tensor where only the run knows it", async () => {
    const feeds = { x, limit: tensorOf("int32", [], [3]) };
    const ops = await runner.check({ nodes: rows("limit"), feeds, expected: { out: float([3, 5], sums) } });
    expect(ops).toContain("StatelessWhile");
  });
});

/** A recurrent layer as Keras writes it: lists, a functional loop, a batch that is not known. */
function layer(steps: number): { readonly nodes: readonly NodeSpec[]; readonly functions: readonly FunctionSpec[] } {
  const element = { element_dtype: { type: "float32" as const }, shape_type: { type: "int32" as const } };
  const state: FunctionSpec["inputs"] = [
    ["time", "int32"],
    ["outputs", variant],
    ["h", "float32"],
    ["steps", "int32"],
    ["inputs", variant],
    ["w", "float32"],
    ["u", "float32"],
  ];
  const cond: FunctionSpec = {
    name: "cond",
    inputs: state,
    outputs: [["go", "bool", "less:z:0"]],
    nodes: [op("less", "Less", ["time", "steps"])],
  };
  const step: FunctionSpec = {
    name: "step",
    inputs: state,
    outputs: [
      ["time_out", "int32", "more:z:0"],
      ["outputs_out", variant, "set:output_handle:0"],
      ["h_out", "float32", "tanh:y:0"],
      ["steps_out", "int32", "steps"],
      ["inputs_out", variant, "inputs"],
      ["w_out", "float32", "w"],
      ["u_out", "float32", "u"],
    ],
    nodes: [
      constant("shape", tensorOf("int32", [2], [-1, 5])),
      int("one", 1),
      op("row", "TensorListGetItem", ["inputs", "time", "shape:output:0"], { element_dtype: { type: "float32" } }),
      op("from_row", "MatMul", ["row:item:0", "w"]),
      op("from_h", "MatMul", ["h", "u"]),
      op("sum", "AddV2", ["from_row:product:0", "from_h:product:0"]),
      op("tanh", "Tanh", ["sum:z:0"]),
      op("set", "TensorListSetItem", ["outputs", "time", "tanh:y:0"]),
      op("more", "AddV2", ["time", "one:output:0"]),
    ],
  };
  const slice = { begin_mask: { i: 0 }, end_mask: { i: 0 }, shrink_axis_mask: { i: 1 } };
  const nodes = [
    constant("swap", tensorOf("int32", [3], [1, 0, 2])),
    op("by_time", "Transpose", ["seq", "swap"]),
    constant("row_shape", tensorOf("int32", [2], [-1, 5])),
    constant("h_shape", tensorOf("int32", [2], [-1, 2])),
    op("list", "TensorListFromTensor", ["by_time", "row_shape"], element),
    int("zero", 0),
    int("units", 2),
    int("steps", steps),
    op("made", "TensorListReserve", ["h_shape", "steps"], element),
    op("shape", "Shape", ["seq"], { out_type: { type: "int32" } }),
    constant("first", tensorOf("int32", [1], [0])),
    constant("second", tensorOf("int32", [1], [1])),
    op("batch", "StridedSlice", ["shape", "first", "second", "second"], slice),
    op("h_dims", "Pack", ["batch", "units"], { axis: { i: 0 } }),
    constant("nought", float([], [0])),
    op("h0", "Fill", ["h_dims", "nought"]),
    constant("w", layerWeights.w),
    constant("u", layerWeights.u),
    op("loop", "While", ["zero", "made", "h0", "steps", "list", "w", "u"], {
      cond: { func: "cond" },
      body: { func: "step" },
      T: { types: ["int32", variant, "float32", "int32", variant, "float32", "float32"] },
    }),
    op("stacked", "TensorListStack", ["loop:1", "h_shape"], { element_dtype: { type: "float32" }, num_elements: { i: steps } }),
    op("out", "Transpose", ["stacked", "swap"]),
  ];
  return { nodes, functions: [cond, step] };
}

const variant = 21;
const layerWeights = { w: float([5, 2], random(10, 3)), u: float([2, 2], random(4, 4)) };

function layered(seq: Tensor): { readonly out: Tensor; readonly last: Tensor } {
  const [batch, steps] = seq.shape as [number, number];
  const [s, w, u] = [seq, layerWeights.w, layerWeights.u].map(({ data }) => data as Float32Array) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const out = new Float32Array(batch * steps * 2);
  for (let n = 0; n < batch; n++)
    for (let t = 0; t < steps; t++)
      for (let k = 0; k < 2; k++) {
        let sum = 0;
        for (let i = 0; i < 5; i++) sum += s[(n * steps + t) * 5 + i]! * w[2 * i + k]!;
        for (let i = 0; i < 2 && t > 0; i++) sum += out[(n * steps + t - 1) * 2 + i]! * u[2 * i + k]!;
        out[(n * steps + t) * 2 + k] = Math.tanh(sum);
      }
  const last = Array.from({ length: batch * 2 }, (_, i) => out[(Math.floor(i / 2) * steps + steps - 1) * 2 + (i % 2)]!);
  return { out: float([batch, steps, 2], out), last: float([batch, 2], last) };
}

describe("a recurrent layer over a batch that is not known", () => {
  for (const [steps, how] of [
    [3, "written out"],
    [21, "as a While"],
  ] as const)
    it(`of ${steps} steps, ${how}`, async () => {
      const seq = float([2, steps, 5], random(2 * steps * 5, 9));
      const { out, last } = layered(seq);
      const ops = await runner.check({
        ...layer(steps),
        feeds: { seq },
        shapes: { seq: [-1, steps, 5] },
        expected: { out, "loop:2": last },
      });
      expect(ops.includes("StatelessWhile")).toBe(how === "as a While");
    });
});

describe("functions", () => {
  const scale: FunctionSpec = {
    name: "scale",
    inputs: [
      ["v", "float32"],
      ["by", "float32"],
    ],
    outputs: [["result", "float32", "product:z:0"]],
    nodes: [op("product", "Mul", ["v", "by"])],
  };
  const test: FunctionSpec = {
    name: "test",
    inputs: [
      ["k", "int32"],
      ["v", "float32"],
    ],
    outputs: [["go", "bool", "less:z:0"]],
    nodes: [int("bound", 30), op("less", "Less", ["k", "bound:output:0"])],
  };
  const step: FunctionSpec = {
    name: "step",
    inputs: test.inputs,
    outputs: [
      ["k_out", "int32", "more:z:0"],
      ["v_out", "float32", "call:output:0"],
    ],
    nodes: [
      int("seven", 7),
      constant("by", float([], [1.5])),
      op("more", "AddV2", ["k", "seven:output:0"]),
      op("call", "PartitionedCall", ["v", "by:output:0"], { f: { func: "scale" }, Tout: { types: ["float32"] } }),
    ],
  };
  const loop = op("loop", "While", ["start", "x"], {
    cond: { func: "test" },
    body: { func: "step" },
    T: { types: ["int32", "float32"] },
  });

  it("are inlined, in the bodies of loops too", async () => {
    const feeds = { x, start: tensorOf("int32", [], [4]) };
    const expected = {
      loop: tensorOf("int32", [], [32]),
      "loop:1": float(
        [3, 5],
        values.map((each) => each * 1.5 ** 4),
      ),
    };
    await runner.check({ nodes: [loop], functions: [scale, test, step], feeds, expected });
  });
});

it("a loop whose body is a loop over itself is refused", async () => {
  const again: FunctionSpec = {
    name: "again",
    inputs: [["v", "float32"]],
    outputs: [["w", "float32", "inner:output:0"]],
    nodes: [op("inner", "While", ["v"], { cond: { func: "more" }, body: { func: "again" }, T: { types: ["float32"] } })],
  };
  const more: FunctionSpec = {
    name: "more",
    inputs: [["v", "float32"]],
    outputs: [["go", "bool", "less:z:0"]],
    nodes: [constant("bound", float([], [9])), op("less", "Less", ["v", "bound:output:0"])],
  };
  const outer = op("y", "While", ["x"], { cond: { func: "more" }, body: { func: "again" }, T: { types: ["float32"] } });
  const feeds = { x: float([], [2]) };
  const { refused } = await converted({ nodes: [outer], functions: [again, more], feeds, expected: { y: feeds.x } });
  expect(new Set(refused)).toEqual(new Set(["the sub-graph holds itself: again"]));
});

describe("one of many branches", () => {
  const branch = (name: string, factor: number): FunctionSpec => ({
    name,
    inputs: [["a", "float32"]],
    outputs: [["b", "float32", "product:z:0"]],
    nodes: [constant("factor", float([], [factor])), op("product", "Mul", ["a", "factor:output:0"])],
  });
  const functions = [branch("first", 3), branch("second", -5), branch("third", 0.5), branch("fourth", 7)];
  const node = (kind: string): NodeSpec =>
    op("y", kind, ["index", "x"], {
      branches: { funcs: functions.map(({ name }) => name) },
      Tin: { types: ["float32"] },
      Tout: { types: ["float32"] },
    });

  it("is taken as an index says that only the run knows, the last where there is none", async () => {
    for (const [index, factor] of [[0, 3], [1, -5], [2, 0.5], [3, 7], [9, 7], [-1, 7]] as const) // biome-ignore format: pairs
      await runner.check({
        nodes: [node(index % 2 === 0 ? "Case" : "StatelessCase")],
        functions,
        feeds: { x, index: tensorOf("int32", [], [index]) },
        expected: { y: float([3, 5], values.map((v) => v * factor)) }, // biome-ignore format: one line
      });
  });

  it("gives all that the branches give, parts of one node among it", async () => {
    const axis = {
      name: "axis",
      op: "Const",
      attrs: { dtype: { type: "int32" }, value: { tensor: tensorOf("int32", [], [0]) } },
    } as const;
    const cut = (name: string, first: 0 | 1): FunctionSpec => ({
      name,
      inputs: [["a", "float32"]],
      outputs: [
        ["b", "float32", `parts:output:${first}`],
        ["c", "float32", `parts:output:${1 - first}`],
        ["d", "float32", "a"],
      ],
      nodes: [axis, op("parts", "Split", ["axis:output:0", "a"], { num_split: { i: 2 } })],
    });
    const halves = float([4], [1, 2, 3, 4]);
    const kind = { funcs: ["ahead", "behind", "ahead"] };
    const types = { Tin: { types: ["float32"] }, Tout: { types: ["float32", "float32", "float32"] } } as const;
    for (const [index, order] of [[0, [1, 2, 3, 4]], [1, [3, 4, 1, 2]], [2, [1, 2, 3, 4]]] as const) // biome-ignore format: pairs
      await runner.check({
        nodes: [op("y", "Case", ["index", "halves"], { branches: kind, ...types })],
        functions: [cut("ahead", 0), cut("behind", 1)],
        feeds: { halves, index: tensorOf("int32", [], [index]) },
        expected: { y: float([2], order.slice(0, 2)), "y:1": float([2], order.slice(2)), "y:2": halves },
      });
  });

  it("is written in the place of its node where the index is known", async () => {
    const expected = { y: float([3, 5], values.map((v) => v * -5)) }; // biome-ignore format: one line
    expect(await runner.check({ nodes: [int("index", 1), node("StatelessCase")], functions, feeds: { x }, expected })).toEqual([
      "Mul",
    ]);
  });
});

it("a batch of calls is one call", async () => {
  const product: FunctionSpec = {
    name: "product",
    inputs: [
      ["a", "float32"],
      ["b", "float32"],
    ],
    outputs: [["c", "float32", "times:z:0"]],
    nodes: [op("times", "Mul", ["a", "b"])],
  };
  const two = constant("two", float([], [2]));
  const call = op("y", "BatchFunction", ["x", "two"], { f: { func: "product" }, Tout: { types: ["float32"] } });
  const doubled = values.map((v) => 2 * v);
  await runner.check({ nodes: [two, call], functions: [product], feeds: { x }, expected: { y: float([3, 5], doubled) } });
});
