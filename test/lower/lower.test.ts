import { describe, expect, it } from "vitest";
import { readConstants } from "../../src/lower/constants.ts";
import { hubShape } from "../../src/lower/declared.ts";
import { type LowerOptions, lower } from "../../src/lower/lower.ts";
import { onnxRules } from "../../src/lower/onnx/rules.ts";
import "../../src/tf/all.ts";
import { type GraphSpec, node, onnxModel, openOnnx, tensor, value } from "../build/onnx.ts";
import { random } from "../build/random.ts";

async function run(graph: GraphSpec, options: LowerOptions = {}) {
  const { model, files } = await openOnnx(onnxModel({ graph }));
  return lower(model, files, await readConstants(model, files), onnxRules, options);
}

const x = value("x", "float32", ["batch", 3]);
const w = tensor("w", "float32", [3, 5], random(15));

describe("lower", () => {
  it("goes on past a failure, and tells what could not be checked from what failed", async () => {
    const { problems, verdicts } = await run({
      inputs: [x],
      outputs: [value("y", "float32", ["batch", 5]), value("z", "float32", ["batch", 3])],
      initializers: [w],
      nodes: [
        node("FancyNorm", ["x"], ["a"], {}, "norm"),
        node("MatMul", ["a", "w"], ["y"], {}, "fc"),
        node("Relu", ["x"], ["r"], {}, "act"),
        node("OtherNorm", ["r"], ["z"], {}, "norm2"),
      ],
    });
    expect(problems.map(({ code, graph, node: name, op, severity }) => ({ code, graph, name, op, severity }))).toEqual([
      { code: "unsupported-op", graph: expect.any(String), name: "norm", op: "FancyNorm", severity: "error" },
      { code: "unsupported-op", graph: expect.any(String), name: "norm2", op: "OtherNorm", severity: "error" },
    ]);
    const byName = Object.fromEntries([...verdicts].map(([key, verdict]) => [key.split("/").pop(), verdict]));
    expect(byName).toEqual({ norm: "failed", fc: "not-checked", act: "lowered", norm2: "failed" });
  });

  it("takes a value that is listed twice as one output", async () => {
    const graph = { inputs: [x], outputs: [value("y", "float32", ["batch", 3])], nodes: [node("Relu", ["x"], ["y"])] };
    const { graph: lowered } = await run(graph, { outputs: ["y", "x", "y"] });
    expect(lowered.outputs.map(({ name }) => name)).toEqual(["y", "x"]);
  });

  it("names node, op and reason of a broken attribute", async () => {
    const { problems } = await run({
      inputs: [x],
      outputs: [value("y", "float32", [3, "batch"])],
      nodes: [node("Transpose", ["x"], ["y"], { perm: "10" }, "turn")],
    });
    expect(problems).toMatchObject([
      { code: "bad-attribute", node: "turn", op: "Transpose", reason: "attribute perm is of type string, not ints" },
    ]);
  });

  it("tells a cycle and goes on", async () => {
    const { problems } = await run({
      inputs: [x],
      outputs: [value("y", "float32", ["batch", 3]), value("z", "float32", ["batch", 3])],
      nodes: [
        node("Add", ["x", "b"], ["a"], {}, "first"),
        node("Relu", ["a"], ["b"], {}, "second"),
        node("Neg", ["b"], ["y"], {}, "third"),
        node("Abs", ["x"], ["z"], {}, "other"),
      ],
    });
    expect(problems.map(({ code }) => code)).toContain("cycle");
  });

  it("tells a dangling input and a dangling output", async () => {
    const { problems } = await run({
      inputs: [x],
      outputs: [value("y", "float32", ["batch", 3]), value("nowhere", "float32", [1])],
      nodes: [node("Add", ["x", "missing"], ["y"], {}, "sum")],
    });
    expect(problems).toMatchObject([
      { code: "dangling-input", node: "sum", reason: "nothing computes input 1: missing" },
      { code: "dangling-output", tensor: "nowhere" },
    ]);
  });

  it("lowers nodes in any file order, and only what the outputs need", async () => {
    const { problems, graph, verdicts } = await run({
      inputs: [x],
      outputs: [value("y", "float32", ["batch", 5])],
      initializers: [w],
      nodes: [
        node("Relu", ["h"], ["y"], {}, "late"),
        node("MatMul", ["x", "w"], ["h"], {}, "early"),
        node("FancyNorm", ["h"], ["unused"], {}, "dead"),
      ],
    });
    expect(problems).toEqual([]);
    expect(graph.outputs[0]!.value.node.op).toBe("Relu");
    expect([...verdicts.keys()].some((key) => key.endsWith("/dead"))).toBe(false);
  });

  it("cuts at --outputs and takes shapes from --input", async () => {
    const spec: GraphSpec = {
      inputs: [x],
      outputs: [value("y", "float32", ["batch", 5])],
      initializers: [w],
      nodes: [node("Relu", ["x"], ["r"], {}, "act"), node("MatMul", ["r", "w"], ["y"], {}, "fc")],
    };
    const { graph } = await run(spec, { outputs: ["r"], inputShapes: new Map([["x", [7, 3]]]) });
    expect(graph.outputs.map(({ name, value: out }) => [name, out.shape])).toEqual([["r", [7, 3]]]);
    await expect(run(spec, { outputs: ["nothing"] })).rejects.toThrow("no value of this name to cut at: nothing");
  });
});

describe("hubShape", () => {
  it("keeps symbols, and takes an exporter's word for not knowing as that", () => {
    expect(hubShape(["batch", 3, "None", "?", null, "seq", "-1", ""])).toEqual([
      "batch",
      3,
      undefined,
      undefined,
      undefined,
      "seq",
      undefined,
      undefined,
    ]);
    expect(hubShape(undefined)).toBeUndefined();
  });
});
