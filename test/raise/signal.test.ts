import { afterAll, beforeAll, expect, it } from "vitest";
import { tensorOf } from "../../src/graph/tensor.ts";
import { random } from "../build/random.ts";
import { float, graphOf } from "../optimize/run.ts";
import { AgainstOnnxruntime, raised } from "./against-onnxruntime.ts";

let ort: AgainstOnnxruntime;
beforeAll(async () => {
  ort = await AgainstOnnxruntime.start();
});
afterAll(() => ort.close());

const x = tensorOf("float32", [2, 5, 1], random(10));

/** The first five of `points` frequencies, or all, of each row. */
function spectrum(points: number): number[] {
  const rows = [0, 1].map((n) => Array.from((x.data as Float32Array).subarray(5 * n, 5 * n + Math.min(5, points))));
  return rows.flatMap((row) =>
    Array.from({ length: points }, (_, k) => {
      const angle = (i: number) => (-2 * Math.PI * k * i) / points;
      return [
        row.reduce((sum, value, i) => sum + value * Math.cos(angle(i)), 0),
        row.reduce((sum, value, i) => sum + value * Math.sin(angle(i)), 0),
      ];
    }).flat(),
  );
}

it.each([17, 20])("FourierAlong of as many points as are computed, opset %i", async (opset) => {
  const graph = graphOf((b) => {
    const points = b.reshape(b.input("points", { dtype: "int32", shape: [1] }), []);
    return b.op("FourierAlong", [float(b, "x", [2, 5, 1]), points, b.scalar("int32", 1)], { inverse: false, onesided: false });
  });
  const expected = [tensorOf("float32", [2, 4, 2], spectrum(4))];
  expect(await ort.differences(graph, { x, points: tensorOf("int32", [1], [4]) }, { opset, expected })).toEqual([]);
});

it("an axis that is computed wants the opset that has it as an input", async () => {
  const graph = graphOf((b) => {
    const axis = b.reshape(b.input("axis", { dtype: "int32", shape: [1] }), []);
    return b.op("FourierAlong", [float(b, "x", [2, 5, 1]), b.scalar("int32", 0), axis], { inverse: false, onesided: false });
  });
  expect(raised(graph).problems).toMatchObject([{ code: "unsupported", hint: "convert with --opset 20" }]);
  const expected = [tensorOf("float32", [2, 5, 2], spectrum(5))];
  expect(await ort.differences(graph, { x, axis: tensorOf("int32", [1], [1]) }, { opset: 20, expected })).toEqual([]);
});

it("ColumnsToImage adds up what overlaps", async () => {
  const columns = tensorOf("float32", [1, 4, 4], random(16, 5));
  const graph = graphOf((b) =>
    b.op("ColumnsToImage", [float(b, "columns", [1, 4, 4]), b.input("image", { dtype: "int32", shape: [2] }), b.ints([2, 2])], {
      strides: [1, 1],
      dilations: [1, 1],
      pads: [0, 0, 0, 0],
    }),
  );
  const sums = new Array<number>(9).fill(0);
  for (let k = 0; k < 4; k++)
    for (let at = 0; at < 4; at++)
      sums[(Math.floor(at / 2) + Math.floor(k / 2)) * 3 + (at % 2) + (k % 2)]! += Number(columns.data[k * 4 + at]);
  const expected = [tensorOf("float32", [1, 1, 3, 3], sums)];
  expect(await ort.differences(graph, { columns, image: tensorOf("int32", [2], [3, 3]) }, { opset: 18, expected })).toEqual([]);
});
