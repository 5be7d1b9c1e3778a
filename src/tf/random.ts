/** Random ops: two are never one, and none is folded, but for those whose numbers follow from a seed. */
import type { DType } from "../base/dtype.ts";
import { seededNumbers } from "../base/philox.ts";
import type { Type } from "../graph/graph.ts";
import { elementCount, numbersOf, type Tensor, tensorOf } from "../graph/tensor.ts";
import { shapeFrom } from "./dims.ts";
import { type Call, define, type OpDef } from "./op.ts";

const random = (call: Call) => [{ dtype: call.attr<string>("dtype") as DType, shape: shapeFrom(call, 0) }];

/** Low and high word of each number. */
const wordsOf = (seed: Tensor): number[] =>
  Array.from(seed.data as ArrayLike<number | bigint>, BigInt).flatMap((part) =>
    [part, part >> 32n].map((each) => Number(BigInt.asUintN(32, each))),
  );

define(
  // shape, seed of two numbers; whole ones: the least, and what they are below. `how` as base/philox.ts numbers it.
  {
    name: "SeededRandom",
    infer: (call) => [{ dtype: call.attr<number>("how") === 3 ? "int32" : "float32", shape: shapeFrom(call, 0) }],
    fold: ([, seed, low, high], { how }, [type]) => {
      const shape = type!.shape as readonly number[];
      const [least, beyond] = [low, high].map((bound) => (bound ? numbersOf(bound)[0]! : 0));
      return [tensorOf(type!.dtype, shape, seededNumbers(wordsOf(seed!), elementCount(shape), how as number, least, beyond))];
    },
  },
  { name: "RandomStandardNormal", infer: random, pure: false },
  // Within two standard deviations.
  { name: "TruncatedNormal", infer: random, pure: false },
  // In [0, 1).
  { name: "RandomUniform", infer: random, pure: false },
  // shape, parameters: numbers for each of them, float32
  ...["RandomGamma", "RandomPoisson"].map((name): OpDef => {
    const infer = (call: Call): readonly Type[] => {
      const [shape, parameters] = [shapeFrom(call, 0), call.shape(1)];
      return [{ dtype: "float32", shape: shape && parameters && [...shape, ...parameters] }];
    };
    return { name, infer, pure: false };
  }),
  {
    name: "Multinomial",
    infer: (call) => [{ dtype: call.attr<string>("output_dtype") as DType, shape: [call.shape()?.[0], call.dims(1)?.[0]] }],
    pure: false,
  },
);
