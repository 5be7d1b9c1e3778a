/** Which Node runs native code. Electron's refuses memory that native code has allocated, and that is what onnxruntime answers with. */
import { execFile } from "node:child_process";

/** The oldest that our bundles run in. */
const leastMajor = 20;
/** A Node that has not said its version by then is not waited for. */
const askMs = 5_000;

/** The way out that is told where native code fails inside Electron. */
export const electronHint = "install Node 20 or newer, or name one in the setting modelwright.engine.nodePath";

/** Whether this process, or a fork of it, is Electron in the place of Node. */
export const isElectron = (versions: NodeJS.ProcessVersions = process.versions): boolean => versions["electron"] !== undefined;

/** What `node` on the path calls its version; undefined where there is none. */
const askVersion = (): Promise<string | undefined> =>
  new Promise((resolve) => {
    execFile("node", ["-p", "process.versions.node"], { timeout: askMs, windowsHide: true }, (error, stdout) =>
      resolve(error ? undefined : stdout.trim()),
    );
  });

/** The program to fork with: undefined for this process's own, which is Electron only where no Node is installed. */
export async function nodeForNative(
  versions: NodeJS.ProcessVersions = process.versions,
  ask: () => Promise<string | undefined> = askVersion,
): Promise<string | undefined> {
  if (!isElectron(versions)) return undefined;
  const major = Number((await ask())?.split(".")[0]);
  return major >= leastMajor ? "node" : undefined;
}
