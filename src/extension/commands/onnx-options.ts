/** What a conversion to ONNX may be told beyond its folder. */
import * as vscode from "vscode";
import type { ModelView } from "../../protocol/views.ts";
import {
  askNormalisation,
  askOutputs,
  askShapes,
  type Chosen,
  type ConvertOptions,
  chooseSignature,
  commonItems,
  type Item,
  isQuantized,
} from "./options.ts";

/** The newest that onnxruntime 1.10 and ML.NET take, and newer ones for whoever needs their operators. */
const opsets = [17, 13, 14, 15, 16, 18, 19, 20, 21] as const;

/** As `chooseOptions`. */
export async function chooseOnnxOptions(title: string, model: ModelView | undefined): Promise<Chosen | undefined> {
  const { l10n } = vscode;
  const signature = model && (await chooseSignature(title, model));
  if (signature === null) return undefined;
  const items: Item[] = [
    ...commonItems(model, "onnxruntime"),
    { id: "opset", label: l10n.t("Choose the opset…"), description: l10n.t("17, unless another is chosen") },
    {
      id: "mlnet",
      label: l10n.t("For ML.NET"),
      description: l10n.t("opset, types and sizes that ApplyOnnxModel takes; with C#"),
    },
  ];
  if (isQuantized(model)) {
    const description = l10n.t("rounded as in the quantised model, unless another is chosen");
    items.push({ id: "quantized", label: l10n.t("Choose the arithmetic…"), description });
  }
  const options = { title, placeHolder: l10n.t("Options; Enter converts"), canPickMany: true as const };
  const picked = await vscode.window.showQuickPick(items, options);
  if (!picked) return undefined;
  const has = (id: Item["id"]): boolean => picked.some((item) => item.id === id);
  const opset = has("opset") ? await chooseOpset(title, has("mlnet")) : 0;
  if (opset === undefined) return undefined;
  const quantized = has("quantized") ? await chooseQuantized(title) : "faithful";
  if (!quantized) return undefined;
  const inputs = has("inputs") && model ? await askShapes(title, model.inputs) : [];
  if (!inputs) return undefined;
  const outputs = has("outputs") ? await askOutputs(title) : [];
  if (!outputs) return undefined;
  const bake = has("bake") ? await askNormalisation(title) : "";
  if (bake === undefined) return undefined;
  return {
    to: "onnx",
    optimize: has("optimize"),
    parity: has("parity"),
    inputs,
    outputs,
    ...(signature && { signature }),
    ...(bake && { bake }),
    ...(quantized !== "faithful" && { quantized }),
    ...(opset > 0 && { opset }),
    ...(has("mlnet") && { for: "mlnet" }),
  };
}

async function chooseOpset(title: string, forMlnet: boolean): Promise<number | undefined> {
  const items = opsets.filter((opset) => !forMlnet || opset <= 17).map((opset) => ({ label: String(opset), opset }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder: vscode.l10n.t("ONNX opset") }))?.opset;
}

async function chooseQuantized(title: string): Promise<ConvertOptions["quantized"]> {
  const { l10n } = vscode;
  const modes = [
    { label: l10n.t("Faithful"), description: l10n.t("rounds every result as the model does"), of: "faithful" as const },
    {
      label: l10n.t("Float"),
      description: l10n.t("faster; leaves out the rounding of the quantised model"),
      of: "float" as const,
    },
    {
      label: l10n.t("Quantise and dequantise"),
      description: l10n.t("QDQ: onnxruntime fuses it into integer kernels, on some processors less exact ones"),
      of: "qdq" as const,
    },
  ];
  return (await vscode.window.showQuickPick(modes, { title, placeHolder: l10n.t("How the quantised model computes") }))?.of;
}
