/** Random graphs of what the rewrites meet: layouts, elementwise ops, joins, slices, convolutions. The same seed, the same graph. */
import type { Graph, Value } from "../../src/graph/graph.ts";
import { elementCount } from "../../src/graph/tensor.ts";
import type { Builder } from "../../src/tf/build.ts";
import { randomInts } from "../build/random.ts";
import { float, graphOf, weights } from "./run.ts";

/** Elements past which a value is cut down again: Concats double. */
const largest = 4000;

/** `size` ops over two inputs of four axes; the last three values are the outputs. */
export function randomGraph(seed: number, size: number): Graph {
  const picks = randomInts(8 * size, 0, 2 ** 20, seed);
  const pick = (n: number): number => picks.pop()! % n;
  return graphOf((b) => {
    const values: Value[] = [float(b, "x", [2, 3, 5, 4]), float(b, "z", [2, 5, 4, 3])];
    for (let i = 0; i < size; i++) {
      const x = values[Math.max(0, values.length - 1 - pick(3))]!;
      const next = steps[pick(steps.length)]!(b, x, pick, values);
      const dims = shapeOf(next);
      values.push(
        elementCount(dims) > largest
          ? b.slice(
              next,
              [0, 0, 0, 0],
              dims.map((dim) => Math.min(dim, 5)),
            )
          : next,
      );
    }
    return values.slice(-3);
  });
}

const perms = [
  [0, 3, 1, 2],
  [0, 2, 3, 1],
  [0, 2, 1, 3],
  [3, 1, 0, 2],
];

const shapeOf = (x: Value): readonly number[] => x.staticShape!;

type Step = (b: Builder, x: Value, pick: (n: number) => number, all: readonly Value[]) => Value;

const steps: readonly Step[] = [
  (b, x, pick) => b.transpose(x, perms[pick(4)]!),
  (b, x, pick) => b.transpose(x, perms[pick(2)]!),
  (b, x) => b.op("Relu", [x]),
  (b, x) => b.op("Square", [b.op("Identity", [b.op("Sigmoid", [x])])]),
  (b, x) => b.op("Mul", [weights(b, [shapeOf(x)[3]!]), x]),
  (b, x) => b.op("AddV2", [x, weights(b, [shapeOf(x)[1]!, 1, 1])]),
  (b, x, pick) => b.op("AddV2", [x, b.scalar("float32", pick(2))]),
  (b, x, _, all) => b.op("AddV2", [x, all.findLast((y) => y !== x && `${y.shape}` === `${x.shape}`) ?? x]),
  (b, x) => b.op("Sub", [x, b.reduce("Mean", x, [1, 2], true)]),
  (b, x, pick) => b.concat([x, pick(2) ? x : weights(b, shapeOf(x))], 3),
  (b, x, pick) =>
    b.slice(
      x,
      [0, 0, 0, 0],
      shapeOf(x).map((dim, axis) => (axis === 1 + pick(3) ? Math.max(1, dim - 1) : dim)),
    ),
  (b, x, pick) => b.op("PadV2", [x, b.reshape(b.ints([0, 0, pick(2), 1, 0, pick(2), 0, 0]), [4, 2]), b.scalar("float32", 0)]),
  (b, x) => b.reshape(b.reshape(x, [shapeOf(x)[0]!, -1]), shapeOf(x)),
  (b, x) => b.op("Conv2D", [x, weights(b, [1, 1, shapeOf(x)[3]!, 4])], { strides: [1, 1, 1, 1], padding: "VALID" }),
];
