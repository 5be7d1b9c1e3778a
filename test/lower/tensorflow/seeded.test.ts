/** Numbers that follow from a seed: those that TensorFlow prints for it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { philox, seededNumbers } from "../../../src/base/philox.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { constant, type NodeSpec } from "../../build/tensorflow.ts";
import { converted, Runner } from "./run.ts";

let runner: Runner;
beforeAll(async () => {
  runner = await Runner.start();
});
afterAll(() => runner.close());

const float = (shape: readonly number[], values: ArrayLike<number>): Tensor => tensorOf("float32", shape, values);
const ints = (shape: readonly number[], values: readonly number[]): Tensor => tensorOf("int32", shape, values);

const asked = { dtype: { type: "float32" as const } };
const shape = constant("shape", ints([2], [2, 3]));
/** `tf.random.stateless_normal(shape=[2, 3], seed=[1, 2])`, in TensorFlow's guide to random numbers. */
const normal = float([2, 3], [0.5441101, 0.20738031, 0.07356433, 0.04643455, -1.30159, -0.95385665]);
/** `tf.image.stateless_random_contrast` with this seed adds up to the first of these. */
const uniform = float([2, 3], seededNumbers([1, 0, 2, 0], 6, 0));

describe("StatelessRandomNormal, StatelessRandomUniform, StatelessRandomUniformInt, StatelessTruncatedNormal", () => {
  const of = (op: string, extra: readonly string[] = []): NodeSpec => ({
    name: op,
    op,
    inputs: ["shape", "seed", ...extra],
    attrs: asked,
  });
  const bounds = [constant("low", ints([], [-3])), constant("high", ints([], [10]))];
  const words = philox(
    [0, 0, ...philox([1, 0, 2, 0], [0x3ec8f720, 0x02461e29]).slice(2)],
    philox([1, 0, 2, 0], [0x3ec8f720, 0x02461e29]),
  );
  const whole = seededNumbers([1, 0, 2, 0], 6, 3, -3, 10);
  const nodes = [
    shape,
    ...bounds,
    of("StatelessRandomNormal"),
    of("StatelessRandomUniform"),
    of("StatelessTruncatedNormal"),
    of("StatelessRandomUniformInt", ["low", "high"]),
  ];
  const expected = {
    StatelessRandomNormal: normal,
    StatelessRandomUniform: uniform,
    StatelessTruncatedNormal: float([2, 3], seededNumbers([1, 0, 2, 0], 6, 2)),
    StatelessRandomUniformInt: ints([2, 3], whole),
  };

  it("of a seed that is fed", async () => {
    expect(uniform.data[0]).toBeCloseTo((5.5 - 3.4605184) / 4.5 / 0.3 - 0.2 / 0.3, 5);
    expect(whole.slice(0, 4)).toEqual(words.map((word) => (word % 13) - 3));
    await runner.check({ nodes, feeds: { seed: ints([2], [1, 2]) }, expected });
  });

  it("of a constant seed are constants", async () => {
    const seed = constant("seed", tensorOf("int64", [2], [1, 2]));
    const last = { name: "y", op: "AddV2", inputs: ["x", "StatelessRandomNormal"] };
    const x = float([2, 3], [1, 2, 3, 4, 5, 6]);
    const y = float(
      [2, 3],
      [1, 2, 3, 4, 5, 6].map((value, i) => value + Number(normal.data[i])),
    );
    expect(await runner.check({ nodes: [seed, ...nodes, last], feeds: { x }, expected: { y } })).toEqual(["AddV2"]);
  });
});

describe("StatelessRandomNormalV2, StatelessRandomUniformV2, StatelessTruncatedNormalV2, StatelessRandomUniformIntV2", () => {
  const nodes = (algorithm: number): readonly NodeSpec[] => [
    shape,
    constant("algorithm", ints([], [algorithm])),
    constant("low", ints([], [-3])),
    constant("high", ints([], [10])),
    { name: "key", op: "StatelessRandomGetKeyCounter", inputs: ["seed"] },
    { name: "normal", op: "StatelessRandomNormalV2", inputs: ["shape", "key", "key:1", "algorithm"], attrs: asked },
    { name: "uniform", op: "StatelessRandomUniformV2", inputs: ["shape", "key", "key:1", "algorithm"], attrs: asked },
    { name: "cut", op: "StatelessTruncatedNormalV2", inputs: ["shape", "key", "key:1", "algorithm"], attrs: asked },
    { name: "whole", op: "StatelessRandomUniformIntV2", inputs: ["shape", "key", "key:1", "algorithm", "low", "high"] },
  ];
  const expected = {
    normal,
    uniform,
    cut: float([2, 3], seededNumbers([1, 0, 2, 0], 6, 2)),
    whole: ints([2, 3], seededNumbers([1, 0, 2, 0], 6, 3, -3, 10)),
  };
  const feeds = { seed: ints([2], [1, 2]) };

  it("of StatelessRandomGetKeyCounter", () => runner.check({ nodes: nodes(1), feeds, expected }));

  it("by another algorithm are refused", async () => {
    const { refused } = await converted({ nodes: nodes(2), feeds, expected: { normal } });
    expect(refused).toEqual(["random numbers by ThreeFry"]);
  });
});
