/** The module that registers a model's custom ops: only those that it needs, as text. */
import { customOps } from "./table.ts";

export const customOpsName = "custom-ops.mjs";

/** `export function register(tf)`; `tf` is all of @tensorflow/tfjs, or core with the converter's `registerOp`. */
export function customOpsModule(names: readonly string[]): string {
  const helpers = new Set<string>();
  const entries = [...names].sort().map((name) => {
    const op = customOps.get(name);
    if (!op) throw new Error(`no custom op ${name}`);
    for (const helper of op.uses ?? []) helpers.add(helper.toString());
    return `  ${JSON.stringify(name)}: ${op.run.toString()},`;
  });
  return [
    "// Ops of this model that TF.js has not. Call register(tf) before the model is loaded.",
    ...helpers,
    `const ops = {\n${entries.join("\n")}\n};`,
    "export function register(tf) {",
    "  for (const [name, run] of Object.entries(ops)) tf.registerOp(name, (node) => run(tf, node.inputs, node.attrs));",
    "}",
    "",
  ].join("\n");
}
