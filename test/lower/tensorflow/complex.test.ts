import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { random } from "../../build/random.ts";
import { constant, type NodeSpec } from "../../build/tensorflow.ts";
import { Runner } from "./run.ts";

let runner: Runner;
beforeAll(async () => {
  runner = await Runner.start();
});
afterAll(() => runner.close());

const float = (shape: readonly number[], values: ArrayLike<number>): Tensor => tensorOf("float32", shape, values);
const op = (name: string, kind: string, inputs: readonly string[], attrs: NodeSpec["attrs"] = {}): NodeSpec => ({
  name,
  op: kind,
  inputs,
  attrs,
});

const x = float([3, 7], random(21));
const rows = [0, 1, 2].map((row) => Array.from((x.data as Float32Array).slice(7 * row, 7 * row + 7)));

/** By the definition, over `n` points, filled up with zeroes. */
const dft = (signal: readonly number[], n: number, k: number): readonly [number, number] => {
  let [re, im] = [0, 0];
  for (let i = 0; i < n; i++) {
    const angle = (-2 * Math.PI * i * k) / n;
    re += (signal[i] ?? 0) * Math.cos(angle);
    im += (signal[i] ?? 0) * Math.sin(angle);
  }
  return [re, im];
};

const length = (n: number): NodeSpec => constant("n", tensorOf("int32", [1], [n]));

describe("Fourier transforms", () => {
  it("of real numbers: cut, filled up, even and odd lengths", async () => {
    for (const n of [5, 7, 10]) {
      const half = Math.floor(n / 2) + 1;
      const spectrum = rows.flatMap((row) => Array.from({ length: half }, (_, k) => dft(row.slice(0, n), n, k)));
      const nodes = [length(n), op("f", "RFFT", ["x", "n"]), op("size", "ComplexAbs", ["f"]), op("im", "Imag", ["f"])];
      const expected = {
        size: float(
          [3, half],
          spectrum.map(([re, im]) => Math.hypot(re, im)),
        ),
        im: float(
          [3, half],
          spectrum.map(([, im]) => im),
        ),
      };
      const ops = await runner.check({ nodes, feeds: { x }, expected });
      expect(ops.filter((each) => each.includes("FFT"))).toEqual([]);
    }
  });

  it("there and back, through arithmetic on complex numbers", async () => {
    // Turned by a quarter and halved, twice over: the signal of minus a quarter of itself.
    const nodes = [
      length(7),
      constant("zero", float([], [0])),
      constant("half", float([], [0.5])),
      op("i", "Complex", ["zero", "half"]),
      op("f", "RFFT", ["x", "n"]),
      op("once", "Mul", ["f", "i"]),
      op("perm", "Const", [], constant("c", tensorOf("int32", [2], [1, 0])).attrs),
      op("turned", "Transpose", ["once", "perm"]),
      op("back", "Transpose", ["turned", "perm"]),
      op("twice", "Mul", ["back", "i"]),
      op("y", "IRFFT", ["twice", "n"]),
    ];
    await runner.check({
      nodes,
      feeds: { x },
      expected: {
        y: float(
          [3, 7],
          rows.flat().map((value) => -0.25 * value),
        ),
      },
    });
  });

  it("of complex numbers", async () => {
    const nodes = [
      op("c", "Complex", ["x", "x"]),
      op("f", "FFT", ["c"]),
      op("b", "IFFT", ["f"]),
      op("re", "Real", ["f"]),
      op("y", "Imag", ["b"]),
    ];
    // Of (1 + i) · x: the real part is Re − Im.
    const expected = {
      re: float(
        [3, 7],
        rows.flatMap((row) => row.map((_, k) => dft(row, 7, k)).map(([re, im]) => re - im)),
      ),
      y: x,
    };
    await runner.check({ nodes, feeds: { x }, expected });
  });
});

describe("Fourier transforms of planes", () => {
  const [height, width] = [4, 9];
  /** By the definition, over a plane filled up with zeroes. */
  const plane = (p: number, q: number): readonly [number, number] => {
    let [re, im] = [0, 0];
    rows.forEach((row, i) => {
      row.forEach((v, k) => {
        const angle = -2 * Math.PI * ((i * p) / height + (k * q) / width);
        re += v * Math.cos(angle);
        im += v * Math.sin(angle);
      });
    });
    return [re, im];
  };
  const size = constant("size", tensorOf("int32", [2], [height, width]));

  it("of real numbers, and back", async () => {
    const half = Math.floor(width / 2) + 1;
    const spectrum = Array.from({ length: height * half }, (_, at) => plane(Math.floor(at / half), at % half));
    const nodes = [
      size,
      op("f", "RFFT2D", ["x", "size"]),
      op("re", "Real", ["f"]),
      op("im", "Imag", ["f"]),
      op("back", "IRFFT2D", ["f", "size"]),
    ];
    const filled = Array.from({ length: height * width }, (_, at) => rows[Math.floor(at / width)]?.[at % width] ?? 0);
    const part = (i: 0 | 1) => float([height, half], spectrum.map((each) => each[i])); // biome-ignore format: one line
    await runner.check({ nodes, feeds: { x }, expected: { re: part(0), im: part(1), back: float([height, width], filled) } });
  });

  it("of complex numbers, and back", async () => {
    const nodes = [
      op("zero", "ZerosLike", ["x"]),
      op("c", "Complex", ["zero", "x"]),
      op("f", "FFT2D", ["c"]),
      op("b", "IFFT2D", ["f"]),
      op("back", "Imag", ["b"]),
      op("rest", "Real", ["b"]),
    ];
    await runner.check({ nodes, feeds: { x }, expected: { back: x, rest: float([3, 7], new Array(21).fill(0)) } });
  });
});
