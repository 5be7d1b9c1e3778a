/** Operators that a user declares in a `modelwright.ops.mjs`: each is a row before all others. docs/custom-ops.md is written for its author. */
import { bitsOf, type DType } from "../base/dtype.ts";
import { type ModelError, modelError } from "../base/problem.ts";
import type { Dim, Type, Value } from "../graph/graph.ts";
import type { SourceAttr } from "../graph/source.ts";
import type { Builder } from "../tf/build.ts";
import { userOpName } from "../tf/user-op.ts";
import { type At, type Rule, rule } from "./rule.ts";
import { raw } from "./schema.ts";

export const userOpsName = "modelwright.ops.mjs";

export type UserAttr = number | boolean | string | readonly number[] | readonly string[];
export type UserAttrs = Readonly<Record<string, UserAttr>>;

/** A type as an author writes it: a size is a number, a name for one size wherever it occurs, or null; shape null is any rank. */
export interface UserType {
  readonly dtype: DType;
  readonly shape: readonly (number | string | null)[] | null;
}

export interface UserOp {
  readonly op: string;
  /** Default: that of ONNX's own operators. */
  readonly domain?: string;
  /** Every attribute with its default, which says its type too. */
  readonly attributes?: UserAttrs;
  /** Types of the outputs; an input that is left out is null. Default: one output, of the first input's type. */
  readonly outputs?: (inputs: readonly (UserType | null)[], attributes: UserAttrs) => readonly UserType[];
  /** What it computes, as a function of `tf`. Runs where the model runs, never here. */
  readonly run: (...args: never[]) => unknown;
}

export interface UserOps {
  /** Of the file, which goes into the written model whole. */
  readonly text: string;
  readonly ops: readonly UserOp[];
}

const fault = (reason: string): ModelError => modelError("bad-ops-file", reason, {}, "docs/custom-ops.md shows what it holds");

/** What a module of this text exports as `ops`, checked. A `ModelError` (`bad-ops-file`) says what is missing. */
export function userOps(text: string, ops: unknown): UserOps {
  if (/^\s*import\b(?!\s*\()|^\s*export\b.*\bfrom\b/m.test(text))
    throw fault(`${userOpsName} imports another file, and only its own text goes into the model`);
  if (/^\s*(export\s+)?(async\s+)?(function|const|let|var|class)\s+register\b/m.test(text))
    throw fault(`${userOpsName} has a name of its own that the written module needs: register`);
  if (!Array.isArray(ops)) throw fault(`${userOpsName} exports no list of operators called ops`);
  const seen = new Set<string>();
  for (const [i, each] of (ops as readonly Partial<UserOp>[]).entries()) {
    const wrong = wrongPart(each);
    if (wrong !== undefined) throw fault(`entry ${i} of ops ${wrong}`);
    const name = userOpName(each.domain ?? "", each.op!);
    if (seen.has(name)) throw fault(`two entries of ops are for ${name}`);
    seen.add(name);
  }
  return { text, ops: ops as readonly UserOp[] };
}

function wrongPart(each: Partial<UserOp> | null | undefined): string | undefined {
  if (typeof each?.op !== "string" || each.op === "") return "has no op, the operator's name";
  if (each.domain !== undefined && typeof each.domain !== "string") return `has a domain that is no text: ${each.domain}`;
  if (typeof each.run !== "function") return `has no function run: ${each.op}`;
  if (each.outputs !== undefined && typeof each.outputs !== "function") return `has outputs that are no function: ${each.op}`;
  const bad = Object.entries(each.attributes ?? {}).find(([, value]) => kindOf(value) === undefined);
  return bad && `has an attribute without a default that tells its type: ${bad[0]}`;
}

type Kind = "number" | "boolean" | "string" | "numbers" | "strings";

/** An empty list is one of numbers. */
function kindOf(value: unknown): Kind | undefined {
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each === "number")) return "numbers";
    return value.every((each) => typeof each === "string") ? "strings" : undefined;
  }
  return ["number", "boolean", "string"].includes(typeof value) ? (typeof value as Kind) : undefined;
}

/** Rows for a dialect's table, to stand before its own. */
export const userRules = ({ ops }: UserOps): Rule[] => ops.map(userRule);

function userRule(own: UserOp): Rule {
  const { op, domain = "", attributes = {} } = own;
  const attrs = Object.fromEntries(Object.keys(attributes).map((name) => [name, raw()]));
  return rule(op, { since: 1, domain, arity: [0, Number.POSITIVE_INFINITY], attrs }, (b, inputs, given, at) => {
    const values = Object.fromEntries(
      Object.entries(attributes).map(([name, fallback]) => [name, attributeOf(given[name], name, fallback, at)]),
    );
    return called(b, own, inputs, values, at);
  });
}

/** What a node's call says beside its inputs travels as text in a list of numbers: TF.js changes texts to lower case. */
export interface UserCall {
  readonly attributes: UserAttrs;
  /** Places of the inputs that are left out. */
  readonly absent: readonly number[];
}

function called(
  b: Builder,
  own: UserOp,
  inputs: readonly (Value | undefined)[],
  attributes: UserAttrs,
  at: At,
): readonly Value[] {
  const types = outputTypes(own, inputs, attributes, at);
  const call: UserCall = { attributes, absent: inputs.flatMap((input, i) => (input ? [] : [i])) };
  const given = inputs.filter((input) => input !== undefined);
  const text = JSON.stringify(call);
  return b.ops(userOpName(own.domain ?? "", own.op), given, {
    call: Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)),
    output_types: types,
  });
}

function outputTypes(own: UserOp, inputs: readonly (Value | undefined)[], attributes: UserAttrs, at: At): readonly Type[] {
  const seen = inputs.map((input) => (input ? userType(input.type) : null));
  let told: unknown;
  try {
    told = own.outputs ? own.outputs(seen, attributes) : [seen[0]];
  } catch (error) {
    throw at.unsupported(`outputs() of ${userOpsName} throws: ${(error as Error).message}`);
  }
  if (!Array.isArray(told) || told.length === 0) throw at.unsupported(`outputs() of ${userOpsName} gives no list of types`);
  if (told.length < at.node.outputs.length)
    throw at.unsupported(`outputs() of ${userOpsName} gives ${told.length} types where the node has ${at.node.outputs.length}`);
  return told.map((type, i) => hubType(type, i, at));
}

const userType = ({ dtype, shape }: Type): UserType => ({ dtype, shape: shape?.map((dim) => dim ?? null) ?? null });

function hubType(type: Partial<UserType> | null | undefined, i: number, at: At): Type {
  const wrong = (what: unknown) => at.unsupported(`outputs() of ${userOpsName} gives output ${i} no ${what}`);
  if (typeof type?.dtype !== "string" || !Object.hasOwn(bitsOf, type.dtype)) throw wrong(`dtype that there is: ${type?.dtype}`);
  const { dtype, shape } = type;
  if (shape === null || shape === undefined) return { dtype, shape: undefined };
  const isDim = (dim: unknown) => dim === null || typeof dim === "string" || (Number.isInteger(dim) && (dim as number) >= 0);
  if (!Array.isArray(shape) || !shape.every(isDim)) throw wrong(`shape: ${JSON.stringify(shape)}`);
  return { dtype, shape: (shape as readonly (number | string | null)[]).map((dim): Dim => dim ?? undefined) };
}

function attributeOf(attr: SourceAttr | undefined, name: string, fallback: UserAttr, at: At): UserAttr {
  if (attr === undefined) return fallback;
  const value = read(attr, kindOf(fallback)!);
  const numbers = Array.isArray(value) ? value : [value];
  if (value === undefined || numbers.some((each) => typeof each === "number" && !Number.isFinite(each)))
    throw at.unsupported(`attribute ${name} is of type ${attr.kind}, where ${userOpsName} has ${kindOf(fallback)}`);
  return value;
}

/** Undefined where the attribute is not of this kind; a number that no double holds exactly is none. */
function read(attr: SourceAttr, kind: Kind): UserAttr | undefined {
  const exact = (value: number | string) =>
    typeof value === "string" && !Number.isSafeInteger(Number(value)) ? Number.NaN : Number(value);
  switch (kind) {
    case "number":
      return attr.kind === "int" || attr.kind === "float" ? exact(attr.value) : undefined;
    case "boolean":
      return attr.kind === "int" || attr.kind === "bool" ? Boolean(Number(attr.value)) : undefined;
    case "string":
      return attr.kind === "string" ? attr.value : undefined;
    case "numbers":
      return attr.kind === "ints" || attr.kind === "floats" ? attr.value.map(exact) : undefined;
    case "strings":
      return attr.kind === "strings" ? attr.value : undefined;
  }
}
