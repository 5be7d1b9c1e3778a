/** A ModelProto as protobuf's JSON, which is how ML.NET keeps its baselines, rebuilt into a model. Only what those baselines hold. */
import type { DType } from "../../src/base/dtype.ts";
import { dtypeOfCode } from "../../src/graph/onnx-types.ts";
import { type AttrValue, attr, floats, node, onnxModel, type TensorSpec, tensor, type ValueSpec, value } from "./onnx.ts";
import { float as floatField, int } from "./protobuf.ts";

type Numbers = readonly (number | string)[];

interface JsonAttribute {
  readonly name: string;
  readonly type: string;
  /** A field that is zero or empty is left out. */
  readonly f?: number | string;
  readonly i?: string;
  readonly s?: string;
  readonly floats?: Numbers;
  readonly ints?: Numbers;
  readonly strings?: readonly string[];
}

interface JsonTensor {
  readonly name: string;
  readonly dataType: number;
  readonly dims?: Numbers;
  readonly floatData?: Numbers;
  readonly int64Data?: Numbers;
  readonly stringData?: readonly string[];
}

interface JsonValue {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly { readonly dimValue?: string }[] };
    };
  };
}

export interface JsonModel {
  readonly irVersion: string;
  readonly opsetImport: readonly { readonly domain?: string; readonly version: string }[];
  readonly graph: {
    readonly node: readonly {
      readonly input?: readonly string[];
      readonly output: readonly string[];
      readonly name: string;
      readonly opType: string;
      readonly domain?: string;
      readonly attribute?: readonly JsonAttribute[];
    }[];
    readonly input: readonly JsonValue[];
    readonly output: readonly JsonValue[];
    readonly initializer?: readonly JsonTensor[];
  };
}

const unpack = (base64: string): string => Buffer.from(base64, "base64").toString("utf8");

/** The bytes of the model. */
export function modelFromJson({ irVersion, opsetImport, graph }: JsonModel): Uint8Array {
  return onnxModel({
    ir: Number(irVersion),
    opsets: Object.fromEntries(opsetImport.map(({ domain = "", version }) => [domain, Number(version)])),
    graph: {
      inputs: graph.input.map(valueSpec),
      outputs: graph.output.map(valueSpec),
      initializers: (graph.initializer ?? []).map(tensorOf),
      nodes: graph.node.map(({ input = [], output, name, opType, domain, attribute = [] }) =>
        node(
          opType,
          input,
          output,
          Object.fromEntries(attribute.map((each) => [each.name, attributeOf(each)])),
          name,
          domain === undefined ? {} : { domain },
        ),
      ),
    },
  });
}

function dtypeOf(code: number): DType {
  const dtype = dtypeOfCode(code);
  if (!dtype) throw new Error(`no dtype has the code ${code}`);
  return dtype;
}

function valueSpec({ name, type: { tensorType } }: JsonValue): ValueSpec {
  return value(
    name,
    dtypeOf(tensorType.elemType),
    tensorType.shape.dim.map(({ dimValue = 0 }) => Number(dimValue)),
  );
}

function tensorOf({ name, dataType, dims = [], floatData, int64Data, stringData }: JsonTensor): TensorSpec {
  const data = stringData?.map(unpack) ?? int64Data?.map(BigInt) ?? floatData?.map(Number) ?? [];
  return tensor(name, dtypeOf(dataType), dims.map(Number), data);
}

function attributeOf({ type, f = 0, i = "0", s = "", ...lists }: JsonAttribute): AttrValue {
  if (type === "FLOAT") return attr("FLOAT", floatField(2, Number(f)));
  if (type === "INT") return attr("INT", int(3, BigInt(i)));
  if (type === "STRING") return unpack(s);
  if (type === "FLOATS") return floats((lists.floats ?? []).map(Number));
  if (type === "INTS") return attr("INTS", ...(lists.ints ?? []).map((each) => int(8, BigInt(each))));
  if (type === "STRINGS") return (lists.strings ?? []).map(unpack);
  throw new Error(`an attribute of type ${type}`);
}
