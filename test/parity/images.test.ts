import { expect, it } from "vitest";
import { imageInputs } from "../../src/parity/images.ts";
import { seededImage } from "../../src/parity/inputs.ts";
import { float, floats, node, onnxModel, openOnnx, value } from "../build/onnx.ts";

it("takes for pictures what only image operators read", async () => {
  const shape = [1, 3, 4, 5];
  const scaler = { bias: floats([-104, -117, -123]), scale: float(1) };
  const { model } = await openOnnx(
    onnxModel({
      graph: {
        inputs: [value("image", "float32", shape), value("both", "float32", shape), value("plain", "float32", shape)],
        outputs: [value("y", "float32"), value("z", "float32")],
        nodes: [
          node("ImageScaler", ["image"], ["a"], scaler),
          node("ImageScaler", ["both"], ["b"], scaler),
          node("Sum", ["a", "b", "both"], ["y"]),
          node("Neg", ["plain"], ["z"]),
        ],
      },
    }),
  );
  expect(imageInputs(model)).toEqual(new Set(["image"]));
});

it("feeds pictures with the whole range of pixels, the same for the same seed", () => {
  const spec = { name: "image", dtype: "float32" as const, shape: undefined };
  const { data, dtype } = seededImage(spec, [1, 3, 40, 50], 5);
  const values = [...(data as Float32Array)];
  expect(dtype).toBe("float32");
  expect(values.every((v) => Number.isInteger(v) && v >= 0 && v <= 255)).toBe(true);
  expect(new Set(values).size).toBeGreaterThan(250);
  expect(seededImage(spec, [1, 3, 40, 50], 5).data).toEqual(data);
  expect(seededImage(spec, [1, 3, 40, 50], 6).data).not.toEqual(data);
});
