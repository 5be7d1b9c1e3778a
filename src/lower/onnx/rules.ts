/** The ONNX dialect: every family, one table. */
import { RuleTable } from "../rule.ts";
import { elementwise } from "./elementwise.ts";

export const onnxRules = new RuleTable([...elementwise]);
