import { expect, it } from "vitest";
import { MemorySink } from "../src/base/memory.ts";
import { convert } from "../src/convert.ts";
import { node, onnxModel, openOnnx, tensor, value } from "./build/onnx.ts";
import { random } from "./build/random.ts";

it("a constant that is joined with itself again and again ends with a problem that names it, soon", async () => {
  const doubled = Array.from({ length: 60 }, (_, i) => node("Concat", [`k${i}`, `k${i}`], [`k${i + 1}`], { axis: 0 }));
  const bytes = onnxModel({
    graph: {
      inputs: [value("x", "float32", ["b", 7])],
      outputs: [value("y", "float32")],
      initializers: [tensor("k0", "float32", [7], random(7))],
      nodes: [...doubled, node("ReduceSum", ["k60"], ["sum"], { keepdims: 0 }), node("Add", ["x", "sum"], ["y"])],
    },
  });
  const { model, files } = await openOnnx(bytes);
  const converting = convert(model, files, new MemorySink());
  await expect(converting).rejects.toMatchObject({ problem: { code: "too-large", tensor: expect.stringMatching(/^k\d/) } });
});
