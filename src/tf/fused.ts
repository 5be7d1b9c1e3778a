/** Ops that TF.js runs as one kernel; made by the optimiser for the target, never by a lowering. */
import { type Call, define, type OpDef, opDef } from "./op.ts";
import "./nn.ts";

/** Inputs and attributes of the plain op, then bias (and Prelu's slope): `num_args`, `fused_ops`, `leakyrelu_alpha`, `epsilon`. */
const fused = (name: string, plain: string): OpDef => ({ name, infer: (call: Call) => opDef(plain).infer(call) });

define(
  fused("_FusedConv2D", "Conv2D"),
  fused("FusedDepthwiseConv2dNative", "DepthwiseConv2dNative"),
  fused("_FusedMatMul", "MatMul"),
);
