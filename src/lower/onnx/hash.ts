/**
 * MurmurHash3 of com.microsoft. Without a sign half of all hashes leave int32; what is usual is to keep some of their bits or what is left
 * of a division, and that fits: BitShift, BitwiseAnd and Mod of a hash are one with it.
 */
import { bitsOf, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type Rule, rule } from "../rule.ts";
import { bool, int } from "../schema.ts";
import { knownNumbers } from "./axis.ts";

const hashed = ["int32", "uint32", "int64", "uint64", "float32", "string"];

export const hashes: readonly Rule[] = [
  rule(
    "MurmurHash3",
    { domain: "com.microsoft", since: 1, arity: [1, 1], attrs: { positive: bool(true), seed: int(0) } },
    (b, [x], a, at) => {
      if (!hashed.includes(x.dtype)) throw at.unsupported(`hashes of ${x.dtype}, of which TF.js does not keep all bits`);
      return [
        b.op("MurmurHash3", [x], {
          seed: a.seed | 0,
          wide: isInteger(x.dtype) && bitsOf[x.dtype] === 64,
          unsigned: x.dtype === "uint64",
          modulus: 0,
          dtype: a.positive ? "uint32" : "int32",
        }),
      ];
    },
  ),
];

/** The hash without a sign that `x` is, perhaps in a wider type. */
function hashBehind(x: Value): Value | undefined {
  let value = x;
  while (value.node.op === "Cast" && isInteger(value.dtype) && bitsOf[value.dtype]! >= 32) value = value.node.inputs[0]!;
  const { op, attrs } = value.node;
  return op === "MurmurHash3" && attrs["dtype"] === "uint32" && attrs["modulus"] === 0 ? value : undefined;
}

/** One number for all elements. */
const single = (x: Value): number | undefined => {
  const numbers = knownNumbers(x);
  return numbers?.every((each) => each === numbers[0]) ? numbers[0] : undefined;
};

function remainder(b: Builder, x: Value, modulus: number): Value | undefined {
  const hash = hashBehind(x);
  if (!hash || !Number.isInteger(modulus) || modulus < 1 || modulus > 2 ** 31) return undefined;
  return b.cast(b.op("MurmurHash3", hash.node.inputs, { ...hash.node.attrs, modulus, dtype: "int32" }), x.dtype);
}

/** hash mod a constant */
export const hashModulo = (b: Builder, x: Value, y: Value): Value | undefined => remainder(b, x, single(y) ?? 0);

/** hash & (2^n − 1) */
export function maskedHash(b: Builder, x: Value, y: Value): Value | undefined {
  const mask = single(y);
  return mask !== undefined && Number.isInteger(Math.log2(mask + 1)) ? remainder(b, x, mask + 1) : undefined;
}

/** (hash << n) >> n, which keeps the bits below */
export function shiftedHash(b: Builder, x: Value, y: Value): Value | undefined {
  const by = single(y);
  if (x.node.op !== "LeftShift" || by === undefined || single(x.node.inputs[1]!) !== by) return undefined;
  return remainder(b, x.node.inputs[0]!, 2 ** (bitsOf[x.dtype]! - by));
}
