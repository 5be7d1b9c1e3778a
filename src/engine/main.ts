/** Entry of the engine's process. */
import type { EngineApi, GpuApi } from "../protocol/engine.ts";
import { connect, type Port, serve } from "../protocol/rpc.ts";
import { createEngine } from "./router.ts";

if (!process.send) throw new Error("the engine runs as a child process");
const port: Port = {
  post: (message) => {
    if (process.connected) process.send!(message);
  },
  listen(listener) {
    process.on("message", listener);
    return () => process.off("message", listener);
  },
};
// The window is gone: nobody is left to answer.
process.on("disconnect", () => process.exit());
serve<EngineApi>(port, createEngine(connect<GpuApi>(port).api));
