/** Variables of a SavedModel, frozen: a handle is the value that the checkpoint has. */
import type { Rule } from "../rule.ts";
import { tensor } from "../schema.ts";
import { tfRule } from "./attrs.ts";

const variable = (op: string): Rule =>
  tfRule(op, [0, 0], { value: tensor() }, (_, __, a, at) => {
    if (!a.value)
      throw at.unsupported("a variable without a value", "open the SavedModel with its checkpoint, or freeze the graph");
    return [at.constant(a.value)];
  });

const names = (text: string): string[] => text.split(" ");

/** Those of a model that was saved are. */
const initialized = (op: string): Rule => tfRule(op, [1, 1], {}, (b) => [b.scalar("bool", 1)]);

export const variables: readonly Rule[] = [
  ...names("VarHandleOp VariableV2 Variable").map(variable),
  ...names("VarIsInitializedOp IsVariableInitialized").map(initialized),
];
