/** What a conversion asks of the user, one question a function. Undefined: the user left. */
import * as vscode from "vscode";
import type { ConvertRequest } from "../../protocol/engine.ts";
import { plural } from "../../protocol/format.ts";
import type { ModelView, NamedType } from "../../protocol/views.ts";

interface Choice<T> extends vscode.QuickPickItem {
  readonly of: T;
}

const choose = async <T>(title: string, placeHolder: string, choices: readonly Choice<T>[]): Promise<T | undefined> =>
  (await vscode.window.showQuickPick(choices, { title, placeHolder }))?.of;

/** What runs once when a SavedModel is loaded or trained, and is nothing to convert. */
const isSetup = (key: string): boolean => /^__saved_model_(init|train)_op$/.test(key);

/** Empty: there is nothing to choose. */
export async function chooseSignature(title: string, { metadata }: ModelView): Promise<string | undefined> {
  const keys = (metadata["signatures"] ?? "").split(",").filter((key) => key !== "" && !isSetup(key));
  if (keys.length < 2) return "";
  const usual = metadata["signature"];
  const order = [...keys].sort((a, b) => Number(b === usual) - Number(a === usual));
  const placeHolder = vscode.l10n.t("Signature to convert; the model has {0}", plural(keys.length, "signature"));
  return vscode.window.showQuickPick(order, { title, placeHolder });
}

export function chooseStorage(title: string): Promise<NonNullable<ConvertRequest["quantize"]> | undefined> {
  const { l10n } = vscode;
  return choose(title, l10n.t("How weights are stored"), [
    { label: "float16", description: l10n.t("half the size, nearly exact"), of: "float16" },
    { label: "uint8", description: l10n.t("a quarter of the size; check parity"), of: "uint8" },
    { label: "uint16", description: l10n.t("half the size, 65 536 steps a weight"), of: "uint16" },
  ]);
}

/** The newest that onnxruntime 1.10 and ML.NET take, and newer ones for whoever needs their operators. */
const opsets = [17, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26] as const;
const newestOfMlnet = 17;

export function chooseOpset(title: string, isForMlnet: boolean): Promise<number | undefined> {
  const fitting = opsets.filter((opset) => !isForMlnet || opset <= newestOfMlnet);
  const choices = fitting.map((opset) => ({ label: String(opset), of: opset }));
  return choose<number>(title, vscode.l10n.t("ONNX opset"), choices);
}

export function chooseArithmetic(title: string): Promise<NonNullable<ConvertRequest["quantized"]> | undefined> {
  const { l10n } = vscode;
  return choose(title, l10n.t("How the quantised model computes"), [
    { label: l10n.t("Faithful"), description: l10n.t("rounds every result as the model does"), of: "faithful" },
    { label: l10n.t("Float"), description: l10n.t("faster; leaves out the rounding of the quantised model"), of: "float" },
    {
      label: l10n.t("Quantise and dequantise"),
      description: l10n.t("QDQ, the usual form in ONNX: integer kernels in onnxruntime"),
      of: "qdq",
    },
  ]);
}

const dim = /^(\d+|\?|[A-Za-z_]\w*)$/;

/** `NAME:SHAPE` of those that differ from the model's own. */
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

/** Names of values; none for the model's own outputs. */
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
