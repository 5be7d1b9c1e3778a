import { afterAll, beforeAll, expect, test } from "vitest";
import { operator, value } from "../../build/tflite.ts";
import { InTfjs } from "./in-tfjs.ts";
import { floats, ints, vector } from "./values.ts";

let tfjs: InTfjs;
beforeAll(async () => {
  tfjs = await InTfjs.start();
});
afterAll(() => tfjs.close());

/** Index vectors of seven weighted rows, those of a bucket together, as LiteRT wants them. */
const indices = [0, 0, 0, 1, 0, 2, 2, 0, 2, 1, 2, 2, 2, 3];

/** LiteRT.js adds to what it finds in memory, and at SQRTN it hangs. */
test.each<[string, (weights: readonly number[]) => number]>([
  ["SUM", () => 1],
  ["MEAN", (all) => all.reduce((sum, x) => sum + x, 0)],
  ["SQRTN", (all) => Math.sqrt(all.reduce((sum, x) => sum + x * x, 0))],
])("EMBEDDING_LOOKUP_SPARSE: weighted rows of a bucket, by %s", async (combiner, normOf) => {
  const [ids, w] = [ints([7], 0, 4, 3), floats([7], 8, (x) => Math.abs(x) + 0.1)];
  const table = floats([5, 2], 5);
  const found = await tfjs.run(
    {
      tensors: [
        value("ids", "int32", [7]),
        { ...vector("indices", indices), shape: [7, 2] },
        vector("shape", [3, 4]),
        value("w", "float32", [7]),
        value("table", "float32", [5, 2]),
        value("y", "float32", [3, 2]),
      ],
      inputs: ["ids", "w", "table"],
      outputs: ["y"],
      operators: [
        operator("EMBEDDING_LOOKUP_SPARSE", ["ids", "indices", "shape", "w", "table"], ["y"], "EmbeddingLookupSparseOptions", {
          combiner,
        }),
      ],
    },
    { ids, w, table },
  );
  for (let row = 0; row < 3; row++) {
    const lookups = [0, 1, 2, 3, 4, 5, 6].filter((i) => indices[2 * i] === row);
    const norm = normOf(lookups.map((i) => w.data[i]!));
    for (let c = 0; c < 2; c++) {
      const sum = lookups.reduce((total, i) => total + w.data[i]! * table.data[2 * ids.data[i]! + c]!, 0);
      expect(found["y"]!.data[2 * row + c], `[${row},${c}]`).toBeCloseTo(lookups.length === 0 ? 0 : sum / norm, 5);
    }
  }
});

test("HASHTABLE_LOOKUP: rows of the keys that there are, zeros for others, and which were found", async () => {
  const table = floats([4, 2, 3], 5);
  const found = await tfjs.run(
    {
      tensors: [
        value("x", "int32", [5]),
        vector("keys", [-3, 5, 8, 20]),
        value("table", "float32", [4, 2, 3]),
        value("y", "float32", [5, 2, 3]),
        value("hits", "uint8", [5]),
      ],
      inputs: ["x", "table"],
      outputs: ["y", "hits"],
      operators: [operator("HASHTABLE_LOOKUP", ["x", "keys", "table"], ["y", "hits"])],
    },
    { x: { ...ints([5], 0, 0), data: [8, 9, -3, 20, -4] }, table },
  );
  const row = (i: number) => Array.from(table.data).slice(6 * i, 6 * i + 6);
  const none = [0, 0, 0, 0, 0, 0];
  expect(found["y"]!.data).toEqual([row(2), none, row(0), row(3), none].flat());
  expect(found["hits"]!.data).toEqual([1, 0, 1, 1, 0]);
});
