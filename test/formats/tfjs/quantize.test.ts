/** Lossy weights against the formula of tensorflowjs_converter, written out here in doubles as numpy computes it. */
import { describe, expect, it } from "vitest";
import { encodeWeight } from "../../../src/formats/tfjs/weights.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { random } from "../../build/random.ts";

const halfEven = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

function byTheConverter(values: readonly number[], levels: number) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high) return { scale: 1, min: low, codes: values.map(() => 0) };
  const scale = (high - low) / levels;
  let [min, max] = [low, high];
  if (low <= 0 && high >= 0) {
    min = 0 - halfEven((0 - low) / scale) * scale;
    max = levels * scale + min;
  }
  return { scale, min, codes: values.map((v) => halfEven((Math.min(Math.max(v, min), max) - min) / scale)) };
}

const cases: Readonly<Record<string, readonly number[]>> = {
  "both signs": [...random(211)],
  ties: [-3.5, 0, 0.5, 1.5, 2.5, 251.5],
  positive: Array.from(random(97, 3), (v) => Math.fround(v + 2)),
  negative: Array.from(random(97, 4), (v) => Math.fround(v - 9)),
  "from zero": Array.from(random(53, 5), (v) => Math.abs(v)).concat(0),
  "to zero": Array.from(random(53, 6), (v) => -Math.abs(v)).concat(0),
  "one value": [2.5, 2.5, 2.5],
};

describe("quantised weights", () => {
  for (const [name, values] of Object.entries(cases))
    for (const [kind, levels] of [
      ["uint8", 255],
      ["uint16", 65535],
    ] as const)
      it(`${name}, ${kind}`, () => {
        const tensor = tensorOf("float32", [values.length], values);
        const { spec, bytes } = encodeWeight("w", tensor, kind);
        const codes = kind === "uint8" ? bytes : new Uint16Array(bytes.slice().buffer);
        const expected = byTheConverter(Array.from(tensor.data as Float32Array), levels);
        expect({ ...spec.quantization, codes: Array.from(codes) }).toEqual({
          ...expected,
          dtype: kind,
          original_dtype: "float32",
        });
      });

  it("that are not finite are refused", () => {
    const tensor = tensorOf("float32", [3], [1, Number.NaN, 2]);
    expect(() => encodeWeight("w", tensor, "uint8")).toThrow("not finite");
  });
});
