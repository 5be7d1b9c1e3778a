/** The settings, read when they are used. */
import * as vscode from "vscode";
import { type Backend, backends } from "../protocol/views.ts";

const section = "modelwright";
const read = <T>(name: string, fallback: T): T => vscode.workspace.getConfiguration(section).get<T>(name) ?? fallback;

export const settings = {
  get backend(): Backend {
    const name = read<string>("backend", "wasm");
    return backends.find((backend) => backend === name) ?? "wasm";
  },
  setBackend: (backend: Backend): Thenable<void> =>
    vscode.workspace.getConfiguration(section).update("backend", backend, vscode.ConfigurationTarget.Global),
  /** Undefined: TF.js's own 4 MiB. */
  get shardBytes(): number | undefined {
    const mebibytes = read<number>("convert.shardSize", 4);
    return mebibytes > 0 ? Math.round(mebibytes * 2 ** 20) : undefined;
  },
  /** Ends the name of the folder that is proposed. */
  get folderSuffix(): string {
    return read<string>("convert.folderSuffix", "-tfjs");
  },
  get seed(): number {
    return read<number>("parity.seed", 1);
  },
  /** Undefined: the default of the data types. */
  get atol(): number | undefined {
    return read<number | null>("parity.absoluteTolerance", null) ?? undefined;
  },
  get rtol(): number | undefined {
    return read<number | null>("parity.relativeTolerance", null) ?? undefined;
  },
  /** Undefined: the editor's own Node, which on the desktop is Electron. */
  get nodePath(): string | undefined {
    return read<string>("engine.nodePath", "").trim() || undefined;
  },
  /** Bytes of a model on a remote file system that are fetched without asking. */
  get remoteBytes(): number {
    return read<number>("remote.askAbove", 50) * 2 ** 20;
  },
};

/** Calls `listener` when the setting changes. */
export function onSetting(name: string, listener: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(`${section}.${name}`)) listener();
  });
}
