/** The GPU behind a TF.js backend: whether there is one, what it is called, and when it fails. */
import "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgpu";
import type { MathBackendWebGL } from "@tensorflow/tfjs-backend-webgl";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { backend as currentBackend, env } from "@tensorflow/tfjs-core";
import { modelError } from "../../src/base/problem.ts";
import type { GpuBackend } from "../../src/protocol/engine.ts";

export interface Device {
  /** `NVIDIA ampere`, as far as the browser tells; may be empty. */
  readonly name: string;
  /** Begins to watch, once TF.js has made the device. */
  watch(): void;
  /** Throws a `ModelError` where the GPU has reported a fault since the last check. */
  check(): void;
}

const wayOut = "run on wasm";

/** A `ModelError` `backend-unavailable` where the machine has no such GPU. `lost` is called when it goes. */
export function openDevice(backend: GpuBackend, lost: (reason: string) => void): Promise<Device> {
  return backend === "webgpu" ? openWebgpu(lost) : openWebgl(lost);
}

async function openWebgpu(lost: (reason: string) => void): Promise<Device> {
  // `navigator.gpu` may be there with no adapter behind it.
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) throw modelError("backend-unavailable", "no webgpu adapter on this machine", {}, wayOut);
  const { vendor, architecture, description } = adapter.info;
  let fault: string | undefined;
  let full = false;
  return {
    name: description || [vendor, architecture].filter(Boolean).join(" "),
    watch() {
      const { device } = currentBackend() as WebGPUBackend;
      void device.lost.then(({ message, reason }) => {
        if (reason !== "destroyed") lost(`the GPU device was lost${message ? `: ${message}` : ""}`);
      });
      device.addEventListener("uncapturederror", ({ error }) => {
        fault ??= error.message.split("\n")[0] ?? "no reason given";
        full ||= error instanceof GPUOutOfMemoryError;
      });
    },
    check() {
      if (fault === undefined) return;
      const reason = fault;
      fault = undefined;
      throw gpuFault(reason, full);
    },
  };
}

async function openWebgl(lost: (reason: string) => void): Promise<Device> {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) throw modelError("backend-unavailable", "no WebGL 2 on this machine", {}, wayOut);
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  let context: WebGL2RenderingContext | undefined;
  return {
    name,
    watch() {
      if (!env().getBool("WEBGL_RENDER_FLOAT32_ENABLED")) {
        throw modelError("backend-unavailable", "this GPU computes in float16 under WebGL, too coarse to compare", {}, wayOut);
      }
      context = (currentBackend() as MathBackendWebGL).getGPGPUContext().gl as WebGL2RenderingContext;
      context.canvas.addEventListener("webglcontextlost", () => lost("the WebGL context was lost"));
    },
    check() {
      const error = context?.getError() ?? 0;
      if (error === context?.OUT_OF_MEMORY) throw gpuFault("WebGL is out of memory", true);
      if (error !== 0) throw gpuFault(`WebGL reports error ${error}`, false);
    },
  };
}

const gpuFault = (reason: string, full: boolean): Error =>
  full
    ? modelError("gpu-out-of-memory", `the GPU is out of memory: ${reason}`, {}, wayOut)
    : modelError("gpu-fault", `the GPU refused a command: ${reason}`);
