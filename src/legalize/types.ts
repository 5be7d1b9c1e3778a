/** The border of TF.js: five dtypes, and how the hub's others cross it. */
import type { DType } from "../base/dtype.ts";
import { isFloat, isInteger } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import type { Value } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Builder } from "../tf/build.ts";
import { castTensor } from "../tf/cast.ts";
import { checkInt32 } from "../tf/int32.ts";
import { define } from "../tf/op.ts";

export type TfjsType = "float32" | "int32" | "bool" | "string" | "complex64";

/** The type a hub value has in TF.js; a `ModelError` where there is none. */
export function borderType(dtype: DType): TfjsType {
  if (isFloat(dtype)) return "float32";
  if (isInteger(dtype)) return "int32";
  if (dtype === "bool" || dtype === "string" || dtype === "complex64") return dtype;
  throw modelError("unsupported-type", `TF.js has no ${dtype}`);
}

/** A constant cast to the border's type; integers that int32 cannot hold are a Problem when it is evaluated. */
export function narrow(b: Builder, constant: Value): Value {
  const to = borderType(constant.dtype);
  return constant.dtype === to ? constant : b.op("Narrow", [constant], { DstT: to });
}

const wide: ReadonlySet<DType> = new Set(["int64", "uint64", "uint32"]);

function narrowTensor(x: Tensor, to: DType): Tensor {
  if (to === "int32" && wide.has(x.dtype)) checkInt32(x.data as BigInt64Array);
  return castTensor(x, to);
}

define({
  name: "Narrow",
  infer: (call) => [{ dtype: call.attr<string>("DstT") as DType, shape: call.shape() }],
  fold: ([x], _, [type]) => [narrowTensor(x!, type!.dtype)],
});
