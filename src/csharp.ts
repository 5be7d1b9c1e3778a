/** C# that loads an ONNX model with ML.NET and runs it once: columns by their real names, types and sizes. */
import type { DType } from "./base/dtype.ts";
import type { SourceDim } from "./graph/source.ts";

export interface Column {
  readonly name: string;
  readonly dtype: DType | undefined;
  /** Undefined: rank unknown. */
  readonly shape: readonly SourceDim[] | undefined;
  /** The ONNX op that computes it. */
  readonly op?: string | undefined;
  /** Its elements are of classes that have names. */
  readonly isOfClasses?: boolean;
}

/** An input that is made of an image: each pixel is (x − offset) / scale. */
export interface CsharpImage {
  readonly input: string;
  readonly height: number;
  readonly width: number;
  /** Red, green and blue beside each other; else one plane behind the other. */
  readonly channelsLast: boolean;
  /** Of pixels from 0 to 255, for all channels. */
  readonly offset: number;
  readonly scale: number;
  /** Blue comes first. */
  readonly bgr: boolean;
}

export interface CsharpModel {
  readonly inputs: readonly Column[];
  readonly outputs: readonly Column[];
  /** Said of the inputs, a line each. */
  readonly notes?: readonly string[];
  readonly image?: CsharpImage | undefined;
}

export const csharpName = "model.cs";

export function csharpSnippet({ inputs, outputs, notes = [], image }: CsharpModel): string {
  const taken = new Set(["ModelInput", "ModelOutput"]);
  const [given, made] = [inputs, outputs].map((columns) =>
    columns.map((column) => propertyOf(column, taken, column.name === image?.input ? image : undefined)),
  ) as [Property[], Property[]];
  const names = (columns: readonly Column[]) => columns.map(({ name }) => literal(name)).join(", ");
  const pictured = given.find((each) => each.image);
  const packages = ["Microsoft.ML", ...(pictured ? ["Microsoft.ML.ImageAnalytics"] : []), "Microsoft.ML.OnnxTransformer"];
  const apply = [
    "context.Transforms.ApplyOnnxModel(",
    `    outputColumnNames: new[] { ${names(outputs)} },`,
    `    inputColumnNames: new[] { ${names(inputs)} },`,
    '    modelFile: "model.onnx")',
  ];
  return `${[
    ...[...packages, "Microsoft.ML.OnnxRuntime"].map((each) => `// dotnet add package ${each}`),
    "using System;",
    "using System.Linq;",
    "using Microsoft.ML;",
    "using Microsoft.ML.Data;",
    ...(pictured ? ["using Microsoft.ML.Transforms.Image;"] : []),
    "",
    "var context = new MLContext();",
    ...(pictured
      ? pixelsThen(pictured, [...inputs, ...outputs], apply)
      : [`var pipeline = ${apply[0]}`, ...apply.slice(1, -1), `${apply.at(-1)};`]),
    "var nothing = context.Data.LoadFromEnumerable(Array.Empty<ModelInput>());",
    "var engine = context.Model.CreatePredictionEngine<ModelInput, ModelOutput>(pipeline.Fit(nothing));",
    "",
    ...notes.map((note) => `// ${note}`),
    "var input = new ModelInput",
    "{",
    ...given.map(({ property, start }) => `    ${property} = ${start},`),
    "};",
    "var output = engine.Predict(input);",
    ...made.map(printed),
    "",
    ...classOf("ModelInput", given),
    "",
    ...classOf("ModelOutput", made),
  ].join("\n")}\n`;
}

/** The pipeline that resizes an image and takes its pixels, ahead of the model. */
function pixelsThen({ column, property, image }: Property, columns: readonly Column[], apply: readonly string[]): string[] {
  const { height, width, channelsLast, offset, scale, bgr } = image!;
  let resized = "pixels";
  while (columns.some(({ name }) => name === resized)) resized += "_";
  return [
    "var pipeline = context.Transforms.ResizeImages(",
    `    outputColumnName: "${resized}", imageWidth: ${width}, imageHeight: ${height}, inputColumnName: nameof(ModelInput.${property}),`,
    "    resizing: ImageResizingEstimator.ResizingKind.Fill)",
    ".Append(context.Transforms.ExtractPixels(",
    `    outputColumnName: ${literal(column.name)}, inputColumnName: "${resized}",`,
    ...(bgr ? ["    orderOfExtraction: ImagePixelExtractingEstimator.ColorsOrder.ABGR,"] : []),
    column.dtype === "uint8"
      ? `    interleavePixelColors: ${channelsLast}, outputAsFloatArray: false))`
      : `    interleavePixelColors: ${channelsLast}, offsetImage: ${offset}f, scaleImage: 1f / ${scale}f))`,
    `.Append(${apply[0]}`,
    ...apply.slice(1, -1),
    `${apply.at(-1)});`,
  ];
}

interface Property {
  readonly column: Column;
  readonly property: string;
  /** `float`, of one element. */
  readonly type: string;
  /** Undefined: a scalar; the first dim is the batch, which ML.NET takes as 1. */
  readonly dims: readonly SourceDim[] | undefined;
  /** A value of the right size to begin with. */
  readonly start: string;
  /** What is made into the column, where that is an image. */
  readonly image: CsharpImage | undefined;
}

const types: Partial<Record<DType, string>> = {
  ...{ float32: "float", float64: "double", float16: "float", bfloat16: "float", bool: "bool", string: "string" },
  ...{ int8: "sbyte", int16: "short", int32: "int", int64: "long" },
  ...{ uint8: "byte", uint16: "ushort", uint32: "uint", uint64: "ulong" },
};

function propertyOf(column: Column, taken: Set<string>, image: CsharpImage | undefined): Property {
  const type = types[column.dtype ?? "float32"] ?? "float";
  const dims = column.shape?.map((dim, axis) => (axis === 0 && typeof dim !== "number" ? 1 : dim));
  if (image) {
    const start = 'MLImage.CreateFromFile("image.jpg")';
    return { column, property: identifier("Image", taken), type: "MLImage", dims, start, image };
  }
  const isScalar = dims?.length === 0;
  const known = (dims ?? []).map((dim) => (typeof dim === "number" ? dim : 1));
  const single = type === "string" ? '""' : "default";
  const start = isScalar ? single : type === "string" ? filled(known) : `new ${type}[${known.join(" * ") || "1"}]`;
  return { column, property: identifier(column.name, taken), type, dims: isScalar ? undefined : (dims ?? []), start, image };
}

const filled = (dims: readonly number[]): string => `Enumerable.Repeat("", ${dims.join(" * ") || "1"}).ToArray()`;

function classOf(name: string, properties: readonly Property[]): string[] {
  const members = properties.map(({ column, property, type, dims, image }) => {
    if (image)
      return [
        `    // ${literal(column.name)}, ${typeText(column)}, is made of it`,
        `    [ImageType(${image.height}, ${image.width})]`,
        `    public MLImage ${property} { get; set; } = null!;`,
      ];
    const isFixed = dims?.every((dim) => typeof dim === "number");
    // A dim that is open but for the batch makes a vector of no fixed size.
    const vector = dims === undefined ? "" : `, VectorType${isFixed && dims.length > 0 ? `(${dims.join(", ")})` : ""}`;
    const empty = dims === undefined ? (type === "string" ? ' = "";' : "") : ` = Array.Empty<${type}>();`;
    return [
      `    // ${typeText(column)}`,
      `    [ColumnName(${literal(column.name)})${vector}]`,
      `    public ${type}${dims === undefined ? "" : "[]"} ${property} { get; set; }${empty}`,
    ];
  });
  const body = members.flatMap((lines, i) => (i === 0 ? lines : ["", ...lines]));
  return [`public sealed class ${name}`, "{", ...body, "}"];
}

/** Probabilities of classes are told by the likeliest. */
function printed({ column, property, dims }: Property): string {
  if (dims === undefined) return `Console.WriteLine(output.${property});`;
  const isOfClasses = (column.op === "Softmax" || column.isOfClasses) && dims.length === 2 && dims[0] === 1;
  const format = column.dtype?.startsWith("float") ? ":P1" : "";
  if (isOfClasses)
    return `Console.WriteLine($"class {Array.IndexOf(output.${property}, output.${property}.Max())}: {output.${property}.Max()${format}}");`;
  return `Console.WriteLine(string.Join(", ", output.${property}));`;
}

const typeText = ({ dtype, shape }: Column): string =>
  shape
    ? `${dtype ?? "?"} [${shape.map((dim) => (typeof dim === "number" ? dim : "?")).join(", ")}]`
    : `${dtype ?? "?"}, any shape`;

/** A C# string; names are anybody's text. */
function literal(text: string): string {
  const escaped = [...text].map((char) => {
    if (char === '"' || char === "\\") return `\\${char}`;
    return /[\x20-\x7e]|\p{L}|\p{N}/u.test(char)
      ? char
      : [...Array(char.length).keys()].map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
  });
  return `"${escaped.join("")}"`;
}

/** `serving_default_x:0` → `ServingDefaultX0`, with a number behind it where that is taken. */
function identifier(name: string, taken: Set<string>): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const joined = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
  const wanted = /^[A-Za-z]/.test(joined) ? joined : `Column${joined}`;
  let found = wanted;
  for (let i = 2; taken.has(found); i++) found = `${wanted}${i}`;
  taken.add(found);
  return found;
}
