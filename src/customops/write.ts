/** The module that registers a model's custom ops: only those that it needs, as text. */
import type { Inputs, Outputs, Tf } from "./op.ts";
import { customOps } from "./table.ts";

export const customOpsName = "custom-ops.mjs";

/** Operators of the user's own: the text of the module that exports them as `ops`, and what each is called in the model. */
export interface OwnOps {
  readonly text: string;
  /** Places in `ops`, by name. */
  readonly places: ReadonlyMap<string, number>;
}

/** `export function register(tf)`; `tf` is all of @tensorflow/tfjs, or core with the converter's `registerOp`. */
export function customOpsModule(names: readonly string[], own?: OwnOps): string {
  const helpers = new Set<string>();
  const ours: string[] = [];
  const theirs: string[] = [];
  for (const name of [...names].sort()) {
    const op = customOps.get(name);
    const place = own?.places.get(name);
    if (op) {
      for (const helper of op.uses ?? []) helpers.add(helper.toString());
      ours.push(`    ${JSON.stringify(name)}: ${op.run.toString()},`);
    } else if (place !== undefined) theirs.push(`    ${JSON.stringify(name)}: ops[${place}],`);
    else throw new Error(`no custom op ${name}`);
  }
  const isOwn = own !== undefined && theirs.length > 0;
  return [
    "// Ops of this model that TF.js has not. Call register(tf) before the model is loaded.",
    // At the top level for itself, so that its names and ours cannot be the same.
    ...(isOwn ? [own.text] : []),
    "export function register(tf) {",
    ...helpers,
    ...(ours.length > 0 ? [`  const known = {\n${ours.join("\n")}\n  };`, registerKnown] : []),
    ...(isOwn ? [`  const ownCall = ${ownCall.toString()};`, `  const own = {\n${theirs.join("\n")}\n  };`, registerOwn] : []),
    "}",
    "",
  ].join("\n");
}

const registerKnown =
  "  for (const [name, run] of Object.entries(known)) tf.registerOp(name, (node) => run(tf, node.inputs, node.attrs));";

const registerOwn =
  "  for (const [name, op] of Object.entries(own))\n    tf.registerOp(name, (node) => ownCall(tf, name, op, node.inputs, node.attrs));";

interface OwnAttrs {
  /** Text, as numbers: TF.js changes texts to lower case. */
  readonly call: readonly number[];
  readonly dtypes: readonly string[];
}

/** Inputs as the source has them, undefined where one is left out; attributes as they are written; outputs of the types that were told. */
function ownCall(
  tf: Tf,
  name: string,
  op: { run(tf: Tf, inputs: unknown[], attributes: unknown): Outputs | Promise<Outputs> },
  inputs: Inputs,
  { call, dtypes }: OwnAttrs,
): Outputs | Promise<Outputs> {
  const { attributes, absent } = JSON.parse(call.map((code) => String.fromCharCode(code)).join("")) as {
    attributes: unknown;
    absent: readonly number[];
  };
  const all: unknown[] = [...inputs];
  for (const place of absent) all.splice(place, 0, undefined);
  const checked = (given: Outputs): Outputs => {
    const list = Array.isArray(given) ? given : [given];
    dtypes.forEach((dtype, i) => {
      if (list[i]?.dtype !== dtype) throw new Error(`${name} gives ${list[i]?.dtype ?? "no tensor"}, where ${dtype} is told`);
    });
    return list;
  };
  const given = op.run(tf, all, attributes);
  return given instanceof Promise ? given.then(checked) : checked(given);
}
