import { describe, expect, test } from "vitest";
import { memorySource, memorySources } from "../../src/base/memory.ts";
import { openModel } from "../../src/formats/open.ts";
import type { SourceGraph, SourceModel, SourceNode } from "../../src/graph/source.ts";
import { layoutInput, nodeHeight, pillWidth } from "../../src/protocol/boxes.ts";
import { weightLabel } from "../../src/protocol/categories.ts";
import { graphLinks, graphView } from "../../src/protocol/graph-view.ts";
import { modelView } from "../../src/protocol/model-view.ts";
import { nodeDetails } from "../../src/protocol/node-details.ts";
import { summaryOf } from "../../src/protocol/summary.ts";
import type { GraphView } from "../../src/protocol/views.ts";
import { kerasDense, savedDense } from "../build/dense.ts";
import { encoder, squeezenet } from "../webview/harness/models.ts";

/** Names of all boxes, as they are numbered. */
const boxes = (view: GraphView): string[] => [...view.nodeViews, ...view.inputs, ...view.outputs].map(({ name }) => name);

describe("graphView", () => {
  const view = graphView(squeezenet(), 0);

  test("boxes are nodes in file order, then inputs, then outputs", () => {
    expect(view.nodes).toBe(66);
    expect(view.boxes).toBe(68);
    expect(view.nodeViews.map(({ id }) => id)).toEqual(Array.from({ length: 66 }, (_, i) => i));
    expect(boxes(view).slice(66)).toEqual(["data", "squeezenet0_flatten0_reshape0:0"]);
  });

  test("edges lead from the box that makes a value to each port that reads it; stored tensors are chips instead", () => {
    expect(view.edges[0]).toEqual({ from: 66, fromPort: 0, to: 0, toPort: 0, value: 0 });
    // Each fire's Concat reads two values; everything else one, the output pill included.
    expect(view.edges.length).toBe(66 + 8 + 1);
    expect(view.nodeViews[0]!.chips).toEqual([
      { label: "W", shape: [64, 3, 3, 3] },
      { label: "B", shape: [64] },
    ]);
    expect(view.values.find(({ id }) => id === 0)).toEqual({ id: 0, name: "data", dtype: "float32", shape: [1, 3, 224, 224] });
  });

  test("summaries say what matters", () => {
    const summary = (name: string) => view.nodeViews.find((node) => node.name === name)?.summary;
    expect(summary("squeezenet0_conv0_fwd")).toBe("3×3 s2 · 64");
    expect(summary("squeezenet0_conv3_fwd")).toBe("3×3 p1 · 64");
    expect(summary("squeezenet0_pool0_fwd")).toBe("3×3 s2");
    expect(summary("squeezenet0_concat0")).toBe("axis 1");
    expect(summary("squeezenet0_dropout0_fwd")).toBe("0.5");
    expect(summary("squeezenet0_relu0_fwd")).toBe("");
  });

  test("captured values of a sub-graph are pills at its top; the holder is known", () => {
    const model = encoder(2);
    const inner = graphView(model, 1);
    expect(inner.inputs).toEqual([{ name: "hidden", kind: "capture", value: 0 }]);
    expect(inner.name).toBe("then_branch");
    const holder = model.graphs[0]!.nodes.findIndex((node) => node.op === "If");
    expect(graphLinks(model).slice(1).map((link) => [link.parent, link.holder])).toEqual([[0, holder], [0, holder]]); // biome-ignore format: pairs
    expect(graphView(model, 0).nodeViews[holder]!.subgraphs).toEqual([
      { label: "then_branch", graph: 1 },
      { label: "else_branch", graph: 2 },
    ]);
  });

  test("an input that is a node too leads into it, under the name of the signature", () => {
    const values = [{ id: 0, name: "serving_x", type: { dtype: "float32" as const, shape: [3] }, producer: 0 }];
    const placeholder = {
      id: 0,
      name: "serving_x",
      op: "Placeholder",
      domain: "",
      inputs: [],
      outputs: [0],
      attrs: {},
      captures: [],
    };
    const main = { id: 0, name: "main", role: "main" as const, nodes: [placeholder], values, inputs: [0], outputs: [0] };
    const drawn = graphView({ ...squeezenet(), graphs: [{ ...main, inputNames: ["x"], outputNames: ["y"] }] }, 0);
    expect([...drawn.inputs, ...drawn.outputs].map(({ name }) => name)).toEqual(["x", "y"]);
    expect(drawn.edges.map(({ from, to }) => [from, to]).sort()).toEqual([
      [0, 2],
      [1, 0],
    ]);
  });

  test("odd graphs are drawn as they are: no producer, left-out inputs, a second producer", () => {
    const type = { dtype: "float32" as const, shape: [2, 3] };
    const values = ["x", "y", "nowhere"].map((name, id) => ({ id, name, type }));
    const node = (id: number, inputs: (number | undefined)[], outputs: number[]) => ({
      id,
      name: "",
      op: "Add",
      domain: "",
      inputs,
      outputs,
      attrs: {},
      captures: [],
    });
    const graph = {
      id: 0,
      name: "g",
      role: "main" as const,
      nodes: [node(0, [0, undefined], [1]), node(1, [2, 1], [1])],
      values,
      inputs: [0],
      outputs: [1],
    };
    const odd: SourceModel = {
      name: "m",
      dialect: "onnx",
      formatVersion: "",
      opsets: {},
      graphs: [graph],
      files: [],
      metadata: {},
      problems: [],
    };
    expect(graphView(odd, 0).edges.map(({ from, to, toPort }) => [from, to, toPort])).toEqual([[2, 0, 0], [0, 1, 1], [0, 3, 0]]); // biome-ignore format: pairs
    expect(nodeDetails(odd, 0, 1).inputs[0]).toMatchObject({ name: "nowhere", nodes: [], dangling: true });
    expect(nodeDetails(odd, 0, 0).inputs[1]).toEqual({ label: "B", name: "", nodes: [] });
  });
});

describe("boxes", () => {
  test("heights by what is written in them", () => {
    const view = graphView(squeezenet(), 0);
    const height = (name: string) => nodeHeight(view.nodeViews.find((node) => node.name === name)!);
    expect([height("squeezenet0_conv0_fwd"), height("squeezenet0_pool0_fwd"), height("squeezenet0_relu0_fwd")]).toEqual([
      76, 52, 34,
    ]);
    const named = view.nodeViews[0]!;
    expect([nodeHeight(named), nodeHeight({ ...named, name: "" })]).toEqual([76, 52]);
    expect(layoutInput(view).roots).toEqual([66]);
    expect(pillWidth({ name: "x", kind: "input", value: 0 })).toBe(56);
    expect(pillWidth({ name: "x".repeat(200), kind: "input", value: 0 })).toBe(264);
  });
});

describe("modelView", () => {
  test("squeezenet, as published", () => {
    const view = modelView(squeezenet(), "squeezenet1.1.onnx", 4_950_000);
    expect(view).toMatchObject({
      format: "ONNX",
      nodes: 66,
      parameters: 1_235_496,
      weightBytes: 4_941_984,
      weights: 52,
      bytes: 4_950_000,
    });
    expect(view.opsets).toEqual([{ domain: "ai.onnx", version: 9 }]);
    expect(view.operators.slice(0, 3)).toEqual([
      { op: "Conv", category: "convolution", count: 26 },
      { op: "Relu", category: "activation", count: 26 },
      { op: "Concat", category: "shape", count: 8 },
    ]);
    expect(view.largestWeights.map(({ name, shape }) => [name, shape])).toEqual([
      ["squeezenet0_conv25_weight", [1000, 512, 1, 1]],
      ["squeezenet0_conv21_weight", [256, 64, 3, 3]],
      ["squeezenet0_conv24_weight", [256, 64, 3, 3]],
    ]);
    expect(view.weightTypes).toEqual([{ dtype: "float32", bytes: 4_941_984 }]);
  });

  test("all graphs count", () => {
    const view = modelView(encoder(2), "e.onnx", 1);
    expect(view.nodes).toBe(graphLinks(encoder(2)).reduce((sum, graph) => sum + graph.nodes, 0));
    expect(view.graphs.map(({ role }) => role)).toEqual(["main", "subgraph", "subgraph"]);
  });
});

describe("nodeDetails", () => {
  const model = squeezenet();

  test("attributes, ports with the nodes at their other ends, weights", () => {
    const details = nodeDetails(model, 0, 0);
    expect(details).toMatchObject({ op: "Conv", version: 9, category: "convolution", name: "squeezenet0_conv0_fwd" });
    expect(details.attributes.find(({ name }) => name === "strides")?.text).toBe("2, 2");
    expect(details.inputs).toEqual([
      { label: "X", name: "data", value: 0, nodes: [], dtype: "float32", shape: [1, 3, 224, 224] },
    ]);
    expect(details.outputs[0]).toMatchObject({ label: "Y", nodes: [1], shape: [1, 64, 111, 111] });
    expect(details.weights.map(({ label, parameters, bytes }) => [label, parameters, bytes])).toEqual([["W", 1728, 6912], ["B", 64, 256]]); // biome-ignore format: pairs
  });

  test("codes of element types have names", () => {
    const model = squeezenet();
    const cast = { ...model.graphs[0]!.nodes[1]!, op: "Cast", attrs: { to: { kind: "int" as const, value: 10 } } };
    const nodes = model.graphs[0]!.nodes.map((node) => (node.id === 1 ? cast : node));
    const casting = { ...model, graphs: [{ ...model.graphs[0]!, nodes }] };
    expect(graphView(casting, 0).nodeViews[1]!.summary).toBe("to float16");
    expect(nodeDetails(casting, 0, 1).attributes[0]!.text).toBe("float16 (10)");
  });

  test("a node that is not there is our own fault", () => {
    expect(() => nodeDetails(model, 0, 1000)).toThrow("no node 1000");
    expect(() => nodeDetails(model, 3, 0)).toThrow("no graph 3");
  });
});

describe("models of other formats", () => {
  const open = async (name: string, files: Record<string, Uint8Array>) => {
    const { model } = await openModel(memorySource(name, files[name]!), memorySources(files));
    return model;
  };

  test("a SavedModel shows its variables as weights, its signature's names, and what loads it", async () => {
    const view = modelView(await open("saved_model.pb", savedDense()), "saved_model.pb", 1);
    expect(view).toMatchObject({ parameters: 20, weightBytes: 80, loader: "tf.saved_model.load" });
    expect(view.largestWeights.map(({ name, shape }) => [name, shape])).toEqual([
      ["w", [3, 5]],
      ["b", [5]],
    ]);
    expect([view.inputs, view.outputs].map(([port]) => port?.name)).toEqual(["x", "y"]);
    expect([view.name, view.graphs[0]?.name]).toEqual(["saved_model.pb", ""]);
    expect(view.note).toContain("tf.loadGraphModel takes the model.json");
  });

  test("an operator belongs to its own format, and speaks its words", async () => {
    const model = await open("m.h5", { "m.h5": kerasDense() });
    const { owner, outputs } = nodeDetails(model, 0, 0);
    expect([owner, outputs.map(({ label }) => label)]).toEqual(["keras", ["output"]]);
    expect(nodeDetails(squeezenet(), 0, 0)).toMatchObject({ owner: "ai.onnx", outputs: [{ label: "Y" }] });
  });

  test("windows of other formats are told alike", () => {
    const values = [
      { id: 0, name: "x" },
      { id: 1, name: "w", tensor: { dtype: "float32", shape: [12, 3, 5, 7], slices: [] } },
    ] as unknown as SourceGraph["values"];
    const summary = (op: string, attrs: Readonly<Record<string, number | string | readonly number[]>>, inputs = [0, 1]) => {
      const sourced = Object.entries(attrs).map(([name, given]) => {
        const kind = typeof given === "string" ? "string" : typeof given === "number" ? "int" : "ints";
        return [
          name,
          { kind, value: kind === "int" ? BigInt(given as number) : kind === "ints" ? (given as number[]).map(BigInt) : given },
        ];
      });
      const graph = { values } as unknown as SourceGraph;
      return summaryOf(graph, { op, domain: "", inputs, attrs: Object.fromEntries(sourced) } as unknown as SourceNode);
    };
    const two = { padding: "SAME", stride_h: 2, stride_w: 2, dilation_h_factor: 1, dilation_w_factor: 1 };
    expect(summary("CONV_2D", two)).toBe("3×5 s2 same · 12");
    expect(summary("DEPTHWISE_CONV_2D", { ...two, padding: "VALID", stride_h: 1 })).toBe("3×5 s1×2 · 7");
    expect(summary("AVERAGE_POOL_2D", { padding: "VALID", stride_h: 2, stride_w: 2, filter_height: 3, filter_width: 2 })).toBe(
      "3×2 s2",
    );
    expect(summary("Conv2D", { filters: 16, kernel_size: [3, 5], strides: [1, 1], padding: "same", dilation_rate: [2, 2] })).toBe(
      "3×5 same d2 · 16",
    );
    expect(summary("_FusedConv2D", { strides: [1, 2, 2, 1], padding: "SAME", data_format: "NHWC" })).toBe("s2 same");
    expect(summary("MaxPooling2D", { pool_size: [2, 3], strides: [2, 3], padding: "valid" })).toBe("2×3 s2×3");
  });

  test("weights that are counted have Keras's names, where none can have been left out", () => {
    expect([0, 1].map((index) => weightLabel("Dense", index, 2))).toEqual(["kernel", "bias"]);
    expect(weightLabel("LSTM", 1, 2)).toBe("recurrent_kernel");
    expect(weightLabel("BatchNormalization", 1, 3)).toBeUndefined();
    expect(weightLabel("Odd", 0, 1)).toBeUndefined();
  });

  test("a layer's chips are called as its weights are", async () => {
    const model = await open("m.h5", { "m.h5": kerasDense() });
    expect(graphView(model, 0).nodeViews.map(({ op, category, chips }) => [op, category, chips])).toEqual([
      [
        "Dense",
        "matmul",
        [
          { label: "kernel", shape: [3, 5] },
          { label: "bias", shape: [5] },
        ],
      ],
    ]);
  });
});
