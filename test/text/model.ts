/** Source models written by hand, for the text projection's tests. */
import type {
  SourceAttr,
  SourceGraph,
  SourceModel,
  SourceNode,
  SourceTensor,
  SourceType,
  SourceValue,
} from "../../src/graph/source.ts";

export const f32 = (...shape: (number | string | null)[]): SourceType => ({ dtype: "float32", shape });
export const stored = (...shape: number[]): SourceTensor => ({ dtype: "float32", shape, slices: [], encoding: "raw" });

interface NodeSketch {
  readonly op: string;
  readonly inputs?: readonly (string | undefined)[];
  readonly outputs?: readonly (string | undefined)[];
  readonly attrs?: Readonly<Record<string, SourceAttr>>;
  readonly name?: string;
  readonly domain?: string;
}
interface GraphSketch extends Partial<Pick<SourceGraph, "name" | "role" | "parent" | "domain">> {
  readonly nodes: readonly NodeSketch[];
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly types?: Readonly<Record<string, SourceType>>;
  readonly tensors?: Readonly<Record<string, SourceTensor>>;
  /** Names that belong to the enclosing graph. */
  readonly outer?: readonly string[];
}

export function modelOf(name: string, ...sketches: GraphSketch[]): SourceModel {
  const graphs: SourceGraph[] = [];
  for (const [id, sketch] of sketches.entries()) {
    const ids = new Map<string, number>();
    const idOf = (value: string) => {
      if (!ids.has(value)) ids.set(value, ids.size);
      return ids.get(value)!;
    };
    const nodes = sketch.nodes.map(
      (node, index): SourceNode => ({
        id: index,
        name: node.name ?? "",
        op: node.op,
        domain: node.domain ?? "",
        inputs: (node.inputs ?? []).map((value) => (value === undefined ? undefined : idOf(value))),
        outputs: (node.outputs ?? []).map((value) => (value === undefined ? undefined : idOf(value))),
        attrs: node.attrs ?? {},
        captures: [],
      }),
    );
    const inputs = (sketch.inputs ?? []).map(idOf);
    const outputs = (sketch.outputs ?? []).map(idOf);
    const enclosing = graphs[sketch.parent ?? 0];
    const values = [...ids].map(([value, valueId]): SourceValue => {
      const producer = nodes.find((node) => node.outputs.includes(valueId));
      const tensor = sketch.tensors?.[value];
      const outer = sketch.outer?.includes(value) ? enclosing?.values.find((other) => other.name === value) : undefined;
      return {
        id: valueId,
        name: value,
        type: sketch.types?.[value] ?? { dtype: undefined, shape: undefined },
        ...(producer ? { producer: producer.id } : {}),
        ...(tensor ? { tensor } : {}),
        ...(outer ? { outer: { graph: enclosing!.id, value: outer.id } } : {}),
      };
    });
    const { role = id === 0 ? "main" : "subgraph", parent, domain } = sketch;
    const own = { ...(parent === undefined ? {} : { parent }), ...(domain === undefined ? {} : { domain }) };
    graphs.push({ id, name: sketch.name ?? "", role, nodes, values, inputs, outputs, ...own });
  }
  return { name, dialect: "onnx", formatVersion: "IR 8", opsets: { "": 17 }, graphs, files: [], metadata: {}, problems: [] };
}
