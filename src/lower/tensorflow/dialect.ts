/** TensorFlow's graphs. */
import type { DialectRules } from "../dialect.ts";
import { droppedProblems } from "./dropped.ts";
import { prepare } from "./prepare.ts";
import { tensorflowRules } from "./rules.ts";

export const tensorflow: DialectRules = { rules: tensorflowRules, prepare, dropped: droppedProblems };
