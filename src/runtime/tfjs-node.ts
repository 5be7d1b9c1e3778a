/** TensorFlow by way of @tensorflow/tfjs-node, the reference for SavedModels, in a process of its own. Never shipped: used where the user has it. */
import { createRequire } from "node:module";
import path from "node:path";
import { throwIfCancelled } from "../base/cancel.ts";
import { modelError } from "../base/problem.ts";
import type { Tensor } from "../graph/tensor.ts";
import { nodeForNative } from "./native-node.ts";
import { Peer } from "./peer.ts";
import type { TfjsNodeApi } from "./tfjs-node-api.ts";

/** Names a folder whose node_modules has the package, where that is not the one worked in. */
export const tfjsNodeVariable = "MODELWRIGHT_TFJS_NODE";
export const tfjsNodeHint =
  "install @tensorflow/tfjs-node where you work, or compare with stored outputs: --inputs with a folder that holds them";

/** The package's main file, as a program in one of the folders would find it. */
export function findTfjsNode(
  folders: readonly string[] = [process.env[tfjsNodeVariable], process.cwd()].filter((folder) => folder !== undefined),
): string | undefined {
  for (const folder of folders)
    try {
      return createRequire(path.join(path.resolve(folder), "from-here.js")).resolve("@tensorflow/tfjs-node");
    } catch {
      // Not there: the next one.
    }
  return undefined;
}

/** A process that runs one SavedModel. */
export class TfjsNodeProcess {
  private constructor(
    private readonly peer: Peer<TfjsNodeApi>,
    /** Of tfjs-node. */
    readonly version: string,
  ) {}

  /** `ModelError` `no-reference` where the package is not there, `reference-unavailable` where it does not load. */
  static async start(folder: string, tags: readonly string[], signature: string, signal?: AbortSignal): Promise<TfjsNodeProcess> {
    throwIfCancelled(signal);
    const entry = findTfjsNode();
    if (entry === undefined)
      throw modelError("no-reference", "no runtime here computes what a SavedModel says", {}, tfjsNodeHint);
    const peer = Peer.child<TfjsNodeApi>("tfjs-node", "tfjs-node-child", await nodeForNative());
    try {
      const version = await peer.call(signal, (api) => api.start(entry));
      await peer.call(signal, (api) => api.load(folder, tags, signature));
      return new TfjsNodeProcess(peer, version);
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  run(feeds: ReadonlyMap<string, Tensor>, signal?: AbortSignal): Promise<ReadonlyMap<string, Tensor>> {
    return this.peer.call(signal, (api) => api.run(feeds));
  }

  close(): Promise<void> {
    return this.peer.close();
  }
}
