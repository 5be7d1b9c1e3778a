/** Sentences of the page, made of plain data; UI.md, "Words". */
import type { Problem } from "../../src/base/problem.ts";
import { bytes, count, integer } from "../../src/protocol/format.ts";
import type { ModelView, ProblemView, VerdictsView } from "../../src/protocol/views.ts";
import { counted, t } from "../l10n.ts";

/** A clause as a sentence: `2 groups of 4 channels` → `2 groups of 4 channels.` A name keeps its first letter: `com.acme.Foo has …`. */
export function sentence(clause: string): string {
  const text = clause.trim();
  if (text === "") return "";
  const word = /^[a-z]+[,;:]?(?=\s|$)/.test(text);
  return `${word ? text[0]!.toUpperCase() : text[0]!}${text.slice(1)}${/[.!?…]$/.test(text) ? "" : "."}`;
}

/** `ONNX opset 9 · 66 nodes · 1.24 M parameters · 4.9 MB`, as parts. */
export function titleParts(model: ModelView): string[] {
  const opset = model.opsets.find(({ domain }) => domain === "ai.onnx"); // no other format calls its versions so
  return [
    opset ? t("{0} opset {1}", model.format, opset.version) : model.format,
    counted(model.nodes, "{0} node", "{0} nodes"),
    t(model.parameters === 1 ? "{0} parameter" : "{0} parameters", count(model.parameters)),
    bytes(model.bytes, 2),
  ];
}

/** Shown where all is well: the backends a model is meant for. The plain CPU one is told only where it is all there is. */
const worthTelling = ["wasm", "webgl", "webgpu"];

export interface VerdictWords {
  readonly kind: "checking" | "ready" | "partly" | "stuck";
  readonly text: string;
  /** Named with a sign each, after the text. */
  readonly backends: readonly { readonly name: string; readonly ready: boolean }[];
}

/** `checking`: without verdicts, whether they are still to come. */
export function verdictWords(verdicts: VerdictsView | undefined, checking: boolean): VerdictWords {
  if (!verdicts) return { kind: "checking", text: t(checking ? "Checking for TF.js" : "TF.js: not checked"), backends: [] };
  const ready = verdicts.backends.filter((backend) => backend.ready);
  if (ready.length === 0) {
    const least = Math.min(...verdicts.backends.map((backend) => backend.nodes));
    // What is wrong is no node's fault, or of a node that no backend would run.
    if (least === 0) return { kind: "stuck", text: t("TF.js: not convertible"), backends: [] };
    return { kind: "stuck", text: counted(least, "TF.js: {0} node cannot run", "TF.js: {0} nodes cannot run"), backends: [] };
  }
  const told = verdicts.backends.filter(({ backend }) => worthTelling.includes(backend));
  const listed = told.some((backend) => backend.ready) ? told : verdicts.backends;
  return {
    kind: listed.every((backend) => backend.ready) ? "ready" : "partly",
    text: t("TF.js: ready on"),
    backends: listed.map(({ backend, ready: isReady }) => ({ name: backend, ready: isReady })),
  };
}

/** The same as it is read out: `TF.js: ready on wasm, webgl; not ready on webgpu`. */
export function verdictText(verdicts: VerdictsView | undefined): string {
  const { text, backends } = verdictWords(verdicts, false);
  const named = (ready: boolean): string =>
    backends
      .filter((backend) => backend.ready === ready)
      .map(({ name }) => name)
      .join(", ");
  const missing = named(false);
  return [text, named(true), missing && `; ${t("not ready on")} ${missing}`]
    .filter((part) => part)
    .join(" ")
    .replace(" ;", ";");
}

/** The head over a node's problem. */
export function problemTitle({ severity, code }: Pick<Problem, "severity" | "code">): string {
  if (code === "not-checked") return t("Not checked");
  return t(severity === "error" ? "Cannot run in TF.js" : severity === "warning" ? "Runs with a change" : "Note");
}

/** `squeezenet.onnx cannot be read` and where. */
export function placeOf({ offset, graph, node, tensor }: Problem): string {
  const parts = [
    offset === undefined ? "" : t("at byte {0}", integer(offset)),
    node ? t("in node {0}", node) : "",
    tensor ? t("tensor {0}", tensor) : "",
    graph ? t("graph {0}", graph) : "",
  ];
  return parts.filter((part) => part).join(", ");
}

export function problemCounts(problems: readonly ProblemView[]): { errors: number; warnings: number } {
  let [errors, warnings] = [0, 0];
  for (const { severity } of problems) {
    if (severity === "error") errors++;
    else if (severity === "warning") warnings++;
  }
  return { errors, warnings };
}
