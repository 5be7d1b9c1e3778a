/** Models made in code for the page: shapes and names are real in kind, no file is read. */
import type { SourceAttr, SourceModel, SourceNode, SourceValue, ValueId } from "../../../src/graph/source.ts";

type Dims = readonly (number | string)[];

/** Writes one graph, node by node; every value has a declared type. */
export class Draft {
  readonly nodes: SourceNode[] = [];
  readonly values: SourceValue[] = [];
  readonly inputs: ValueId[] = [];
  readonly outputs: ValueId[] = [];

  value(name: string, shape: Dims, extra: Partial<SourceValue> = {}): ValueId {
    const id = this.values.length;
    this.values.push({ id, name, type: { dtype: "float32", shape }, ...extra });
    return id;
  }

  input(name: string, shape: Dims): ValueId {
    const id = this.value(name, shape);
    this.inputs.push(id);
    return id;
  }

  weight(name: string, shape: readonly number[]): ValueId {
    const length = 4 * shape.reduce((a, b) => a * b, 1);
    const slices = [{ file: 0, offset: 1000 + this.values.length, length }];
    return this.value(name, shape, { tensor: { dtype: "float32", shape, slices, encoding: "raw" } });
  }

  node(
    op: string,
    name: string,
    inputs: readonly (ValueId | undefined)[],
    shape: Dims,
    attrs: SourceNode["attrs"] = {},
    domain = "",
    captures: readonly ValueId[] = [],
  ): ValueId {
    const id = this.nodes.length;
    const output = this.value(`${name}:0`, shape, { producer: id });
    this.nodes.push({ id, name, op, domain, inputs, outputs: [output], attrs, captures });
    return output;
  }

  model(name: string, opsets: Readonly<Record<string, number>>, producer: string, more: Partial<SourceModel> = {}): SourceModel {
    const { nodes, values, inputs, outputs } = this;
    const graph = { id: 0, name, role: "main" as const, nodes, values, inputs, outputs };
    return {
      name,
      dialect: "onnx",
      formatVersion: "IR 8",
      producer,
      opsets,
      graphs: [graph],
      files: ["model.onnx"],
      metadata: {},
      problems: [],
      ...more,
    };
  }
}

export const ints = (...value: number[]): SourceAttr => ({ kind: "ints", value });
export const int = (value: number): SourceAttr => ({ kind: "int", value });

/** 66 nodes: eight fire modules between pools, as in SqueezeNet 1.1. */
export function squeezenet(): SourceModel {
  const d = new Draft();
  let convs = 0;
  const conv = (
    x: ValueId,
    from: number,
    filters: number,
    kernel: number,
    stride: number,
    pad: number,
    size: number,
  ): ValueId => {
    const name = `squeezenet0_conv${convs++}`;
    const inputs = [x, d.weight(`${name}_weight`, [filters, from, kernel, kernel]), d.weight(`${name}_bias`, [filters])];
    const attrs = {
      kernel_shape: ints(kernel, kernel),
      strides: ints(stride, stride),
      pads: ints(pad, pad, pad, pad),
      dilations: ints(1, 1),
      group: int(1),
    };
    const y = d.node("Conv", `${name}_fwd`, inputs, [1, filters, size, size], attrs);
    return d.node("Relu", `squeezenet0_relu${convs - 1}_fwd`, [y], [1, filters, size, size]);
  };
  let pools = 0;
  const pool = (x: ValueId, filters: number, size: number): ValueId =>
    d.node("MaxPool", `squeezenet0_pool${pools++}_fwd`, [x], [1, filters, size, size], {
      kernel_shape: ints(3, 3),
      strides: ints(2, 2),
      pads: ints(0, 0, 0, 0),
    });
  let fires = 0;
  const fire = (x: ValueId, from: number, squeeze: number, expand: number, size: number): ValueId => {
    const s = conv(x, from, squeeze, 1, 1, 0, size);
    const a = conv(s, squeeze, expand, 1, 1, 0, size);
    const b = conv(s, squeeze, expand, 3, 1, 1, size);
    return d.node("Concat", `squeezenet0_concat${fires++}`, [a, b], [1, 2 * expand, size, size], { axis: int(1) });
  };
  let x = pool(conv(d.input("data", [1, 3, 224, 224]), 3, 64, 3, 2, 0, 111), 64, 55);
  x = pool(fire(fire(x, 64, 16, 64, 55), 128, 16, 64, 55), 128, 27);
  x = pool(fire(fire(x, 128, 32, 128, 27), 256, 32, 128, 27), 256, 13);
  x = fire(fire(fire(fire(x, 256, 48, 192, 13), 384, 48, 192, 13), 384, 64, 256, 13), 512, 64, 256, 13);
  x = d.node("Dropout", "squeezenet0_dropout0_fwd", [x], [1, 512, 13, 13], { ratio: { kind: "float", value: 0.5 } });
  x = conv(x, 512, 1000, 1, 1, 0, 13);
  x = d.node("GlobalAveragePool", "squeezenet0_pool3_fwd", [x], [1, 1000, 1, 1]);
  d.outputs.push(d.node("Reshape", "squeezenet0_flatten0_reshape0", [x], [1, 1000]));
  return d.model("squeezenet1.1", { "": 9 }, "mxnet 1.3");
}

/** An encoder of `blocks` blocks with an operator nobody knows in one, and an If with two branches at its end. */
export function encoder(blocks: number, oddBlock = blocks - 3): SourceModel {
  const d = new Draft();
  const hidden: Dims = ["batch", 128, 768];
  const tokens = d.input("tokens", ["batch", 128]);
  const mask = d.input("mask", ["batch", 1, 1, 128]);
  let x = d.node("Gather", "embeddings/word", [d.weight("embeddings.word", [30522, 768]), tokens], hidden, { axis: int(0) });
  x = d.node("Add", "embeddings/add", [x, d.weight("embeddings.position", [1, 128, 768])], hidden);
  const project = (input: ValueId, name: string, from: number, to: number): ValueId => {
    const y = d.node("MatMul", name, [input, d.weight(`${name}.weight`, [from, to])], ["batch", 128, to]);
    return d.node("Add", `${name}/bias`, [y, d.weight(`${name}.bias`, [to])], ["batch", 128, to]);
  };
  const norm = (input: ValueId, name: string): ValueId =>
    d.node("LayerNormalization", name, [input, d.weight(`${name}.weight`, [768]), d.weight(`${name}.bias`, [768])], hidden, {
      axis: int(-1),
      epsilon: { kind: "float", value: Math.fround(1e-5) },
    });
  const heads = (input: ValueId, name: string): ValueId => {
    const split = d.node("Reshape", `${name}/split`, [input, d.weight(`${name}.shape`, [4])], ["batch", 128, 12, 64]);
    return d.node("Transpose", `${name}/heads`, [split], ["batch", 12, 128, 64], { perm: ints(0, 2, 1, 3) });
  };
  for (let i = 0; i < blocks; i++) {
    const b = `block.${i}`;
    const q = heads(project(x, `${b}/attn/query`, 768, 768), `${b}/attn/query`);
    const k = heads(project(x, `${b}/attn/key`, 768, 768), `${b}/attn/key`);
    const v = heads(project(x, `${b}/attn/value`, 768, 768), `${b}/attn/value`);
    let scores = d.node("Einsum", `${b}/attn/einsum`, [q, k], ["batch", 12, 128, 128], {
      equation: { kind: "string", value: "bhqd,bhkd->bhqk" },
    });
    scores = d.node("Add", `${b}/attn/mask`, [scores, mask], ["batch", 12, 128, 128]);
    scores = d.node("Softmax", `${b}/attn/softmax`, [scores], ["batch", 12, 128, 128], { axis: int(-1) });
    const context = d.node("MatMul", `${b}/attn/context`, [scores, v], ["batch", 12, 128, 64]);
    const merged = d.node("Transpose", `${b}/attn/merge`, [context], ["batch", 128, 12, 64], { perm: ints(0, 2, 1, 3) });
    const flat = d.node("Reshape", `${b}/attn/flat`, [merged, d.weight(`${b}.shape`, [3])], hidden);
    const sum = d.node("Add", `${b}/add`, [x, project(flat, `${b}/attn/out`, 768, 768)], hidden);
    x =
      i === oddBlock
        ? d.node("FancyNorm", `${b}/norm/fancy`, [sum, d.weight("norm.weight", [768])], hidden, { groups: int(8) }, "ai.acme")
        : norm(sum, `${b}/norm`);
    const up = d.node("Gelu", `${b}/mlp/gelu`, [project(x, `${b}/mlp/up`, 768, 3072)], ["batch", 128, 3072]);
    x = norm(d.node("Add", `${b}/mlp/add`, [x, project(up, `${b}/mlp/down`, 3072, 768)], hidden), `${b}/mlp/norm`);
  }
  const condition = d.node("ReduceSum", "head/cond", [mask], [], {});
  const branches: SourceNode["attrs"] = { then_branch: { kind: "graph", value: 1 }, else_branch: { kind: "graph", value: 2 } };
  d.outputs.push(d.node("If", "head/if", [condition], hidden, branches, "", [x]));
  const branch = (id: number, name: string, ops: readonly string[]) => {
    const inner = new Draft();
    let y = inner.value("hidden", hidden, { outer: { graph: 0, value: x } });
    for (const op of ops) y = inner.node(op, `${name}/${op.toLowerCase()}`, [y], hidden);
    const { nodes, values } = inner;
    return { id, name, role: "subgraph" as const, parent: 0, nodes, values, inputs: [], outputs: [y] };
  };
  const model = d.model("acme-encoder", { "": 17, "ai.acme": 1 }, "pytorch 2.4");
  return { ...model, graphs: [...model.graphs, branch(1, "then", ["Tanh", "Relu"]), branch(2, "else", ["Sigmoid"])] };
}
