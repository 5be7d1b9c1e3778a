/** `--for mlnet`: each rule of ML.NET's ApplyOnnxModel, over networks built in code. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import { MemorySink, memorySource, memorySources } from "../../src/base/memory.ts";
import { convertToOnnx } from "../../src/convert-onnx.ts";
import { csharpName } from "../../src/csharp.ts";
import { readOnnx } from "../../src/formats/onnx/read.ts";
import { onnxName } from "../../src/formats/onnx/write.ts";
import { noOrigin } from "../../src/graph/graph.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from "../../src/graph/onnx-graph.ts";
import type { SourceModel } from "../../src/graph/source.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { compare } from "../../src/parity/compare.ts";
import { toleranceFor } from "../../src/parity/tolerance.ts";
import { forMlnet } from "../../src/raise/mlnet.ts";
import { OrtProcess } from "../../src/runtime/ort.ts";
import { convNeXt, efficientNet, mobileNetV2, resNet50 } from "../build/architectures/cnn.ts";
import { deepLab, uNet } from "../build/architectures/dense.ts";
import { feedsOf } from "../build/architectures/feeds.ts";
import { audioNet, lstmTagger } from "../build/architectures/recurrent.ts";
import { bert, vit } from "../build/architectures/transformers.ts";
import { openOnnx } from "../build/onnx.ts";

const ten = [mobileNetV2, resNet50, efficientNet, convNeXt, uNet, deepLab, audioNet, lstmTagger, bert, vit];

let folder: string;
let ort: OrtProcess;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-"));
  ort = await OrtProcess.start();
});
afterAll(async () => {
  await ort.close();
  await rm(folder, { recursive: true });
});

describe.each(ten.map((make) => [make().name, make] as const))("%s", (_, make) => {
  const made = make();
  const sizes = made.sizes[0]!;
  const sink = new MemorySink();
  let written: SourceModel;
  beforeAll(async () => {
    const { model, files } = await openOnnx(made.bytes);
    // All sizes are given but the batch: what ML.NET cannot find out itself.
    const inputShapes = new Map(
      made.inputs.map(({ name, shape }) => [
        name,
        shape.map((dim, axis) => (axis > 0 && typeof dim === "string" ? sizes[dim]! : (dim ?? undefined))),
      ]),
    );
    const { problems } = await convertToOnnx(model, files, sink, { for: "mlnet", inputShapes });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    written = (await readOnnx(memorySource(onnxName, sink.files[onnxName]!), memorySources())).model;
  });
  const columns = () => {
    const { values, inputs, outputs } = written.graphs[0]!;
    return [...inputs, ...outputs].map((id) => values[id]!);
  };

  it("is of an opset from 13 to 17", () => {
    const opset = written.opsets[""]!;
    expect(opset >= 13 && opset <= 17).toBe(true);
  });

  it("is of IR version 10 or older", () => {
    expect(Number(/IR (\d+)/.exec(written.formatVersion)![1])).toBeLessThanOrEqual(10);
  });

  it("has columns of ML.NET's types only", () => {
    for (const { type } of columns()) expect(["float32", "float64", "int32", "int64", "bool", "string"]).toContain(type.dtype);
  });

  it("has one unknown dim beside the first at most", () => {
    for (const { type } of columns()) {
      const open = type.shape!.slice(1).filter((dim) => typeof dim !== "number");
      expect(open.length).toBeLessThanOrEqual(1);
    }
  });

  it("has operators of domains that onnxruntime 1.23 has", () => {
    expect(Object.keys(written.opsets).every((domain) => ["", "ai.onnx.ml", "com.microsoft"].includes(domain))).toBe(true);
  });

  it("computes what the source computes", async () => {
    const feeds = feedsOf(made, { ...sizes });
    const [expected, actual] = [await run(made.bytes, feeds), await run(sink.files[onnxName]!, feeds)];
    expect([...actual.keys()]).toEqual([...expected.keys()]);
    for (const [name, tensor] of expected) {
      const { verdict, firstBad, note } = compare(tensor, actual.get(name)!, { tolerance: toleranceFor("float32") });
      expect({ name, verdict, firstBad, note }).toMatchObject({ verdict: expect.stringMatching(/equal|within/) });
    }
  });

  it("comes with C# that names its columns", () => {
    const text = new TextDecoder().decode(sink.files[csharpName]);
    for (const { name } of columns()) expect(text).toContain(`[ColumnName("${name}"), VectorType`);
  });
});

async function run(bytes: Uint8Array, feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
  const file = path.join(folder, "model.onnx");
  await writeFile(file, bytes);
  const model = await ort.load(file);
  const found = await ort.run(
    model,
    feeds,
    model.outputs.map(({ name }) => name),
  );
  await ort.unload(model);
  return found;
}

const value = (name: string, dtype: DType, shape: OnnxValue["shape"]): OnnxValue => ({ name, dtype, shape });
const modelOf = (graph: Partial<OnnxGraph>, opset = 17): OnnxModel => ({
  graph: { name: "main", inputs: [], outputs: [], nodes: [], initializers: [], valueInfo: [], ...graph },
  opsets: new Map([["", opset]]),
});
const codes = (model: OnnxModel) => forMlnet(model).problems.map(({ code, tensor }) => [code, tensor]);

describe("forMlnet", () => {
  it("refuses opsets that ML.NET does not take", () => {
    expect(codes(modelOf({}, 18))).toEqual([["mlnet-opset", undefined]]);
    expect(codes(modelOf({}, 13))).toEqual([]);
  });

  it("refuses columns of other types, and lists", () => {
    const inputs = [
      value("a", "complex64", [3]),
      value("b", "int4", [3]),
      { ...value("c", "float32", [3]), sequence: true as const },
    ];
    expect(codes(modelOf({ inputs }))).toEqual([
      ["mlnet-type", "a"],
      ["mlnet-type", "b"],
      ["mlnet-type", "c"],
    ]);
  });

  it("counts unknown dims but the first", () => {
    const outputs = [
      value("a", "float32", ["n", 3, undefined]),
      value("b", "float32", ["n", "h", "w"]),
      value("c", "float32", undefined),
    ];
    expect(codes(modelOf({ outputs }))).toEqual([
      ["mlnet-shape", "b"],
      ["mlnet-shape", "c"],
    ]);
  });

  it("casts halves at the border, also where graphs within read them", () => {
    const node = (op: string, inputs: string[], outputs: string[], attrs: OnnxNode["attrs"] = {}): OnnxNode => ({
      ...{ name: outputs[0]!, op, domain: "", inputs, outputs, attrs, origin: noOrigin },
    });
    const branch = (op: string, name: string): OnnxGraph => ({
      ...modelOf({}).graph,
      outputs: [value(name, "float16", [5])],
      nodes: [node(op, ["x", "h"], [name])],
    });
    const { model, problems } = forMlnet(
      modelOf({
        inputs: [value("x", "float16", [5]), value("p", "bool", [])],
        outputs: [value("h", "float16", [5]), value("y", "float16", [5])],
        nodes: [
          node("Neg", ["x"], ["h"]),
          node("If", ["p"], ["y"], {
            then_branch: { kind: "graph", value: branch("Add", "a") },
            else_branch: { kind: "graph", value: branch("Mul", "b") },
          }),
        ],
      }),
    );
    expect(problems).toEqual([]);
    const { inputs, outputs, nodes } = model.graph;
    expect([...inputs, ...outputs].map(({ name, dtype }) => [name, dtype])).toEqual([
      ["x", "float32"],
      ["p", "bool"],
      ["h", "float32"],
      ["y", "float32"],
    ]);
    expect(nodes.map((each) => [each.op, each.inputs.join(), each.outputs.join()])).toEqual([
      ["Cast", "x", "x/float16"],
      ["Neg", "x/float16", "h/float16"],
      ["If", "p", "y/float16"],
      ["Cast", "h/float16", "h"],
      ["Cast", "y/float16", "y"],
    ]);
    const within = nodes[2]!.attrs["then_branch"] as { readonly value: OnnxGraph };
    expect(within.value.nodes[0]!.inputs).toEqual(["x/float16", "h/float16"]);
  });
});
