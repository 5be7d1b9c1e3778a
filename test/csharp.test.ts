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
    ],
    notes: ["x: (x - 127.5) / 127.5 is part of the model; feed pixels as they are"],
  });

  it("names columns as the model has them, the batch as one", () => {
    expect(text).toContain('outputColumnNames: new[] { "probs", "boxes" }');
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
  });

  it("lets no name out of its string or into code", () => {
    const odd = csharpSnippet({ inputs: [{ name: 'a"; Evil(); //\n\\', dtype: "float32", shape: [3] }], outputs: [] });
    expect(odd).toContain('[ColumnName("a\\"; Evil(); //\\u000a\\\\"), VectorType(3)]');
    expect(odd).toContain("public float[] AEvil ");
    const digits = csharpSnippet({ inputs: [{ name: "7", dtype: "float32", shape: [3] }], outputs: [] });
    expect(digits).toContain("public float[] Column7 ");
  });
});
