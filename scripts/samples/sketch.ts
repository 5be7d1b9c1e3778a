/** A graph written op by op: each call adds a node named like an exporter would name it, and gives its output. */
import type { DType } from "../../src/base/dtype.ts";
import {
  type AttrValue,
  type GraphSpec,
  type NodeSpec,
  node,
  onnxModel,
  type TensorSpec,
  tensor,
  type ValueSpec,
} from "../../test/build/onnx.ts";
import { noise } from "../../test/build/random.ts";

export class Sketch {
  private readonly nodes: NodeSpec[] = [];
  private readonly initializers: TensorSpec[] = [];
  private seed = 1;

  constructor(private readonly name: string) {}

  /** `path` is the node's name, `backbone.conv1`; the value made is `backbone.conv1/Conv_out`. */
  op(
    op: string,
    inputs: readonly string[],
    path: string,
    attrs: Readonly<Record<string, AttrValue>> = {},
    domain?: string,
  ): string {
    return this.ops(op, inputs, path, 1, attrs, domain)[0]!;
  }

  /** A node of several outputs. */
  ops(
    op: string,
    inputs: readonly string[],
    path: string,
    outputs: number,
    attrs: Readonly<Record<string, AttrValue>> = {},
    domain?: string,
  ): string[] {
    const names = Array.from({ length: outputs }, (_, port) => `${path}/${op}_out${port ? port : ""}`);
    this.nodes.push(node(op, inputs, names, attrs, path, domain === undefined ? {} : { domain }));
    return names;
  }

  /** Weights as training leaves them at the start: spread by the number of inputs that meet in one output. */
  weight(name: string, shape: readonly number[], fanIn: number): string {
    const spread = Math.sqrt(3 / fanIn);
    return this.floats(name, shape, (x) => x * spread);
  }

  /** float32 values made from even noise in [-1, 1). */
  floats(name: string, shape: readonly number[], make: (x: number) => number): string {
    const count = shape.reduce((product, dim) => product * dim, 1);
    return this.constant(name, "float32", shape, noise(count, this.seed++).map(make));
  }

  constant(name: string, dtype: DType, shape: readonly number[], values: readonly (number | bigint)[]): string {
    this.initializers.push(tensor(name, dtype, shape, values));
    return name;
  }

  /** An int64 vector, as shapes and axes are written. */
  ints(name: string, values: readonly number[]): string {
    return this.constant(name, "int64", [values.length], values);
  }

  /** The bytes of the model. `rename` gives outputs the names that users see. */
  model(
    inputs: readonly ValueSpec[],
    outputs: readonly { readonly from: string; readonly value: ValueSpec }[],
    opsets: Readonly<Record<string, number>> = { "": 17 },
  ): Uint8Array {
    const names = new Map(outputs.map(({ from, value }) => [from, value.name]));
    const renamed = (list: readonly string[]) => list.map((name) => names.get(name) ?? name);
    const graph: GraphSpec = {
      name: this.name,
      inputs,
      outputs: outputs.map((output) => output.value),
      initializers: this.initializers,
      nodes: this.nodes.map((n) => ({ ...n, inputs: renamed(n.inputs), outputs: renamed(n.outputs) })),
    };
    return onnxModel({ graph, ir: 8, opsets, producer: ["modelwright-samples", "1"] });
  }
}
