/** What watches and computes nothing is left out, and said so. */
import { describe, expect, it } from "vitest";
import { MemorySink, memorySource, memorySources } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { constant, type GraphSpec, graphDef, placeholder } from "../../build/tensorflow.ts";

async function told(spec: GraphSpec) {
  const { model, files } = await readTensorflow(memorySource("graph.pb", graphDef(spec)), memorySources());
  const { ok, problems } = await convert(model, files, new MemorySink(), { outputs: ["y"] });
  return { ok, told: problems.map(({ severity, node, op, reason }) => ({ severity, node, op, reason })) };
}

const watched: GraphSpec["nodes"] = [
  placeholder("x", "float32", [5]),
  constant("limit", tensorOf("float32", [], [3])),
  { name: "max", op: "Max", inputs: ["x", "axes"] },
  constant("axes", tensorOf("int32", [1], [0])),
  { name: "fits", op: "Less", inputs: ["max", "limit"] },
  { name: "first", op: "Assert", inputs: ["fits", "max"] },
  { name: "second", op: "Assert", inputs: ["fits", "max"] },
  { name: "elsewhere", op: "Assert", inputs: ["fits", "max"] },
  { name: "group", op: "NoOp", inputs: ["^first", "^second"] },
  { name: "finite", op: "CheckNumerics", inputs: ["x", "^group"] },
];

describe("watching nodes", () => {
  it("on the way to an output are told once an operator, others are not", async () => {
    const { ok, told: found } = await told({ nodes: [...watched, { name: "y", op: "Neg", inputs: ["finite"] }] });
    expect(ok).toBe(true);
    expect(found).toEqual([
      {
        severity: "info",
        node: "first",
        op: "Assert",
        reason: "left out, an input that it would refuse is computed with (and at 1 more nodes)",
      },
      { severity: "info", node: "finite", op: "CheckNumerics", reason: "left out, infinities and NaN go through" },
    ]);
  });

  it("are told of called functions, and of no others", async () => {
    const printing = (name: string) => ({
      name,
      inputs: [["a", "float32"]] as const,
      outputs: [["b", "float32", "twice:z:0"]] as const,
      nodes: [
        { name: "twice", op: "Add", inputs: ["a", "a"] },
        constant("text", { dtype: "string", shape: [], data: ["hello"] }),
        { name: `print_${name}`, op: "PrintV2", inputs: ["text:output:0"] },
      ],
    });
    const { told: found } = await told({
      nodes: [
        placeholder("x", "float32", [5]),
        { name: "y", op: "PartitionedCall", inputs: ["x"], attrs: { f: { func: "called" }, Tout: { types: ["float32"] } } },
      ],
      functions: [printing("called"), printing("idle")],
    });
    expect(found).toEqual([{ severity: "info", node: "print_called", op: "PrintV2", reason: "left out, nothing is printed" }]);
  });
});
