/** Single TensorFlow operators within a Keras model (TensorFlowOpLayer): TensorFlow's own rules, their constants among the inputs. */
import type { DType } from "../../base/dtype.ts";
import type { SourceAttr } from "../../graph/source.ts";
import { tensorOf } from "../../graph/tensor.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { tensorflowRules } from "../tensorflow/rules.ts";
import { isObject, type Json } from "./config.ts";

export const rawDomain = "tf.raw_ops";

const dtypes: Readonly<Record<string, DType>> = {
  DT_FLOAT: "float32",
  DT_DOUBLE: "float64",
  DT_HALF: "float16",
  DT_BFLOAT16: "bfloat16",
  DT_INT8: "int8",
  DT_UINT8: "uint8",
  DT_INT16: "int16",
  DT_INT32: "int32",
  DT_INT64: "int64",
  DT_BOOL: "bool",
  DT_STRING: "string",
};

/** AttrValue in protobuf's JSON. */
function attrOf(value: unknown): SourceAttr | undefined {
  if (!isObject(value)) return undefined;
  const [kind] = Object.keys(value);
  const given = value[kind ?? ""];
  switch (kind) {
    case "type": {
      const dtype = dtypes[String(given)];
      return dtype ? { kind: "dtype", value: dtype } : { kind: "unknown", value: String(given) };
    }
    case "b":
      return { kind: "bool", value: given === true };
    case "i":
      return { kind: "int", value: Number(given) };
    case "f":
      return { kind: "float", value: Number(given) };
    case "s":
      return { kind: "string", value: atob(String(given)) };
    case "list":
      return isObject(given) ? listOf(given) : undefined;
    default:
      return { kind: "unknown", value: kind ?? "nothing" };
  }
}

function listOf(list: Json): SourceAttr {
  const { i, f, s } = list;
  if (Array.isArray(s)) return { kind: "strings", value: s.map((each) => atob(String(each))) };
  if (Array.isArray(f)) return { kind: "floats", value: f.map(Number) };
  return { kind: "ints", value: Array.isArray(i) ? i.map(Number) : [] };
}

/** What the reader keeps of the layer's configuration. */
function definition(at: At): { readonly attrs: Json; readonly constants: Json } {
  const { node_def: def, constants } = at.node.attrs;
  const parsed = (attr: SourceAttr | undefined): unknown => {
    try {
      return attr?.kind === "string" ? JSON.parse(attr.value) : {};
    } catch {
      throw at.unsupported("an operator written in another way than JSON");
    }
  };
  const [node, given] = [parsed(def), parsed(constants)];
  const attrs = isObject(node) ? node["attr"] : undefined;
  return { attrs: isObject(attrs) ? attrs : {}, constants: isObject(given) ? given : {} };
}

/** The type of a constant is that of the attribute with which TensorFlow names its input's; integers but where the tensor beside is a float. */
function constantType(values: readonly unknown[], attrs: Json): DType {
  const whole = values.every((each) => Number.isInteger(each));
  const own = isObject(attrs["T"]) ? dtypes[String(attrs["T"]["type"])] : undefined;
  const shapes = Object.keys(attrs).some((key) =>
    /^(Tperm|Tshape|Tidx|Index|Tindices|Taxis|Tdim|Tmultiples|Tpaddings)$/.test(key),
  );
  return whole && shapes ? "int32" : (own ?? (whole ? "int32" : "float32"));
}

const flat = (given: unknown): readonly unknown[] => (Array.isArray(given) ? given.flat(8) : [given]);

function shapeOf(given: unknown): readonly number[] {
  const shape: number[] = [];
  for (let level = given; Array.isArray(level); level = level[0]) shape.push(level.length);
  return shape;
}

export const rawOps: readonly Rule[] = tensorflowRules.all().map((inner) =>
  rule(inner.op, { domain: rawDomain, since: 0, arity: [0, Number.POSITIVE_INFINITY], attrs: {} }, (b, values, _, at) => {
    const { attrs, constants } = definition(at);
    const inputs = [...values];
    const places = Object.keys(constants).map(Number);
    for (const place of places.sort((p, q) => p - q)) {
      const given = constants[String(place)];
      const numbers = flat(given);
      if (!numbers.every((each) => typeof each === "number" || typeof each === "boolean"))
        throw at.unsupported("a constant that is no number");
      const constant = tensorOf(constantType(numbers, attrs), shapeOf(given), numbers.map(Number));
      inputs.splice(place, 0, b.constant(constant));
    }
    const [least] = inner.arity;
    if (inputs.length < least) throw at.invalid(`${inputs.length} inputs where ${inner.op} takes ${least}`);
    const read = Object.fromEntries(
      Object.entries(inner.attrs).map(([name, field]) => [name, field.read(attrOf(attrs[name]), name)]),
    );
    return inner.lower(b, inputs, read, at);
  }),
);
