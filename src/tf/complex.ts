/** Complex numbers at the edges of a graph; within it their parts are computed. */
import { broadcast, type Call, define } from "./op.ts";

const part = (name: string) => ({ name, infer: (call: Call) => [{ dtype: "float32" as const, shape: call.shape() }] });

define(
  { name: "Complex", infer: (call) => [{ dtype: "complex64", shape: broadcast(call.shape(0), call.shape(1)) }] },
  part("Real"),
  part("Imag"),
);
