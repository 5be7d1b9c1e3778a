/** Random ops: two are never one, and none is folded. */
import type { DType } from "../base/dtype.ts";
import type { Type } from "../graph/graph.ts";
import { shapeFrom } from "./dims.ts";
import { type Call, define, type OpDef } from "./op.ts";

const random = (call: Call) => [{ dtype: call.attr<string>("dtype") as DType, shape: shapeFrom(call, 0) }];

define(
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
