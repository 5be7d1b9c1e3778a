import { describe, expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import { loadTensor } from "../../../src/graph/decode.ts";

const read = (text: string) => readTensorflow(memorySource("graph.pbtxt", new TextEncoder().encode(text)), memorySources());

const text = `
# written by hand
node {
  name: "x"
  op: "Placeholder"
  attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "shape" value { shape { dim { size: -1 } dim { size: 3 } } } }
}
node: <
  name: 'w' op: 'Const';
  attr { key: "dtype", value { type: DT_FLOAT } }
  attr {
    key: "value"
    value {
      tensor {
        dtype: DT_FLOAT
        tensor_shape { dim { size: 3 } }
        tensor_content: "\\000\\000\\200\\077" "\\x00\\x00\\x00\\xc0\\000\\000@@"
        future_field { anything: [1, 2, "three"] }
      }
    }
  }
>
node { name: "y" op: "Conv" input: "x" input: ["w", "^x"]
  attr { key: "strides" value { list { i: [1, -2, 0x10] } } }
  attr { key: "epsilon" value { f: 1.5e-3f } }
  attr { key: "flag" value { b: true } } }
versions { producer: 27 }
`;

describe("a graph as text", () => {
  it("is read as its binary form is", async () => {
    const { model, files } = await read(text);
    expect(model).toMatchObject({ formatVersion: "frozen GraphDef 27", problems: [] });
    const [main] = model.graphs;
    expect(main!.values[0]!.type).toEqual({ dtype: "float32", shape: [null, 3] });
    expect(main!.nodes[2]).toMatchObject({
      inputs: [0, 1],
      attrs: { strides: { value: [1, -2, 16] }, flag: { value: true }, "^control": { value: ["x"] } },
    });
    const epsilon = main!.nodes[2]!.attrs["epsilon"];
    expect(epsilon?.kind === "float" && epsilon.value).toBeCloseTo(1.5e-3);
    const stored = main!.values[1]!.tensor!;
    expect((await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files })).data).toEqual(
      Float32Array.of(1, -2, 3),
    );
  });

  it("that is damaged gives a problem with its place", async () => {
    for (let at = 40; at < text.length; at += 3) {
      try {
        await read(text.slice(0, at));
      } catch (error) {
        expect(error).toBeInstanceOf(ModelError);
        expect((error as ModelError).problem.offset).toBeGreaterThanOrEqual(0);
      }
    }
    await expect(read('node { name: 5 op: "Relu" }')).rejects.toThrow("a value of another kind: 5 at byte 13");
    await expect(read("node { attr { value { i: 1.5 } } }")).rejects.toThrow("no whole number: 1.5");
    await expect(read(`node ${"{ x ".repeat(100)}`)).rejects.toThrow("messages nest deeper than 64");
    await expect(read("node { name: ` }")).rejects.toThrow("text that is no graph");
  });
});
