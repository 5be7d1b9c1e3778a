/** Pools over N H W C. Averages count only what is inside, as TensorFlow's do. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { int } from "../schema.ts";
import { bounded, fused } from "./activation.ts";
import { padding } from "./conv.ts";
import { linear } from "./quantized.ts";
import { lite } from "./rule.ts";

const attrs = {
  padding,
  stride_w: int(1),
  stride_h: int(1),
  filter_width: int(1),
  filter_height: int(1),
  fused_activation_function: fused,
};

type Pool = (b: Builder, x: Value, pool: (op: string, x: Value) => Value) => Value;

const pool = (op: string, apply: Pool): Rule =>
  lite(op, { arity: [1, 1], attrs }, (b, [x], a) => {
    const window = {
      ksize: [1, a.filter_height, a.filter_width, 1],
      strides: [1, a.stride_h, a.stride_w, 1],
      padding: a.padding,
      data_format: "NHWC",
    };
    const each = (target: string, input: Value) => linear(b, input, (part) => b.op(target, [part], window));
    return [bounded(b, apply(b, x, each), a.fused_activation_function)];
  });

export const pools: readonly Rule[] = [
  pool("AVERAGE_POOL_2D", (_, x, each) => each("AvgPool", x)),
  pool("MAX_POOL_2D", (_, x, each) => each("MaxPool", x)),
  pool("L2_POOL_2D", (b, x, each) => b.op("Sqrt", [each("AvgPool", b.op("Square", [x]))])),
];
