/** GraphDef in JSON → the nodes and functions that the TensorFlow reader makes graphs of, every Const with its weight. */
import { modelError } from "../../base/problem.ts";
import type { SourceTensor } from "../../graph/source.ts";
import type { Reading } from "../protobuf/reading.ts";
import type { Argument, FunctionDraft } from "../tensorflow/function.ts";
import { buildGraphs, type ReadGraph } from "../tensorflow/library.ts";
import type { WrittenNode } from "../tensorflow/nodes.ts";
import { dtypeOf, isObject, readAttributes } from "./attributes.ts";
import { capturedTables, withInitializer } from "./initializer.ts";
import type { JsonPath, JsonText } from "./json.ts";

type Json = Readonly<Record<string, unknown>>;
type Weights = ReadonlyMap<string, SourceTensor>;

/** What nothing else says: TF.js reads no shapes from a version on. */
const PRODUCER = 1000;

/** The model's graph, and what fills its tables. */
export function readTopology(json: JsonText, value: Json, weights: Weights, reading: Reading): ReadGraph {
  const path = ["modelTopology"];
  const { modelTopology: topology, modelInitializer: initializer } = value;
  if (!isObject(topology) || !Array.isArray(topology["node"]))
    throw modelError("malformed", "a topology without nodes", { offset: json.offsetOf(path) });
  const library = isObject(topology["library"]) ? topology["library"]["function"] : undefined;
  const from = [...path, "library", "function"];
  const drafts = (Array.isArray(library) ? library : []).map((each, i) => draft(json, [...from, i], each, weights, reading));
  const versions = isObject(topology["versions"]) ? topology["versions"] : {};
  const producer = Number(versions["producer"] ?? PRODUCER);
  const own = written(json, [...path, "node"], topology["node"], weights, reading);
  const once = isObject(initializer) && Array.isArray(initializer["node"]) ? initializer["node"] : [];
  const filling = written(json, ["modelInitializer", "node"], once, weights, reading);
  const nodes = filling.length > 0 ? withInitializer(own, filling, capturedTables(value)) : own;
  return buildGraphs(() => nodes, drafts, producer, "main", reading);
}

function draft(json: JsonText, path: JsonPath, given: unknown, weights: Weights, reading: Reading): FunctionDraft {
  const signature = isObject(given) && isObject(given["signature"]) ? given["signature"] : {};
  const ret = isObject(given) && isObject(given["ret"]) ? given["ret"] : {};
  const list = isObject(given) && Array.isArray(given["nodeDef"]) ? given["nodeDef"] : [];
  const nodes = written(json, [...path, "nodeDef"], list, weights, reading);
  return {
    name: String(signature["name"] ?? ""),
    inputs: argumentsOf(signature["inputArg"]),
    outputs: argumentsOf(signature["outputArg"]),
    nodes: () => nodes,
    results: new Map(Object.entries(ret).map(([name, value]) => [name, String(value)])),
    offset: json.offsetOf(path),
  };
}

function argumentsOf(list: unknown): Argument[] {
  return (Array.isArray(list) ? list : []).filter(isObject).map((each) => ({
    name: String(each["name"] ?? ""),
    type: { dtype: dtypeOf(each["type"]), shape: undefined },
    isList: Boolean(each["numberAttr"] ?? each["typeListAttr"]),
  }));
}

function written(
  json: JsonText,
  path: JsonPath,
  nodes: readonly unknown[],
  weights: Weights,
  reading: Reading,
): readonly WrittenNode[] {
  const offsets = json.elements(path);
  return nodes.map((node, i): WrittenNode => {
    const offset = offsets[i] ?? 0;
    if (!isObject(node)) throw modelError("malformed", "a node that is no object", { offset });
    const [name, op] = [String(node["name"] ?? ""), String(node["op"] ?? "")];
    const inputs = (Array.isArray(node["input"]) ? node["input"] : []).map(String);
    reading.spend(2 + inputs.length, offset);
    return {
      name,
      op,
      inputs,
      device: String(node["device"] ?? ""),
      offset,
      attributes: (context, place) => {
        const read = readAttributes(node["attr"], context);
        if (op !== "Const") return read;
        const tensor = weights.get(name);
        if (tensor) return { ...read, attrs: { ...read.attrs, value: { kind: "tensor", value: tensor } } };
        // TF.js reads no constant from the topology.
        const reason = "a constant that the weights manifest does not have";
        reading.report("error", "weight-missing", reason, { ...place, offset });
        return read;
      },
    };
  });
}
