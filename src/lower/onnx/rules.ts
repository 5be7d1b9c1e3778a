/** The ONNX dialect: every family, one table. */
import { RuleTable } from "../rule.ts";
import { conv } from "./conv.ts";
import { elementwise } from "./elementwise.ts";
import { products } from "./matmul.ts";
import { norms } from "./norm.ts";
import { pools } from "./pool.ts";
import { resizes } from "./resize.ts";
import { space } from "./space.ts";

export const onnxRules = new RuleTable([...elementwise, ...conv, ...products, ...norms, ...pools, ...resizes, ...space]);
