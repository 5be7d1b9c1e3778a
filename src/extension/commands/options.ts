/** What a conversion may be told beyond its folder: the options of a quick pick, one a row, and what those ask. */
import * as vscode from "vscode";
import type { ConvertRequest } from "../../protocol/engine.ts";
import { shape } from "../../protocol/format.ts";
import type { ModelView } from "../../protocol/views.ts";
import { settings } from "../settings.ts";
import {
  askNormalisation,
  askOutputs,
  askShapes,
  chooseArithmetic,
  chooseOpset,
  chooseSignature,
  chooseStorage,
} from "./questions.ts";

/** What the two commands make. */
export type Target = "tfjs" | "onnx";

export type ConvertOptions = Pick<
  ConvertRequest,
  "optimize" | "inputs" | "outputs" | "signature" | "quantize" | "bake" | "quantized" | "to" | "opset" | "for"
>;

export interface Chosen extends ConvertOptions {
  readonly parity: boolean;
}

type Answer = Partial<Chosen>;

interface Option extends vscode.QuickPickItem {
  /** What it adds to the request where it is picked; undefined: the user left. */
  readonly ask: (title: string, picked: readonly Option[]) => Answer | Promise<Answer | undefined>;
}

/** Of one model that has been read; of several, or of one that cannot be read, what all models have. Undefined where the user left. */
export async function chooseOptions(title: string, target: Target, model: ModelView | undefined): Promise<Chosen | undefined> {
  const signature = model ? await chooseSignature(title, model) : "";
  if (signature === undefined) return undefined;
  const options = [...commonOptions(target, model), ...(target === "onnx" ? onnxOptions(model) : tfjsOptions(model))];
  const placeHolder = vscode.l10n.t("Options; Enter converts");
  const picked = await vscode.window.showQuickPick(options, { title, placeHolder, canPickMany: true });
  if (!picked) return undefined;
  let chosen: Chosen = { optimize: false, parity: false, inputs: [], outputs: [], ...(signature && { signature }) };
  if (target === "onnx") chosen = { ...chosen, to: "onnx" };
  for (const option of picked) {
    const answer = await option.ask(title, picked);
    if (!answer) return undefined;
    chosen = { ...chosen, ...answer };
  }
  return chosen;
}

/** An answer of one word; what is empty is the default, and left out. */
async function answer<K extends keyof Chosen>(name: K, asked: Thenable<Chosen[K] | undefined>): Promise<Answer | undefined> {
  const value = await asked;
  if (value === undefined) return undefined;
  return value === "" ? {} : ({ [name]: value } as Answer);
}

/** What every target has. */
function commonOptions(target: Target, model: ModelView | undefined): Option[] {
  const { l10n } = vscode;
  const options: (Option | false | undefined)[] = [
    {
      label: l10n.t("Optimise the graph"),
      description: l10n.t("fold, fuse and remove what changes no number"),
      picked: true,
      ask: () => ({ optimize: true }),
    },
    {
      label: l10n.t("Check parity afterwards"),
      description: l10n.t("compare every layer on {0}", target === "onnx" ? "onnxruntime" : settings.backend),
      ask: () => ({ parity: true }),
    },
    model !== undefined && {
      label: l10n.t("Set the inputs' shapes…"),
      description: model.inputs.map(({ name, shape: dims }) => `${name} ${dims ? shape(dims) : "?"}`).join(", "),
      ask: (title) => answer("inputs", askShapes(title, model.inputs)),
    },
    model !== undefined && {
      label: l10n.t("Cut the model…"),
      description: l10n.t("end at values of your choice"),
      ask: (title) => answer("outputs", askOutputs(title)),
    },
    model?.inputs.some(isImage) && {
      label: l10n.t("Normalise images…"),
      description: l10n.t("put (x - mean) / std in front of the image input"),
      ask: (title) => answer("bake", askNormalisation(title)),
    },
  ];
  return options.filter((option) => option !== false && option !== undefined);
}

function tfjsOptions(model: ModelView | undefined): Option[] {
  const { l10n } = vscode;
  const options: (Option | false)[] = [
    {
      label: l10n.t("Store weights smaller…"),
      description: l10n.t("float16, 8 or 16 bits; less exact"),
      ask: (title) => answer("quantize", chooseStorage(title)),
    },
    isQuantized(model) && {
      label: l10n.t("Compute in floats"),
      description: l10n.t("faster; leaves out the rounding of the quantised model"),
      ask: () => ({ quantized: "float" }),
    },
    model?.format === "Keras" && {
      label: l10n.t("As a layers model"),
      description: l10n.t("for tf.loadLayersModel and training; not optimised"),
      ask: () => ({ to: "tfjs-layers" }),
    },
  ];
  return options.filter((option) => option !== false);
}

function onnxOptions(model: ModelView | undefined): Option[] {
  const { l10n } = vscode;
  const mlnet: Option = {
    label: l10n.t("For ML.NET"),
    description: l10n.t("opset, types and sizes that ApplyOnnxModel takes; with C#"),
    ask: () => ({ for: "mlnet" }),
  };
  const options: (Option | false)[] = [
    {
      label: l10n.t("Choose the opset…"),
      description: l10n.t("17 or what the operators need, unless another is chosen"),
      ask: (title, picked) => answer("opset", chooseOpset(title, picked.includes(mlnet))),
    },
    mlnet,
    isQuantized(model) && {
      label: l10n.t("Choose the arithmetic…"),
      description: l10n.t("rounded as in the quantised model, unless another is chosen"),
      ask: (title) => answer("quantized", chooseArithmetic(title)),
    },
  ];
  return options.filter((option) => option !== false);
}

const isQuantized = (model: ModelView | undefined): boolean =>
  model?.format === "TFLite" && model.weightTypes.some(({ dtype }) => /^u?int(4|8)$/.test(dtype));

/** Codes and tokens have no mean. */
const isImage = ({ dtype, shape: dims }: ModelView["inputs"][number]): boolean =>
  (dims?.length === 3 || dims?.length === 4) && (dtype === undefined || dtype.startsWith("float"));
