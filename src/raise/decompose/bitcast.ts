/**
 * Bitcast. ONNX has it between types of one width, from opset 26 on; among integers that is a Cast. Where the widths differ, wide numbers are
 * put together of narrow ones, or taken apart, as integers.
 */
import { bitsOf, type DType, isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { type DecomposeRule, decomposed, type RaiseAt } from "../rule.ts";

const unsigned: Readonly<Record<number, DType>> = { 8: "uint8", 16: "uint16", 32: "uint32", 64: "uint64" };

/** The bits of `x` as another type of its width. */
function sameWidth(b: Builder, x: Value, to: DType, at: RaiseAt): Value {
  if (!isFloat(x.dtype) && !isFloat(to)) return b.cast(x, to);
  at.since(26);
  return b.op("Bitcast", [x], { DstT: to });
}

/** 1, 2^width, 2^(2 · width) … */
const places = (b: Builder, width: number, count: number): Value =>
  b.constant(
    tensorOf(
      "int64",
      [count],
      Array.from({ length: count }, (_, i) => 2 ** (width * i)),
    ),
  );

/** The last axis is a number's parts, the least significant first. */
function together(b: Builder, x: Value, from: number, to: number, at: RaiseAt): Value {
  const parts = b.cast(sameWidth(b, x, unsigned[from]!, at), "int64");
  // The greatest part of 64 bits goes round into the sign, as it should. Added one by one: onnxruntime's ReduceSum rounds to doubles.
  const moved = b.op("Mul", [parts, places(b, from, to / from)]);
  const each = Array.from({ length: to / from }, (_, i) => b.gather(moved, b.scalar("int32", i), moved.rank - 1));
  return b.cast(
    each.reduce((sum, part) => b.op("AddV2", [sum, part])),
    unsigned[to]!,
  );
}

function apart(b: Builder, x: Value, from: number, to: number, at: RaiseAt): Value {
  const whole = b.cast(sameWidth(b, x, unsigned[from]!, at), "int64");
  const column = b.op("ExpandDims", [whole, b.scalar("int32", -1)]);
  const parts = b.op("FloorMod", [b.op("FloorDiv", [column, places(b, to, from / to)]), b.scalar("int64", 2 ** to)]);
  return b.cast(parts, unsigned[to]!);
}

/** bfloat16 is float32 here: its bits are the upper half of that. */
const upper = 2 ** 16;

function bitcast(b: Builder, x: Value, at: RaiseAt): Value {
  const [source, target] = [at.node.inputs[0]!.dtype, at.node.output.dtype];
  const [from, to] = [bitsOf[source], bitsOf[target]];
  const plain = (dtype: DType) => dtype !== "bool" && unsigned[bitsOf[dtype] ?? 0] !== undefined && !dtype.startsWith("complex");
  if (!from || !to || !plain(source) || !plain(target)) throw at.unsupported(`the bits of ${source} as ${target}`);
  const given =
    source === "bfloat16"
      ? b.cast(b.op("FloorDiv", [b.cast(sameWidth(b, x, "uint32", at), "int64"), b.scalar("int64", upper)]), "uint16")
      : x;
  const moved = from === to ? given : from < to ? together(b, given, from, to, at) : apart(b, given, from, to, at);
  if (target !== "bfloat16") return sameWidth(b, moved, target, at);
  const bits = b.op("Mul", [b.cast(sameWidth(b, moved, "uint16", at), "int64"), b.scalar("int64", upper)]);
  return sameWidth(b, b.cast(bits, "uint32"), "float32", at);
}

export const bitcasts: readonly DecomposeRule[] = [decomposed("Bitcast", (b, [x], at) => [bitcast(b, x!, at)])];
