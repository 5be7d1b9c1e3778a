/** MatMulNBits and GatherBlockQuantized of com.microsoft: weights of 2, 4 or 8 bits in blocks, unpacked by foldable operations. */
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, int, required } from "../schema.ts";
import { asScalar } from "./axis.ts";
import { wrapIndices } from "./indices.ts";
import { matmul } from "./matmul.ts";

const domain = "com.microsoft";

/** Bytes [..., n] as their codes [..., n·8/bits], low bits first. */
function unpacked(b: Builder, bytes: Value, bits: number): Value {
  if (bits === 8) return bytes;
  const base = b.scalar(bytes.dtype, 2 ** bits);
  const parts: Value[] = [];
  let rest = bytes;
  for (let i = 0; i < 8 / bits; i++) {
    parts.push(b.op("FloorMod", [rest, base]));
    rest = b.op("FloorDiv", [rest, base]);
  }
  const shape = bytes.staticShape!;
  return b.reshape(b.op("Pack", parts, { axis: bytes.rank, N: parts.length }), [
    ...shape.slice(0, -1),
    (shape.at(-1)! * 8) / bits,
  ]);
}

/** The first `size` entries of the last axis. */
const firstOf = (b: Builder, x: Value, size: number): Value =>
  x.shape[x.rank - 1] === size
    ? x
    : b.slice(
        x,
        x.shape.map(() => 0),
        x.shape.map((_, i) => (i === x.rank - 1 ? size : -1)),
      );

interface NBits {
  readonly K: number;
  readonly N: number;
  readonly bits: number;
  readonly block_size: number;
}

/** [N, K]: every block of codes less its zero point, times its scale; with `groups` (act_order), the block that each column names. */
export function weightsOf(
  b: Builder,
  codes: Value,
  scales: Value,
  zeros: Value | undefined,
  { K, N, bits, block_size: block }: NBits,
  at: At,
  groups?: Value,
): Value {
  if (![2, 4, 8].includes(bits)) throw at.unsupported(`weights of ${bits} bits`);
  if (!codes.staticShape) throw at.unsupported("weights of unknown shape");
  const blocks = Math.ceil(K / block);
  const elements = b.reshape(unpacked(b, b.reshape(codes, [N, blocks, (block * bits) / 8]), bits), [N, blocks, block]);
  const scale = b.reshape(b.cast(scales, "float32"), [N, blocks, 1]);
  const zero = (): Value => {
    if (!zeros) return b.scalar("float32", 2 ** (bits - 1));
    if (zeros.dtype !== "uint8") return b.reshape(b.cast(zeros, "float32"), [N, blocks, 1]);
    const packed = b.reshape(zeros, [N, Math.ceil((blocks * bits) / 8)]);
    return b.reshape(b.cast(firstOf(b, unpacked(b, packed, bits), blocks), "float32"), [N, blocks, 1]);
  };
  if (groups) {
    // Each column names its block, for scale and zero point; the codes stand as they do.
    const own = (x: Value) =>
      x.rank === 0 ? x : b.gather(b.reshape(x, [N, blocks]), b.slice(b.cast(groups, "int32"), [0], [K]), 1);
    const flat = b.cast(firstOf(b, b.reshape(elements, [N, blocks * block]), K), "float32");
    return b.op("Mul", [b.op("Sub", [flat, own(zero())]), own(scale)]);
  }
  const real = b.op("Mul", [b.op("Sub", [b.cast(elements, "float32"), zero()]), scale]);
  return firstOf(b, b.reshape(real, [N, blocks * block]), K);
}

const floats4 = [0, 5.208333333e-3, 2 / 3, 1, 1 / 3, 0.5, 1 / 6, 0.25];

/** The sixteen values of a code by `quant_type`, as bitsandbytes has them: small floats, and quantiles of the normal distribution. */
const fourBits = {
  0: [...floats4, ...floats4.map((value) => -value)],
  1: [
    ...[-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334],
    ...[-0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224],
    ...[0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1],
  ],
} as const;

/** [N, K]: codes of 4 bits, the high ones first, looked up and times the greatest of their block of the flat matrix. */
function bnbWeights(
  b: Builder,
  codes: Value,
  greatest: Value,
  a: { K: number; N: number; block_size: number; quant_type: number },
  at: At,
): Value {
  const table = fourBits[a.quant_type as keyof typeof fourBits];
  if (!table) throw at.invalid(`quant_type ${a.quant_type}`);
  if (!codes.staticShape) throw at.unsupported("weights of unknown shape");
  const count = a.K * a.N;
  const base = b.scalar("uint8", 16);
  const halves = [b.op("FloorDiv", [codes, base]), b.op("FloorMod", [codes, base])].map((half) => b.reshape(half, [-1]));
  const flat = b.slice(b.reshape(b.op("Pack", halves, { axis: 1, N: 2 }), [-1]), [0], [count]);
  const values = b.gather(b.constant(tensorOf("float32", [16], table)), b.cast(flat, "int32"), 0);
  const blocks = Math.ceil(count / a.block_size);
  const padded = blocks * a.block_size === count ? values : padLast(b, values, blocks * a.block_size - count);
  const scaled = b.op("Mul", [b.reshape(padded, [blocks, a.block_size]), b.reshape(b.cast(greatest, "float32"), [blocks, 1])]);
  return b.reshape(b.slice(b.reshape(scaled, [-1]), [0], [count]), [a.N, a.K]);
}

/** Rows of a blockwise quantised table: codes, scales and zero points are gathered alike, then made real. */
function gatherBlocks(
  b: Builder,
  inputs: readonly (Value | undefined)[],
  a: { gather_axis: number; quantize_axis: number; block_size: number; bits: number },
  at: At,
): Value {
  const [data, indices, scales, zeros] = inputs as readonly [Value, Value, Value, Value | undefined];
  const axis = normalAxis(a.quantize_axis, data.rank);
  const gatherAxis = normalAxis(a.gather_axis, data.rank);
  if (axis !== data.rank - 1) throw at.unsupported(`blocks along axis ${axis}`);
  if (gatherAxis === axis) throw at.unsupported("a gather along the blocks");
  const bytes = data.dtype === "uint8";
  if (!scales.staticShape || !data.staticShape) throw at.unsupported("a table of unknown shape");
  const codes = bytes ? unpacked(b, data, a.bits) : data;
  const size = codes.shape[axis] as number;
  const blocks = scales.shape[axis] as number;
  const lead = codes.staticShape!.slice(0, -1);
  const split = (x: Value, inner: number) => b.reshape(x, [...lead, blocks, inner]);
  const wide = size === blocks * a.block_size ? codes : padLast(b, codes, blocks * a.block_size - size);
  const zeroCodes = zeros && (bytes ? firstOf(b, unpacked(b, zeros, a.bits), blocks) : zeros);
  const middle = bytes ? b.scalar("float32", 2 ** (a.bits - 1)) : b.scalar("float32", 0);
  const zero = zeroCodes ? split(b.cast(zeroCodes, "float32"), 1) : middle;
  const real = b.op("Mul", [
    b.op("Sub", [split(b.cast(wide, "float32"), a.block_size), zero]),
    split(b.cast(scales, "float32"), 1),
  ]);
  const table = firstOf(b, b.reshape(real, [...lead, blocks * a.block_size]), size);
  const rows = wrapIndices(b, indices, asScalar(b, b.dim(table, gatherAxis)));
  return b.cast(b.gather(table, rows, gatherAxis), scales.dtype);
}

function padLast(b: Builder, x: Value, count: number): Value {
  const rows = x.shape.flatMap((_, i) => [0, i === x.rank - 1 ? count : 0]);
  return b.op("PadV2", [x, b.reshape(b.ints(rows), [x.rank, 2]), b.scalar(x.dtype, 0)]);
}

export const nbits: readonly Rule[] = [
  rule(
    "MatMulNBits",
    {
      domain,
      since: 1,
      arity: [3, 6],
      attrs: { K: required(int(0)), N: required(int(0)), bits: int(4), block_size: required(int(0)), accuracy_level: int(0) },
    },
    (b, [x, codes, scales, zeros, groups, bias], a, at) => {
      const weights = b.transpose(weightsOf(b, codes, scales, zeros, a, at, groups), [1, 0]);
      const y = matmul(b, x, b.cast(weights, x.dtype), at);
      return [bias ? b.op("AddV2", [y, bias]) : y];
    },
  ),
  rule(
    "MatMulBnb4",
    {
      domain,
      since: 1,
      arity: [3, 3],
      attrs: {
        K: required(int(0)),
        N: required(int(0)),
        block_size: required(int(0)),
        quant_type: required(int(0)),
        training_mode: int(0),
        transB: bool(true),
      },
    },
    (b, [x, codes, greatest], a, at) => {
      if (!a.transB) throw at.unsupported("weights that are not transposed");
      const weights = b.transpose(bnbWeights(b, codes, greatest, a, at), [1, 0]);
      return [matmul(b, x, b.cast(weights, x.dtype), at)];
    },
  ),
  rule(
    "GatherBlockQuantized",
    {
      domain,
      since: 1,
      arity: [3, 4],
      attrs: { gather_axis: int(0), quantize_axis: int(1), block_size: int(128), bits: int(4) },
    },
    (b, inputs, a, at) => [gatherBlocks(b, inputs, a, at)],
  ),
];
