import { expect, test } from "vitest";
import { memorySource, memorySources } from "../../src/base/memory.ts";
import { findPreprocessing } from "../../src/graph/preprocessing.ts";
import { preprocessingNotes } from "../../src/graph/preprocessing-notes.ts";
import { inspect } from "../../src/inspect.ts";
import { type Dim, float, floats, type NodeSpec, node, onnxModel, openOnnx, tensor, value } from "../build/onnx.ts";

interface Spec {
  readonly nodes: readonly NodeSpec[];
  readonly dims?: Dim[];
  readonly metadata?: Record<string, string>;
  readonly opset?: number;
}

const bytesOf = ({ nodes, dims = ["n", 3, 7, 5], metadata = {}, opset = 17 }: Spec) =>
  onnxModel({
    opsets: { "": opset },
    metadata,
    graph: {
      inputs: [value("x", "float32", dims)],
      outputs: [value("y", "float32")],
      initializers: [
        tensor("mean", "float32", [3, 1, 1], [0.5, 0.25, 0.125]),
        tensor("std", "float32", [1, 3, 1, 1], [0.25, 0.5, 2]),
        tensor("whole", "float32", [], [255]),
        tensor(
          "grid",
          "float32",
          [3, 7],
          Array.from({ length: 21 }, (_, i) => i),
        ),
      ],
      nodes: [...nodes, node("Relu", ["last"], ["y"], {}, "relu")],
    },
  });

async function found(spec: Spec) {
  const { model, files } = await openOnnx(bytesOf(spec));
  return findPreprocessing(model, files);
}

test("a head of arithmetic is one mean and one deviation a channel", async () => {
  const nodes = [
    node("Div", ["x", "whole"], ["a"], {}, "div"),
    node("Sub", ["a", "mean"], ["b"], {}, "sub"),
    node("Identity", ["b"], ["c"]),
    node("Div", ["c", "std"], ["last"], {}, "scale"),
  ];
  expect(await found({ nodes })).toEqual([
    { input: "x", inGraph: { nodes: ["div", "sub", "scale"], mean: [127.5, 63.75, 31.875], std: [63.75, 127.5, 510] } },
  ]);
});

test("constants held by nodes, on either side", async () => {
  const held = node("Constant", [], ["k"], { value: tensor("", "float32", [1], [2]) });
  const nodes = [held, node("Mul", ["k", "x"], ["a"], {}, "mul"), node("Sub", ["mean", "a"], ["last"], {}, "sub")];
  // mean − 2x = (x − mean / 2) / −0.5
  expect(await found({ nodes })).toEqual([
    { input: "x", inGraph: { nodes: ["mul", "sub"], mean: [0.25, 0.125, 0.0625], std: [-0.5] } },
  ]);
});

test("ImageScaler, Normalizer", async () => {
  const scaler = node("ImageScaler", ["x"], ["last"], { scale: float(0.5), bias: floats([-1, -2, -3]) }, "scaler");
  expect(await found({ nodes: [scaler], opset: 9 })).toEqual([
    { input: "x", inGraph: { nodes: ["scaler"], mean: [2, 4, 6], std: [2] } },
  ]);
  const normalizer = node("Normalizer", ["x"], ["last"], { norm: "L2" }, "unit", { domain: "ai.onnx.ml" });
  expect(await found({ nodes: [normalizer] })).toEqual([
    { input: "x", inGraph: { nodes: ["unit"], mean: [0], std: [1], norm: "L2" } },
  ]);
});

test("metadata of pixels", async () => {
  const metadata = { "Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "NominalRange_0_255", author: "nobody" };
  expect(await found({ nodes: [node("Neg", ["x"], ["last"])], metadata })).toEqual([
    { input: "x", pixels: { format: "Bgr8", range: "NominalRange_0_255" } },
  ]);
});

test("what is no preprocessing: other shapes, other constants, a value read twice, arithmetic that changes nothing", async () => {
  const sub = node("Sub", ["x", "mean"], ["last"], {}, "sub");
  expect(await found({ nodes: [sub], dims: ["n", 21] })).toEqual([]);
  expect(await found({ nodes: [node("Add", ["x", "grid"], ["last"])], dims: ["n", 3, 3, 7] })).toEqual([]);
  expect(await found({ nodes: [sub, node("Neg", ["x"], ["z"])] })).toEqual([]);
  const nothing = node("ImageScaler", ["x"], ["last"], { bias: floats([0, 0, 0]) });
  expect(await found({ nodes: [nothing], opset: 9 })).toEqual([]);
});

test("inspect reports it", async () => {
  const bytes = bytesOf({ nodes: [node("Sub", ["x", "mean"], ["last"], {}, "sub")] });
  const { preprocessing } = await inspect(memorySource("m.onnx", bytes), memorySources({}));
  expect(preprocessing).toEqual([{ input: "x", inGraph: { nodes: ["sub"], mean: [0.5, 0.25, 0.125], std: [1] } }]);
});

test("the load snippet says what to feed, and no text of the model leaves its line", () => {
  const evil = 'x\n*/ alert(1); "';
  const notes = preprocessingNotes({
    preprocessing: [
      { input: "x", inGraph: { nodes: ["sub"], mean: [1, 2, 3], std: [4] } },
      { input: "z", toFeed: { mean: [127.5], std: [128] } },
      { input: evil, pixels: { format: "Rgb8", range: "a\u2028b" } },
    ],
    baked: { input: "image", mean: [7], std: [9], axis: null },
    labels: [{ output: "scores", file: "labels.txt" }],
  });
  expect(notes).toEqual([
    "x: (x - [1,2,3]) / [4] is part of the model; feed it what comes before",
    "z: feed (x - [127.5]) / [128], x a pixel from 0 to 255, by the source's metadata",
    '"x\\n*/ alert(1); \\"": pixels are Rgb8, "a?b", by the source\'s metadata',
    "scores: its classes are named in labels.txt, attached to the source",
    "image: (x - [7]) / [9] is part of the model; feed pixels as they are",
  ]);
  expect(preprocessingNotes({ preprocessing: "no list", baked: 3 })).toEqual([]);
  expect(preprocessingNotes({ preprocessing: [null, 7] })).toEqual([]);
});

test("a value that is read a hundred thousand times is no trouble", async () => {
  const reads = new Array<string>(100_000).fill("x");
  const started = performance.now();
  const { model, files } = await openOnnx(bytesOf({ nodes: [node("Concat", reads, ["y"], { axis: 0 })] }));
  expect(await findPreprocessing(model, files)).toEqual([]);
  expect(performance.now() - started).toBeLessThan(5000);
});
