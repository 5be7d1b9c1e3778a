/** The engine's process: started by the first call, started again by the first call after its death. */
import { type ChildProcess, fork } from "node:child_process";
import { ModelError } from "../base/problem.ts";
import type { EngineApi, GpuApi } from "../protocol/engine.ts";
import { type Connection, connect, Disconnected, type Port, serve } from "../protocol/rpc.ts";

/** Of what the engine printed before it died: one native error message. */
const maxLastWords = 2_000;

export interface EngineOptions {
  /** The bundled engine. */
  readonly script: string;
  /** The Node to run it with; this process's own where it gives none. */
  readonly nodePath?: () => string | undefined;
  readonly gpu: GpuApi;
  readonly log: (line: string) => void;
  /** Once for every death that nobody asked for. */
  readonly onCrash: (reason: string) => void;
}

interface Running {
  readonly child: ChildProcess;
  readonly connection: Connection<EngineApi>;
}

/** A call failed because the engine ended; the next call starts another. */
export class EngineStopped extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "EngineStopped";
  }
}

export class Engine {
  private running: Running | undefined;
  private disposed = false;

  constructor(private readonly options: EngineOptions) {}

  /** Process id, for tests and the log; undefined while none runs. */
  get pid(): number | undefined {
    return this.running?.child.pid;
  }

  /** One call of the engine. Rejects with `ModelError`, `Cancelled`, `EngineStopped`, or an `Error` that is a fault of ours. */
  async call<R>(ask: (api: EngineApi) => Promise<R>): Promise<R> {
    try {
      return await ask(this.start().connection.api);
    } catch (error) {
      if (error instanceof Disconnected) throw new EngineStopped(error.message);
      if (!(error instanceof ModelError) && error instanceof Error && error.name !== "Cancelled")
        this.options.log(error.stack ?? error.message);
      throw error;
    }
  }

  dispose(): void {
    this.disposed = true;
    this.running?.connection.close("the window is closing");
    this.running?.child.kill();
    this.running = undefined;
  }

  private start(): Running {
    if (this.disposed) throw new Disconnected("the window is closing");
    if (this.running) return this.running;
    const execPath = this.options.nodePath?.();
    const child = fork(this.options.script, [], {
      ...(execPath === undefined ? {} : { execPath }),
      // Inside desktop VS Code `process.execPath` is Electron.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const port = portOf(child);
    const running: Running = { child, connection: connect<EngineApi>(port) };
    const served = serve<GpuApi>(port, this.options.gpu);
    this.running = running;
    this.options.log(`engine started, process ${child.pid}`);

    let lastWords = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => this.options.log(text.trimEnd()));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      lastWords = (lastWords + text).slice(-maxLastWords);
      this.options.log(text.trimEnd());
    });
    let ended = false;
    const end = (how: string) => {
      if (ended) return;
      ended = true;
      const words = lastWords.trim().split("\n").at(-1);
      const reason = words ? `${how}: ${words}` : how;
      if (this.running === running) this.running = undefined;
      served.close();
      running.connection.close(reason);
      this.options.log(`engine ended: ${reason}`);
      if (!this.disposed) this.options.onCrash(reason);
    };
    child.on("error", (error) => end(error.message));
    // "exit" may come before the last of stderr has been read; "close" never does, but waits for grandchildren that hold the pipe.
    child.on("exit", (code, signal) => setTimeout(end, 50, signal ? `killed by ${signal}` : `exit code ${code}`));
    return running;
  }
}

function portOf(child: ChildProcess): Port {
  return {
    post(message) {
      if (!child.connected) throw new Disconnected("the engine has ended");
      child.send(message as object, (error) => {
        // The exit that follows answers every call.
        if (error) child.kill();
      });
    },
    listen(listener) {
      child.on("message", listener);
      return () => child.off("message", listener);
    },
  };
}
