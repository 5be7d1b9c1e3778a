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

it("a small weight is quantised by its name, whatever arithmetic it was folded from; what has no such name is not", async () => {
  const bytes = onnxModel({
    graph: {
      inputs: [value("x", "float32", ["b", 7])],
      outputs: [value("y", "float32")],
      initializers: [
        tensor("w", "float32", [7, 5], random(35)),
        tensor("s", "float32", [5], random(5, 2)),
        tensor("t", "float32", [5], random(5, 3)),
      ],
      nodes: [
        node("Mul", ["w", "s"], ["scaled"]),
        node("MatMul", ["x", "scaled"], ["product"]),
        node("Neg", ["t"], ["turned"]),
        node("Add", ["product", "turned"], ["y"]),
      ],
    },
  });
  const { model, files } = await openOnnx(bytes);
  const sink = new MemorySink();
  await convert(model, files, sink, { quantize: (name) => (name === "w" ? "float16" : undefined) });
  const { weightsManifest } = JSON.parse(new TextDecoder().decode(sink.files["model.json"]));
  const weights: { shape: number[]; quantization?: { dtype: string } }[] = weightsManifest[0].weights;
  expect(weights.map(({ shape, quantization }) => [shape, quantization?.dtype])).toEqual(
    expect.arrayContaining([
      [[7, 5], "float16"],
      [[5], undefined],
    ]),
  );
});
