/** A layer's configuration as the rules see it: attributes turned back into values, the words of Keras 1 into today's. */
import type { SourceAttr } from "../../graph/source.ts";
import type { At } from "../rule.ts";

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** The configuration that attributes were made from. */
export function configOf(attrs: Readonly<Record<string, SourceAttr>>): Json {
  const config: Record<string, unknown> = {};
  for (const [key, attr] of Object.entries(attrs)) {
    if (attr.kind === "string") config[key] = structure(attr.value) ?? attr.value;
    else if ("value" in attr) config[key] = attr.value;
  }
  return config;
}

/** What has a structure of its own was kept as JSON. */
function structure(text: string): unknown {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const renamed: Readonly<Record<string, string>> = {
  nb_filter: "filters",
  filter_length: "kernel_size",
  border_mode: "padding",
  subsample: "strides",
  subsample_length: "strides",
  stride: "strides",
  pool_length: "pool_size",
  atrous_rate: "dilation_rate",
  bias: "use_bias",
  inner_activation: "recurrent_activation",
};

/** Keras 1 had other words for the same. */
export function todays(op: string, config: Json): Json {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) out[renamed[key] ?? key] = value;
  if (config["output_dim"] !== undefined && op !== "Embedding") out["units"] = config["output_dim"];
  if (config["nb_row"] !== undefined) out["kernel_size"] = [config["nb_row"], config["nb_col"]];
  if (config["kernel_dim1"] !== undefined)
    out["kernel_size"] = [config["kernel_dim1"], config["kernel_dim2"], config["kernel_dim3"]];
  if (config["dim_ordering"] !== undefined)
    out["data_format"] = config["dim_ordering"] === "th" ? "channels_first" : "channels_last";
  // TF.js saves the open dim of a Reshape so.
  const { target_shape: target } = config;
  if (Array.isArray(target)) out["target_shape"] = target.map((dim) => dim ?? -1);
  return out;
}

/** Typed access; a fault names the layer. */
export class Config {
  constructor(
    readonly op: string,
    readonly json: Json,
    private readonly at: Pick<At, "invalid">,
  ) {}

  private bad(key: string): Error {
    return this.at.invalid(`${key} is ${JSON.stringify(this.json[key])}`);
  }

  has(key: string): boolean {
    return this.json[key] !== undefined && this.json[key] !== null;
  }

  number(key: string, fallback?: number): number {
    const value = this.json[key] ?? fallback;
    if (typeof value !== "number") throw this.bad(key);
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.json[key] ?? fallback;
    if (typeof value !== "boolean" && typeof value !== "number") throw this.bad(key);
    return Boolean(value);
  }

  string(key: string, fallback: string): string {
    const value = this.json[key] ?? fallback;
    if (typeof value !== "string") throw this.bad(key);
    return value;
  }

  /** A list of `count` numbers, or one that stands for all. */
  numbers(key: string, count: number, fallback?: number): readonly number[] {
    const value = this.json[key] ?? fallback;
    const list = typeof value === "number" ? new Array<number>(count).fill(value) : value;
    if (!Array.isArray(list) || list.length !== count || !list.every((each) => typeof each === "number")) throw this.bad(key);
    return list;
  }

  /** A list of any length, or one number as such. */
  list(key: string): readonly number[] {
    const value = this.json[key];
    const list = typeof value === "number" ? [value] : value;
    if (!Array.isArray(list) || !list.every((each) => typeof each === "number")) throw this.bad(key);
    return list;
  }

  /** `[[before, after], …]`, `[each, …]` or one number, as paddings and croppings are written. */
  pairs(key: string, count: number): readonly (readonly [number, number])[] {
    const value = this.json[key];
    if (typeof value === "number") return new Array<readonly [number, number]>(count).fill([value, value]);
    if (!Array.isArray(value)) throw this.bad(key);
    const list = count === 1 && value.length === 2 && value.every((each) => typeof each === "number") ? [value] : value;
    if (list.length !== count) throw this.bad(key);
    return list.map((each: unknown) => {
      const pair = typeof each === "number" ? [each, each] : each;
      if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((n) => typeof n === "number")) throw this.bad(key);
      return pair as [number, number];
    });
  }

  /** Channels before the spatial axes? */
  get channelsFirst(): boolean {
    return this.string("data_format", "channels_last") === "channels_first";
  }

  /** A layer within the layer. */
  layer(key: string): { readonly op: string; readonly config: Json } | undefined {
    const value = this.json[key];
    if (!isObject(value)) return undefined;
    const config = value["config"];
    return { op: String(value["class_name"]), config: isObject(config) ? config : {} };
  }
}
