/** Random numbers: the distribution is TensorFlow's, the numbers are TF.js's own; where a seed decides them they are TensorFlow's. */
import { type DType, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { dtype, tfRule } from "./attrs.ts";

const drawn = (b: Builder, op: string, shape: Value): Value => b.op(op, [shape], { dtype: "float32" });
const asked = { dtype: dtype("float32") };
const parameters = { parameters: [0] };

/** Whole numbers from `low` to below `high`. */
function wholes(b: Builder, shape: Value, low: Value, high: Value): Value {
  const span = b.cast(b.op("Sub", [high, low]), "float32");
  const steps = b.op("Floor", [b.op("Mul", [drawn(b, "RandomUniform", shape), span])]);
  // A number just below 1 may round up to the span itself.
  const last = b.op("Sub", [span, b.scalar("float32", 1)]);
  return b.op("AddV2", [b.cast(b.op("Minimum", [steps, last]), low.dtype), low]);
}

/** Rows in the order of as many random numbers. */
function shuffled(b: Builder, x: Value): Value {
  if (x.rank === 0) return x;
  const rows = b.dim(x, 0);
  const [, order] = b.ops("TopKV2", [drawn(b, "RandomUniform", rows), b.reshape(rows, [])], { sorted: true });
  return b.gather(x, order!, 0);
}

/** As many numbers for each parameter as `shape` says. */
const distributed = (b: Builder, op: string, shape: Value, parameters: Value, type: DType): Value =>
  b.cast(b.op(op, [b.cast(shape, "int32"), b.cast(parameters, "float32")]), type);

/** In the order of `how` (base/philox.ts). */
const seeded = ["StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"];

/** Philox, or what TensorFlow chooses on a CPU, which is that. */
const philoxes: readonly number[] = [1, 3];

/** A seed of two numbers, for which StatelessRandomGetKeyCounter stands: what it gives is made of it here. */
function seedOf(key: Value, algorithm: Value | undefined, at: At): Value {
  if (key.dtype !== "int32" && key.dtype !== "int64") throw at.unsupported("a key of random numbers that is not made of a seed");
  if (algorithm && !philoxes.includes(at.numbers(algorithm, "the algorithm")[0]!))
    throw at.unsupported("random numbers by ThreeFry", "save the model with the algorithm Philox");
  return key;
}

function fromSeed(b: Builder, how: number, shape: Value, seed: Value, type: DType, at: At): Value {
  if (type !== "float32") throw at.unsupported(`random numbers of ${type} that follow from a seed`);
  return b.op("SeededRandom", [shape, seed], { how });
}

function wholeFromSeed(b: Builder, [shape, seed, low, high]: readonly [Value, Value, Value, Value], at: At): Value {
  if (low.dtype !== "int32") throw at.unsupported(`random numbers of ${low.dtype} that follow from a seed`);
  return b.op("SeededRandom", [shape, seed, low, high], { how: 3 });
}

const stateless: readonly Rule[] = [
  ...seeded.map((op, how) =>
    tfRule(op, [2, 2], asked, (b, [shape, seed], a, at) => [fromSeed(b, how, shape, seed, a.dtype, at)], parameters),
  ),
  ...seeded.map((op, how) =>
    tfRule(
      `${op}V2`,
      [4, 4],
      asked,
      (b, [shape, key, , algorithm], a, at) => [fromSeed(b, how, shape, seedOf(key, algorithm, at), a.dtype, at)],
      { parameters: [0, 3] },
    ),
  ),
  tfRule("StatelessRandomUniformInt", [4, 4], {}, (b, inputs, _, at) => [wholeFromSeed(b, inputs, at)], parameters),
  tfRule(
    "StatelessRandomUniformIntV2",
    [6, 6],
    {},
    (b, [shape, key, , algorithm, low, high], _, at) => [wholeFromSeed(b, [shape, seedOf(key, algorithm, at), low, high], at)],
    { parameters: [0, 3] },
  ),
  tfRule("StatelessRandomGetKeyCounter", [1, 1], {}, (_, [seed]) => [seed, seed]),
  tfRule("StatelessRandomGetAlg", [0, 0], {}, (b) => [b.scalar("int32", philoxes[0]!)]),
];

export const randoms: readonly Rule[] = [
  ...stateless,
  ...["RandomUniform", "RandomStandardNormal", "TruncatedNormal"].map((op) =>
    tfRule(op, [1, 1], asked, (b, [shape], a) => [b.cast(drawn(b, op, shape), a.dtype)], parameters),
  ),
  tfRule(
    "RandomUniformInt",
    [3, 3],
    {},
    (b, [shape, low, high], _, at) => {
      if (!isInteger(low.dtype)) throw at.invalid(`whole numbers of ${low.dtype}`);
      return [wholes(b, shape, low, high)];
    },
    parameters,
  ),
  tfRule("RandomShuffle", [1, 1], {}, (b, [x]) => [shuffled(b, x)]),
  tfRule(
    "Multinomial",
    [2, 2],
    { output_dtype: dtype("int64") },
    (b, [logits, count], a) => {
      const numbers = b.op("Multinomial", [b.cast(logits, "float32"), count], { output_dtype: "int32" });
      return [b.cast(numbers, a.output_dtype)];
    },
    { parameters: [1] },
  ),
  tfRule(
    "RandomGamma",
    [2, 2],
    {},
    (b, [shape, alpha]) => [distributed(b, "RandomGamma", shape, alpha, alpha.dtype)],
    parameters,
  ),
  ...["RandomPoisson", "RandomPoissonV2"].map((op) =>
    tfRule(
      op,
      [2, 2],
      { dtype: dtype("int64") },
      (b, [shape, rate], a) => [distributed(b, "RandomPoisson", shape, rate, a.dtype)],
      parameters,
    ),
  ),
];
