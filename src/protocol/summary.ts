/** The one line of a node that says what matters: `3×3 s2 · 64`. From attributes and shapes alone; never reads a tensor. */
import { dtypeOfCode } from "../graph/onnx-types.ts";
import type { SourceAttr, SourceGraph, SourceNode } from "../graph/source.ts";
import { float, shape } from "./format.ts";

type Attrs = SourceNode["attrs"];

const ints = (attrs: Attrs, name: string): readonly number[] | undefined => {
  const attr = attrs[name];
  if (attr?.kind === "ints") return attr.value.map(Number);
  return attr?.kind === "int" ? [Number(attr.value)] : undefined;
};
const int = (attrs: Attrs, name: string): number | undefined => ints(attrs, name)?.[0];
const string = (attrs: Attrs, name: string): string | undefined => {
  const attr = attrs[name];
  return attr?.kind === "string" ? attr.value : undefined;
};
const number = (attrs: Attrs, name: string): string | undefined => {
  const attr = attrs[name];
  return attr?.kind === "float" ? signed(float(attr.value)) : undefined;
};
const signed = (text: string): string => text.replaceAll("-", "\u2212");

/** `2` where all are 2, else `2×1`; nothing where all are `plain`. */
function axes(values: readonly number[] | undefined, plain: number): string {
  if (!values || values.length === 0 || values.every((v) => v === plain)) return "";
  return values.every((v) => v === values[0]) ? String(values[0]) : values.join("×");
}

/** `1` where all sides are, `0,1` for two axes padded alike at both ends, else every number: begins, then ends. */
function padsText(pads: readonly number[] | undefined): string {
  if (!pads || pads.every((pad) => pad === 0)) return "";
  if (pads.every((pad) => pad === pads[0])) return String(pads[0]);
  const half = pads.length / 2;
  const symmetric = pads.every((pad, i) => pad === pads[(i + half) % pads.length]);
  return (symmetric ? pads.slice(0, half) : pads).join(",");
}

const lettered = (letter: string, text: string): string => (text ? ` ${letter}${text}` : "");

interface Window {
  readonly kernel: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
  /** As it is written: ` same`, ` p1`. */
  readonly padding: string;
  readonly dilations?: readonly number[] | undefined;
}

const windowText = ({ kernel, strides, padding, dilations }: Window): string =>
  ((kernel ? shape(kernel) : "") + lettered("s", axes(strides, 1)) + padding + lettered("d", axes(dilations, 1))).trim();

function window(attrs: Attrs, kernel: readonly number[] | undefined): string {
  if (!kernel || kernel.length === 0) return "";
  const auto = string(attrs, "auto_pad");
  const padding = auto && auto !== "NOTSET" && auto !== "VALID" ? " same" : lettered("p", padsText(ints(attrs, "pads")));
  return windowText({ kernel, strides: ints(attrs, "strides"), padding, dilations: ints(attrs, "dilations") });
}

const joined = (...parts: readonly (string | number | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== "").join(" · ");

const samePadding = (attrs: Attrs): string => (/^same/i.test(string(attrs, "padding") ?? "") ? " same" : "");

/** Height and width, as TFLite's option tables name them. */
const heightAndWidth = (attrs: Attrs, height: string, width: string): number[] | undefined => {
  const pair = [int(attrs, height), int(attrs, width)];
  return pair.every((each) => each !== undefined) ? (pair as number[]) : undefined;
};

/** A window over NHWC of TFLite; `filter` is the input that holds OHWI weights, or 1HWO ones of a depthwise convolution. */
const tfliteWindow =
  (filter?: number) =>
  (graph: SourceGraph, node: SourceNode): string => {
    const { attrs } = node;
    const weight = filter === undefined ? undefined : stored(graph, node, filter);
    const kernel = weight ? weight.slice(1, -1) : heightAndWidth(attrs, "filter_height", "filter_width");
    const text = windowText({
      kernel,
      strides: heightAndWidth(attrs, "stride_h", "stride_w"),
      padding: samePadding(attrs),
      dilations: heightAndWidth(attrs, "dilation_h_factor", "dilation_w_factor"),
    });
    return joined(text, node.op === "DEPTHWISE_CONV_2D" ? weight?.at(-1) : weight?.[0]);
  };

/** A layer of Keras, or an operator of TensorFlow, whose strides count the batch and the channels too. */
function layerWindow(_: SourceGraph, { attrs }: SourceNode): string {
  const strides = ints(attrs, "strides");
  const inner =
    strides?.length === 4 ? (string(attrs, "data_format") === "NCHW" ? strides.slice(2) : strides.slice(1, 3)) : strides;
  const kernel = ints(attrs, "kernel_size") ?? ints(attrs, "pool_size");
  const text = windowText({ kernel, strides: inner, padding: samePadding(attrs), dilations: ints(attrs, "dilation_rate") });
  return joined(text, int(attrs, "filters"));
}

function stored(graph: SourceGraph, node: SourceNode, input: number): readonly number[] | undefined {
  const id = node.inputs[input];
  return id === undefined ? undefined : graph.values[id]?.tensor?.shape;
}

function convolution(graph: SourceGraph, node: SourceNode): string {
  const weight = stored(graph, node, 1);
  const group = int(node.attrs, "group") ?? 1;
  const filters = node.op === "ConvTranspose" ? weight && weight[1]! * group : weight?.[0];
  const size = window(node.attrs, ints(node.attrs, "kernel_shape") ?? weight?.slice(2)) + (group > 1 ? ` g${group}` : "");
  return joined(size, Number.isNaN(filters) ? "" : filters);
}

function product(graph: SourceGraph, node: SourceNode): string {
  const weight = stored(graph, node, 1);
  if (weight?.length !== 2) return "";
  const [from, to] = int(node.attrs, "transB") ? [weight[1], weight[0]] : weight;
  return `${from} → ${to}`;
}

const list = (values: readonly (number | string)[] | undefined): string => (values ? signed(`[${values.join(", ")}]`) : "");

/** An attribute as text, whole; for `kind: "tensor"` its type. */
export function attributeText(attr: SourceAttr): string {
  switch (attr.kind) {
    case "int":
    case "bool":
    case "string":
    case "dtype":
    case "unknown":
      return String(attr.value);
    case "float":
      return float(attr.value);
    case "ints":
    case "strings":
      return attr.value.join(", ");
    case "floats":
      return attr.value.map(float).join(", ");
    case "shape":
      return attr.value === null ? "unknown rank" : shape(attr.value);
    case "tensor":
      return `${attr.value.dtype} ${shape(attr.value.shape)}`;
    case "tensors":
      return attr.value.map((tensor) => `${tensor.dtype} ${shape(tensor.shape)}`).join(", ");
    case "sparse":
      return `sparse ${attr.values.dtype} ${shape(attr.shape)}`;
    case "graph":
      return "graph";
    case "graphs":
      return `${attr.value.length} graphs`;
    case "type":
      return attr.value.other ?? [attr.value.dtype, attr.value.shape && shape(attr.value.shape)].filter((part) => part).join(" ");
    case "ref":
      return `@${attr.value}`;
  }
}

/** ONNX writes an element type as its code. */
function dtypeText(attr: SourceAttr): string {
  return (attr.kind === "int" ? dtypeOfCode(Number(attr.value)) : undefined) ?? attributeText(attr);
}

const typeAttributes = new Set(["to", "dtype", "stash_type", "output_dtype"]);

/** `float32 (1)` where the attribute holds the code of an element type; else its text. */
export function namedAttributeText(name: string, attr: SourceAttr): string {
  const text = attributeText(attr);
  const dtype = attr.kind === "int" && typeAttributes.has(name) ? dtypeOfCode(Number(attr.value)) : undefined;
  return dtype ? `${dtype} (${text})` : text;
}

const layerWindows = [
  ...["Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D"],
  ...["MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D", "DepthwiseConv2dNative", "_FusedConv2D"],
];

const summaries: Readonly<Record<string, (graph: SourceGraph, node: SourceNode) => string>> = {
  Conv: convolution,
  ConvTranspose: convolution,
  MaxPool: (_, node) => window(node.attrs, ints(node.attrs, "kernel_shape")),
  AveragePool: (_, node) => window(node.attrs, ints(node.attrs, "kernel_shape")),
  LpPool: (_, node) => window(node.attrs, ints(node.attrs, "kernel_shape")),
  Gemm: product,
  MatMul: product,
  Transpose: (_, node) => list(ints(node.attrs, "perm")),
  Cast: (_, node) => (node.attrs.to ? `to ${dtypeText(node.attrs.to)}` : ""),
  Constant: (_, node) => {
    const attr = Object.values(node.attrs)[0];
    return attr ? cut(attributeText(attr)) : "";
  },
  Dropout: (_, node) => number(node.attrs, "ratio") ?? "",
  LeakyRelu: (_, node) => number(node.attrs, "alpha") ?? "",
  Elu: (_, node) => number(node.attrs, "alpha") ?? "",
  Einsum: (_, node) => cut((string(node.attrs, "equation") ?? "").replace("->", "→")),
  Pad: (_, node) => string(node.attrs, "mode") ?? "",
  Resize: (_, node) => string(node.attrs, "mode") ?? "",
  Upsample: (_, node) => string(node.attrs, "mode") ?? "",
  DepthToSpace: (_, node) => `${int(node.attrs, "blocksize") ?? ""}`,
  SpaceToDepth: (_, node) => `${int(node.attrs, "blocksize") ?? ""}`,
  CONV_2D: tfliteWindow(1),
  DEPTHWISE_CONV_2D: tfliteWindow(1),
  TRANSPOSE_CONV: tfliteWindow(1),
  MAX_POOL_2D: tfliteWindow(),
  AVERAGE_POOL_2D: tfliteWindow(),
  FULLY_CONNECTED: (graph, node) => stored(graph, node, 1)?.toReversed().join(" → ") ?? "",
  ...Object.fromEntries(layerWindows.map((op) => [op, layerWindow])),
  Dense: (_, node) => `${int(node.attrs, "units") ?? ""}`,
  LSTM: (_, node) => `${int(node.attrs, "hidden_size") ?? ""}`,
  GRU: (_, node) => `${int(node.attrs, "hidden_size") ?? ""}`,
  RNN: (_, node) => `${int(node.attrs, "hidden_size") ?? ""}`,
};

/** A box holds about so many characters beside the operator's name. */
const summaryLength = 24;
const cut = (text: string): string => (text.length > summaryLength ? `${text.slice(0, summaryLength - 1)}…` : text);

/** Empty where nothing stands out. */
export function summaryOf(graph: SourceGraph, node: SourceNode): string {
  const rule = node.domain === "" && Object.hasOwn(summaries, node.op) ? summaries[node.op] : undefined;
  if (rule) return rule(graph, node);
  const axis = ints(node.attrs, "axis");
  if (axis) return signed(`axis ${axis.join(", ")}`);
  const several = ints(node.attrs, "axes");
  return several ? cut(signed(`axes ${several.join(", ")}`)) : "";
}
