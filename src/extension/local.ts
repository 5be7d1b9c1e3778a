/** A model's path on the machine that the engine runs on; what lies elsewhere is fetched whole, since `workspace.fs` has no range reads. */
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as vscode from "vscode";
import { Cancelled } from "../base/cancel.ts";
import { bytes } from "../protocol/format.ts";
import { settings } from "./settings.ts";

export class LocalFiles {
  /** `folder` is ours alone. */
  constructor(private readonly folder: string) {}

  /**
   * The path to read. Asks above the size of the setting; `Cancelled` where the answer is no. External data of a model on another
   * file system is not fetched: the reader says which file is missing.
   */
  async pathOf(uri: vscode.Uri): Promise<string> {
    if (uri.scheme === "file") return uri.fsPath;
    const { size } = await vscode.workspace.fs.stat(uri);
    if (size > settings.remoteBytes) {
      const fetch = vscode.l10n.t("Fetch");
      const question = vscode.l10n.t("{0} is on another file system. Fetch all {1}?", basename(uri.path), bytes(size));
      if ((await vscode.window.showInformationMessage(question, { modal: true }, fetch)) !== fetch) throw new Cancelled();
    }
    const own = join(this.folder, createHash("sha256").update(uri.toString()).digest("hex").slice(0, 16));
    await mkdir(own, { recursive: true });
    const path = join(own, basename(uri.path));
    await writeFile(path, await vscode.workspace.fs.readFile(uri));
    return path;
  }

  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
