/** Custom ops: against values from tables, and factors multiplied out. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemorySink, memorySource, memorySources } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { random } from "../../build/random.ts";
import { graphDef, placeholder } from "../../build/tensorflow.ts";
import { Runner } from "./run.ts";

const float = (shape: readonly number[], values: ArrayLike<number>): Tensor => tensorOf("float32", shape, values);

describe("special functions", () => {
  let runner: Runner;
  beforeAll(async () => {
    runner = await Runner.start();
  });
  afterAll(() => runner.close());

  const trials: Readonly<
    Record<string, { readonly inputs: readonly (readonly number[])[]; readonly values: readonly number[] }>
  > = {
    Lgamma: { inputs: [[0.5, 4, 10.5, -1.5]], values: [0.5723649, 1.7917595, 13.9406252, 0.860047] },
    Digamma: { inputs: [[1, 0.5, 7.25, -0.5]], values: [-0.5772157, -1.96351, 1.9104523, 0.03649] },
    Zeta: {
      inputs: [
        [2, 3, 5.5],
        [1, 2.5, 1.3],
      ],
      values: [1.6449341, 0.118102, 0.248379522],
    },
    Polygamma: {
      inputs: [
        [0, 1, 2],
        [1, 1, 2],
      ],
      values: [-0.5772157, 1.6449341, -0.4041138],
    },
    Igamma: {
      inputs: [
        [1, 3, 0.5],
        [2, 1.5, 0.25],
      ],
      values: [0.8646647, 0.1911532, 0.5204999],
    },
    Igammac: {
      inputs: [
        [1, 3],
        [2, 7],
      ],
      values: [0.1353353, 0.0296362],
    },
    Betainc: {
      inputs: [
        [2, 1, 0.5],
        [3, 1, 0.5],
        [0.5, 0.25, 0.5],
      ],
      values: [0.6875, 0.25, 0.5],
    },
  };

  for (const [op, { inputs, values }] of Object.entries(trials))
    it(op, async () => {
      const names = inputs.map((_, i) => `in_${i}`);
      const feeds = Object.fromEntries(inputs.map((each, i) => [names[i]!, float([each.length], each)]));
      await runner.check({ nodes: [{ name: "y", op, inputs: names }], feeds, expected: { y: float([values.length], values) } });
    });
});

describe("factors", () => {
  let worker: TfjsWorker;
  beforeAll(async () => {
    worker = await TfjsWorker.start("cpu");
  });
  afterAll(() => worker.close());

  async function factors(op: string, x: Tensor, outputs: readonly string[], attrs = {}): Promise<Tensor[]> {
    const bytes = graphDef({ nodes: [placeholder("x", "float32", x.shape), { name: "y", op, inputs: ["x"], attrs }] });
    const { model, files } = await readTensorflow(memorySource("g.pb", bytes), memorySources());
    const sink = new MemorySink();
    await convert(model, files, sink, { outputs });
    const loaded = await worker.load(sink.files);
    const found = await worker.run(loaded, new Map([["x", x]]), outputs);
    return outputs.map((name) => found.get(name)!);
  }

  const at = (x: Tensor, i: number, j: number): number => Number(x.data[i * x.shape[1]! + j]);
  const product = (p: Tensor, q: (k: number, j: number) => number, columns: number): number[] =>
    Array.from({ length: p.shape[0]! * columns }, (_, place) => {
      const [i, j] = [Math.floor(place / columns), place % columns];
      let sum = 0;
      for (let k = 0; k < p.shape[1]!; k++) sum += at(p, i, k) * q(k, j);
      return sum;
    });
  const close = (found: readonly number[], expected: ArrayLike<number>) =>
    found.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 4);
    });

  it("of a positive matrix", async () => {
    const a = float([4, 4], random(16));
    const positive = float(
      [4, 4],
      product(a, (k, j) => at(a, j, k), 4).map((value, i) => value + (i % 5 === 0 ? 1 : 0)),
    );
    const [l] = await factors("Cholesky", positive, ["y"]);
    close(
      product(l!, (k, j) => at(l!, j, k), 4),
      positive.data as Float32Array,
    );
  });

  it("with rows exchanged", async () => {
    const x = float([4, 4], random(16, 5));
    const [lu, order] = await factors("Lu", x, ["y", "y:1"]);
    const lower = float(
      [4, 4],
      Array.from({ length: 16 }, (_, p) => (p % 5 === 0 ? 1 : p % 4 < Math.floor(p / 4) ? Number(lu!.data[p]) : 0)),
    );
    const rows = Array.from(order!.data as Int32Array).flatMap((row) =>
      Array.from((x.data as Float32Array).slice(4 * row, 4 * row + 4)),
    );
    close(
      product(lower, (k, j) => (j >= k ? at(lu!, k, j) : 0), 4),
      rows,
    );
  });

  it("orthogonal and triangular", async () => {
    const x = float([5, 3], random(15, 6));
    const [q, r] = await factors("Qr", x, ["y", "y:1"], { full_matrices: { b: false } });
    expect([q!.shape, r!.shape]).toEqual([
      [5, 3],
      [3, 3],
    ]);
    close(
      product(q!, (k, j) => at(r!, k, j), 3),
      x.data as Float32Array,
    );
    const turned = float(
      [3, 5],
      Array.from({ length: 15 }, (_, p) => at(q!, p % 5, Math.floor(p / 5))),
    );
    close(
      product(turned, (k, j) => at(q!, k, j), 3),
      [1, 0, 0, 0, 1, 0, 0, 0, 1],
    );
  });
});
