/** A job's progress in a notification. */
import * as vscode from "vscode";
import type { Progress, Stage } from "../protocol/engine.ts";

/** Turns shares of the whole into the increments that a notification takes. */
export function progressTo(progress: vscode.Progress<{ message?: string; increment?: number }>): Progress {
  let before = 0;
  return (stage, fraction) => {
    const percent = fraction === undefined ? before : Math.max(before, Math.min(100, fraction * 100));
    progress.report({ message: wordsOf(stage), increment: percent - before });
    before = percent;
  };
}

function wordsOf(stage: Stage): string {
  switch (stage) {
    case "reading":
      return vscode.l10n.t("reading");
    case "converting":
      return vscode.l10n.t("converting the graph");
    case "writing":
      return vscode.l10n.t("writing weights");
    case "starting":
      return vscode.l10n.t("starting the runtimes");
    case "comparing":
      return vscode.l10n.t("comparing values");
  }
}
