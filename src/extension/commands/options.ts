/** What a conversion may be told beyond its folder: options by a quick pick, and what those want to know. */
import * as vscode from "vscode";
import type { ConvertRequest } from "../../protocol/engine.ts";
import { plural, shape } from "../../protocol/format.ts";
import type { ModelView, NamedType } from "../../protocol/views.ts";
import { settings } from "../settings.ts";

export type ConvertOptions = Pick<
  ConvertRequest,
  "optimize" | "inputs" | "outputs" | "signature" | "quantize" | "bake" | "quantized" | "to" | "opset" | "for"
>;

export interface Chosen extends ConvertOptions {
  readonly parity: boolean;
}

export interface Item extends vscode.QuickPickItem {
  readonly id:
    | ("optimize" | "parity" | "quantize" | "inputs" | "outputs" | "bake" | "float" | "layers")
    | ("opset" | "mlnet" | "quantized");
}

/** Of one model that has been read; of several, or of one that cannot be read, what all models have. Undefined where the user left. */
export async function chooseOptions(title: string, model: ModelView | undefined): Promise<Chosen | undefined> {
  const signature = model && (await chooseSignature(title, model));
  if (signature === null) return undefined;
  const options = { title, placeHolder: vscode.l10n.t("Options; Enter converts"), canPickMany: true as const };
  const picked = await vscode.window.showQuickPick(itemsFor(model), options);
  if (!picked) return undefined;
  const has = (id: Item["id"]): boolean => picked.some((item) => item.id === id);
  const quantize = has("quantize") ? await chooseQuantization(title) : "none";
  if (!quantize) return undefined;
  const inputs = has("inputs") && model ? await askShapes(title, model.inputs) : [];
  if (!inputs) return undefined;
  const outputs = has("outputs") ? await askOutputs(title) : [];
  if (!outputs) return undefined;
  const bake = has("bake") ? await askNormalisation(title) : "";
  if (bake === undefined) return undefined;
  return {
    optimize: has("optimize"),
    parity: has("parity"),
    inputs,
    outputs,
    ...(signature && { signature }),
    ...(quantize !== "none" && { quantize }),
    ...(bake && { bake }),
    ...(has("float") && { quantized: "float" }),
    ...(has("layers") && { to: "tfjs-layers" }),
  };
}

function itemsFor(model: ModelView | undefined): Item[] {
  const { l10n } = vscode;
  const [optimize, parity, ...rest] = commonItems(model, settings.backend) as [Item, Item, ...Item[]];
  const smaller: Item = {
    id: "quantize",
    label: l10n.t("Store weights smaller…"),
    description: l10n.t("float16, 8 or 16 bits; less exact"),
  };
  const floats: Item = {
    id: "float",
    label: l10n.t("Compute in floats"),
    description: l10n.t("faster; leaves out the rounding of the quantised model"),
  };
  const layers: Item = {
    id: "layers",
    label: l10n.t("As a layers model"),
    description: l10n.t("for tf.loadLayersModel and training; not optimised"),
  };
  const own = [...(isQuantized(model) ? [floats] : []), ...(model?.format === "Keras" ? [layers] : [])];
  return [optimize, parity, smaller, ...rest, ...own];
}

/** What every target has: to optimise and to check parity first. */
export function commonItems(model: ModelView | undefined, runsOn: string): Item[] {
  const { l10n } = vscode;
  const items: (Item | false | undefined)[] = [
    {
      id: "optimize",
      label: l10n.t("Optimise the graph"),
      description: l10n.t("fold, fuse and remove what changes no number"),
      picked: true,
    },
    {
      id: "parity",
      label: l10n.t("Check parity afterwards"),
      description: l10n.t("compare every layer on {0}", runsOn),
    },
    model !== undefined && {
      id: "inputs",
      label: l10n.t("Set the inputs' shapes…"),
      description: model.inputs.map(({ name, shape: dims }) => `${name} ${dims ? shape(dims) : "?"}`).join(", "),
    },
    model !== undefined && {
      id: "outputs",
      label: l10n.t("Cut the model…"),
      description: l10n.t("end at values of your choice"),
    },
    model?.inputs.some((input) => input.shape?.length === 3 || input.shape?.length === 4) && {
      id: "bake",
      label: l10n.t("Normalise images…"),
      description: l10n.t("put (x - mean) / std in front of the image input"),
    },
  ];
  return items.filter((item) => item !== false && item !== undefined);
}

export const isQuantized = (model: ModelView | undefined): boolean =>
  model?.format === "TFLite" && model.weightTypes.some(({ dtype }) => /^u?int(4|8)$/.test(dtype));

/** What runs once when a SavedModel is loaded or trained, and is nothing to convert. */
const isSetup = (key: string): boolean => /^__saved_model_(init|train)_op$/.test(key);

/** Undefined: there is nothing to choose; null: the user left. */
export async function chooseSignature(title: string, { metadata }: ModelView): Promise<string | undefined | null> {
  const keys = (metadata["signatures"] ?? "").split(",").filter((key) => key !== "" && !isSetup(key));
  if (keys.length < 2) return undefined;
  const usual = metadata["signature"];
  const order = [...keys].sort((a, b) => Number(b === usual) - Number(a === usual));
  const placeHolder = vscode.l10n.t("Signature to convert; the model has {0}", plural(keys.length, "signature"));
  return (await vscode.window.showQuickPick(order, { title, placeHolder })) ?? null;
}

async function chooseQuantization(title: string): Promise<"float16" | "uint8" | "uint16" | undefined> {
  const { l10n } = vscode;
  const kinds = [
    { label: "float16", description: l10n.t("half the size, nearly exact"), of: "float16" as const },
    { label: "uint8", description: l10n.t("a quarter of the size; check parity"), of: "uint8" as const },
    { label: "uint16", description: l10n.t("half the size, 65 536 steps a weight"), of: "uint16" as const },
  ];
  return (await vscode.window.showQuickPick(kinds, { title, placeHolder: l10n.t("How weights are stored") }))?.of;
}

const dim = /^(\d+|\?|[A-Za-z_]\w*)$/;

/** `NAME:SHAPE` of those that differ from the model's own; undefined where the user left. */
export async function askShapes(title: string, inputs: readonly NamedType[]): Promise<string[] | undefined> {
  const given: string[] = [];
  for (const { name, shape: dims } of inputs) {
    const own = (dims ?? []).map((each) => each ?? "?").join("x");
    const answer = await vscode.window.showInputBox({
      title,
      value: own,
      prompt: vscode.l10n.t("Shape of {0}: dims separated by x; ? or a name for what is not known", name),
      validateInput: (text) =>
        text === own || text.split("x").every((each) => dim.test(each)) ? undefined : vscode.l10n.t("Such as 1x3x224x224"),
    });
    if (answer === undefined) return undefined;
    if (answer !== own) given.push(`${name}:${answer}`);
  }
  return given;
}

export async function askOutputs(title: string): Promise<string[] | undefined> {
  const answer = await vscode.window.showInputBox({
    title,
    prompt: vscode.l10n.t("Values to end at, separated by commas; empty for the model's own outputs"),
  });
  return answer
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

const numbers = String.raw`-?[\d.]+(e-?\d+)?(,-?[\d.]+(e-?\d+)?)*`;
const normalisation = new RegExp(`^(mean=${numbers},std=${numbers}|(mean|std)=${numbers})?$`);

/** As `--bake` takes it; empty for none. */
export const askNormalisation = (title: string): Thenable<string | undefined> =>
  vscode.window.showInputBox({
    title,
    value: "mean=0.485,0.456,0.406,std=0.229,0.224,0.225",
    prompt: vscode.l10n.t("Mean and standard deviation: one value each, or one a channel"),
    validateInput: (text) => (normalisation.test(text) ? undefined : vscode.l10n.t("Such as mean=127.5,std=127.5")),
  });
