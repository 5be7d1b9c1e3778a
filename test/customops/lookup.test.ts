/** What speaks against TF.js's own tables (docs/adr/0009-tables.md), held to the installed TF.js: a release that mends it fails here. */
import "@tensorflow/tfjs-backend-cpu";
import { type GraphModel, loadGraphModel, registerOp } from "@tensorflow/tfjs-converter";
import * as core from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { customOps } from "../../src/customops/table.ts";
import { readTfjsFiles } from "../../src/runtime/tfjs-files.ts";
import { type NodeDef, op, spec, text, tfjsModel, type } from "../build/tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const kinds = { Tin: type("int32"), Tout: type("float32") };
const resource = { type: "DT_RESOURCE" };

/** y is found for x among 7, 3 and 11, else -9; as TF.js's own converter writes it. */
async function withTable(nodes: readonly NodeDef[], library?: object): Promise<GraphModel> {
  const int = { key_dtype: type("int32"), value_dtype: type("float32") };
  const files = tfjsModel({
    inputs: {
      x: spec("x:0", "int32", [-1, 3]),
      table: { name: "captured:0", dtype: "DT_RESOURCE", tensorShape: {}, resourceId: 5 } as never,
    },
    outputs: { y: spec("y:0", "float32", [-1, 3]) },
    nodes,
    weights: [
      { name: "missing", shape: [], dtype: "float32", data: Float32Array.of(-9) },
      { name: "keys", shape: [3], dtype: "int32", data: Int32Array.of(7, 3, 11) },
      { name: "values", shape: [3], dtype: "float32", data: Float32Array.of(1.5, -2, 0.25) },
    ],
    ...(library && { library }),
  });
  const { artifacts } = await readTfjsFiles(files);
  const constant = (name: string, dtype: "int32" | "float32") => op("Const", name, [], { dtype: type(dtype) });
  const node = [
    op("HashTableV2", "table", [], { ...int, shared_name: text("t") }),
    ...[constant("keys", "int32"), constant("values", "float32")],
    op("LookupTableImportV2", "fill", ["table", "keys", "values"], kinds),
  ];
  const outputs = {
    table: { name: "table:0", dtype: "DT_RESOURCE", resourceId: 5 },
    fill: { name: "fill:0", dtype: "DT_RESOURCE" },
  };
  const initializer = { modelInitializer: { node, versions: { producer: 1 } }, initializerSignature: { outputs } };
  return loadGraphModel({ load: async () => ({ ...artifacts, ...initializer }) as never });
}

const find = (input: readonly string[], name = "y") => op("LookupTableFindV2", name, input, kinds);
const x = () => core.tensor2d([11, 4, 7, 3, 3, 0], [2, 3], "int32");

describe("tables of TF.js", () => {
  it("are not read by execute", async () => {
    const model = await withTable([find(["captured", "x", "missing"])]);
    expect(() => model.execute({ x: x() }, "y")).toThrow("dynamic op");
  });

  it("find right values, and lose the shape", async () => {
    const model = await withTable([find(["captured", "x", "missing"])]);
    const y = (await model.executeAsync({ x: x() }, "y")) as core.Tensor;
    expect(y.shape).toEqual([6]);
    expect(Array.from(y.dataSync())).toEqual([0.25, -9, 1.5, -2, -2, -9]);
  });

  it("find nothing for an empty batch", async () => {
    const model = await withTable([find(["captured", "x", "missing"])]);
    await expect(model.executeAsync({ x: core.tensor2d([], [0, 3], "int32") }, "y")).rejects.toThrow("at least one tensor");
  });

  it("are not known to functions", async () => {
    const arg = (name: string, kind: object) => ({ name, ...kind });
    const body = {
      signature: {
        name: "body",
        inputArg: [arg("handle", resource), arg("given", type("int32")), arg("fallback", type("float32"))],
        outputArg: [arg("out", type("float32"))],
      },
      nodeDef: [find(["handle", "given", "fallback"], "found")],
      ret: { out: "found:values:0" },
    };
    const func = { func: { name: "body" } };
    const types = { Tin: { list: { type: ["DT_RESOURCE", "DT_INT32", "DT_FLOAT"] } }, Tout: { list: { type: ["DT_FLOAT"] } } };
    const model = await withTable(
      [
        op("GreaterEqual", "holds", ["missing", "missing"]),
        op("StatelessIf", "y", ["holds", "captured", "x", "missing"], {
          Tcond: type("bool"),
          ...types,
          then_branch: func,
          else_branch: func,
        }),
      ],
      { function: [body] },
    );
    await expect(model.executeAsync({ x: x() }, "y")).rejects.toThrow("getHashTableById");
  });
});

it("a table of ours is made once a model, and again for another", async () => {
  registerOp("LookUp", (node) => customOps.get("LookUp")!.run(core, node.inputs, node.attrs as never));
  const load = async (third: number) => {
    const constant = (name: string, dtype: "int32" | "float32") => op("Const", name, [], { dtype: type(dtype) });
    const files = tfjsModel({
      inputs: { x: spec("x:0", "int32", [-1, 3]) },
      outputs: { y: spec("y:0", "float32", [-1, 3]) },
      nodes: [
        ...[constant("keys", "int32"), constant("values", "float32"), constant("missing", "float32")],
        op("LookUp", "y", ["x", "keys", "values", "missing"], {}),
      ],
      weights: [
        { name: "missing", shape: [], dtype: "float32", data: Float32Array.of(-9) },
        { name: "keys", shape: [3], dtype: "int32", data: Int32Array.of(7, 3, 11) },
        { name: "values", shape: [3], dtype: "float32", data: Float32Array.of(1.5, -2, third) },
      ],
    });
    const { artifacts } = await readTfjsFiles(files);
    return loadGraphModel({ load: async () => artifacts as never });
  };
  const [model, other] = [await load(0.25), await load(0.75)];
  const reads = vi.spyOn(core.Tensor.prototype, "dataSync");
  const run = (by: GraphModel) => {
    reads.mockClear();
    const y = by.execute({ x: x() }, "y") as core.Tensor;
    const made = reads.mock.contexts.some((tensor) => (tensor as core.Tensor).shape.length === 1);
    return { made, y: Array.from(y.dataSync()) };
  };
  expect(run(model)).toEqual({ made: true, y: [0.25, -9, 1.5, -2, -2, -9] });
  expect(run(model)).toEqual({ made: false, y: [0.25, -9, 1.5, -2, -2, -9] });
  expect(run(other)).toEqual({ made: true, y: [0.75, -9, 1.5, -2, -2, -9] });
  expect(run(model).made).toBe(false);
  reads.mockRestore();
});
