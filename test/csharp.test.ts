import { describe, expect, it } from "vitest";
import { csharpSnippet } from "../src/csharp.ts";

describe("csharpSnippet", () => {
  const text = csharpSnippet({
    inputs: [
      { name: "serving_default_x:0", dtype: "float32", shape: ["n", 3, 224, 112] },
      { name: "serving-default x 0", dtype: "int64", shape: [] },
      { name: "words", dtype: "string", shape: [null, 7] },
    ],
    outputs: [
      { name: "probs", dtype: "float32", shape: [null, 10], op: "Softmax" },
      { name: "boxes", dtype: "uint8", shape: [1, "boxes", 4] },
      { name: "codes", dtype: "uint8", shape: [1, 10], isOfClasses: true },
    ],
    notes: ["x: (x - 127.5) / 127.5 is part of the model; feed pixels as they are"],
  });

  it("names columns as the model has them, the batch as one", () => {
    expect(text).toContain('outputColumnNames: new[] { "probs", "boxes", "codes" }');
    expect(text).toContain('inputColumnNames: new[] { "serving_default_x:0", "serving-default x 0", "words" }');
    expect(text).toContain(
      '    // float32 [?, 3, 224, 112]\n    [ColumnName("serving_default_x:0"), VectorType(1, 3, 224, 112)]\n    public float[] ServingDefaultX0 { get; set; } = Array.Empty<float>();',
    );
    expect(text).toContain("ServingDefaultX0 = new float[1 * 3 * 224 * 112],");
  });

  it("tells scalars, texts and open dims apart, and names twins apart", () => {
    expect(text).toContain('[ColumnName("serving-default x 0")]\n    public long ServingDefaultX02 { get; set; }\n');
    expect(text).toContain('Words = Enumerable.Repeat("", 1 * 7).ToArray(),');
    expect(text).toContain('[ColumnName("boxes"), VectorType]\n    public byte[] Boxes');
  });

  it("says what is known before and after: notes of the input, the likeliest class", () => {
    expect(text).toContain("// x: (x - 127.5) / 127.5 is part of the model; feed pixels as they are\nvar input = new ModelInput");
    expect(text).toContain(
      'Console.WriteLine($"class {Array.IndexOf(output.Probs, output.Probs.Max())}: {output.Probs.Max():P1}");',
    );
    expect(text).toContain('Console.WriteLine(string.Join(", ", output.Boxes));');
    expect(text).toContain(
      'Console.WriteLine($"class {Array.IndexOf(output.Codes, output.Codes.Max())}: {output.Codes.Max()}");',
    );
  });

  it("lets no name out of its string or into code", () => {
    const odd = csharpSnippet({ inputs: [{ name: 'a"; Evil(); //\n\\', dtype: "float32", shape: [3] }], outputs: [] });
    expect(odd).toContain('[ColumnName("a\\"; Evil(); //\\u000a\\\\"), VectorType(3)]');
    expect(odd).toContain("public float[] AEvil ");
    const digits = csharpSnippet({ inputs: [{ name: "7", dtype: "float32", shape: [3] }], outputs: [] });
    expect(digits).toContain("public float[] Column7 ");
  });

  it("makes an input of an image, where it is known how", () => {
    const column = { name: "input", dtype: "float32" as const, shape: [1, 192, 256, 3] };
    const image = { input: "input", height: 192, width: 256, channelsLast: true, offset: 127.5, scale: 127.5, bgr: false };
    const outputs = [{ name: "pixels", dtype: "float32" as const, shape: [1, 5] }];
    const code = csharpSnippet({ inputs: [column], outputs, image });
    expect(code).toContain("// dotnet add package Microsoft.ML.ImageAnalytics\n");
    expect(code).toContain("using Microsoft.ML.Transforms.Image;\n");
    expect(code).toContain(`var pipeline = context.Transforms.ResizeImages(
    outputColumnName: "pixels_", imageWidth: 256, imageHeight: 192, inputColumnName: nameof(ModelInput.Image),
    resizing: ImageResizingEstimator.ResizingKind.Fill)
.Append(context.Transforms.ExtractPixels(
    outputColumnName: "input", inputColumnName: "pixels_",
    interleavePixelColors: true, offsetImage: 127.5f, scaleImage: 1f / 127.5f))
.Append(context.Transforms.ApplyOnnxModel(
    outputColumnNames: new[] { "pixels" },
    inputColumnNames: new[] { "input" },
    modelFile: "model.onnx"));
`);
    expect(code).toContain('    Image = MLImage.CreateFromFile("image.jpg"),');
    expect(code).toContain("    [ImageType(192, 256)]\n    public MLImage Image { get; set; } = null!;");
    const planes = csharpSnippet({
      inputs: [{ ...column, dtype: "uint8", shape: [1, 3, 192, 256] }],
      outputs,
      image: { ...image, channelsLast: false, bgr: true },
    });
    expect(planes).toContain("    orderOfExtraction: ImagePixelExtractingEstimator.ColorsOrder.ABGR,\n");
    expect(planes).toContain("    interleavePixelColors: false, outputAsFloatArray: false))");
  });
});
