/** A thread or child process that serves calls, dies at most once, and never takes the caller with it. */
import { type ChildProcess, fork } from "node:child_process";
import { Worker } from "node:worker_threads";
import { Cancelled } from "../base/cancel.ts";
import { modelError } from "../base/problem.ts";
import { type Api, type Connection, connect, Disconnected, type Port } from "../protocol/rpc.ts";
import { type EntryName, entryPath } from "./entry.ts";

/** How long a cancelled call may take to end by itself: a synchronous kernel never does. */
const CANCEL_GRACE_MS = 250;
/** Of what a runtime printed before it died; enough for one native error message. */
const LAST_WORDS = 2000;

interface Started {
  readonly port: Port;
  readonly stop: () => Promise<unknown>;
}

export class Peer<T extends Api<T>> {
  private readonly connection: Connection<T>;
  private readonly started: Started;
  private readonly answering: { close(): void } | undefined;
  private ended: string | undefined;
  private lastWords = "";

  private constructor(
    private readonly what: string,
    start: (listen: (words: string) => void, end: (how: string) => void) => Started,
    answer?: (port: Port) => { close(): void },
    private readonly hint?: string,
  ) {
    this.started = start(
      (words) => {
        this.lastWords = (this.lastWords + words).slice(-LAST_WORDS);
      },
      (how) => this.end(how),
    );
    this.connection = connect<T>(this.started.port);
    this.answering = answer?.(this.started.port);
  }

  /** `answer` may serve what the thread asks in its turn. */
  static thread<T extends Api<T>>(what: string, entry: EntryName, answer?: (port: Port) => { close(): void }): Peer<T> {
    return new Peer<T>(what, (hear, end) => startThread(entryPath(entry), hear, end), answer);
  }

  /** `node`: the program to run it with, this process's own where undefined. `hint`: the way out where it dies. */
  static child<T extends Api<T>>(what: string, entry: EntryName, node?: string, hint?: string): Peer<T> {
    return new Peer<T>(what, (hear, end) => startChild(entryPath(entry), node, hear, end), undefined, hint);
  }

  get alive(): boolean {
    return this.ended === undefined;
  }

  /**
   * One call. `Cancelled` when the signal fires: the far side is told, and ended if it has not answered 250 ms later.
   * A far side that dies is a `ModelError` with the code `runtime-crashed`.
   */
  async call<R>(signal: AbortSignal | undefined, ask: (api: T) => Promise<R>): Promise<R> {
    if (signal?.aborted) throw new Cancelled();
    let timer: NodeJS.Timeout | undefined;
    const cancel = (): void => {
      timer = setTimeout(() => void this.close("cancelled"), CANCEL_GRACE_MS);
    };
    signal?.addEventListener("abort", cancel);
    try {
      return await ask(this.connection.api);
    } catch (error) {
      if (signal?.aborted) throw new Cancelled();
      if (error instanceof Disconnected)
        throw modelError("runtime-crashed", `${this.what} ended: ${error.message}`, {}, this.hint);
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    }
  }

  async close(reason = "closed"): Promise<void> {
    this.end(reason);
    await this.started.stop();
  }

  private end(how: string): void {
    if (this.ended !== undefined) return;
    const words = this.lastWords.trim().split("\n").at(-1);
    this.ended = words ? `${how}: ${words}` : how;
    this.connection.close(this.ended);
    this.answering?.close();
  }
}

function startThread(path: string, hear: (words: string) => void, end: (how: string) => void): Started {
  // What TF.js prints is kept for the message after a crash, not shown: stdout and stderr belong to the command.
  const worker = new Worker(path, { stdout: true, stderr: true });
  worker.stdout.resume();
  worker.stderr.setEncoding("utf8").on("data", hear);
  worker.on("error", (error) => end(error instanceof Error ? error.message : String(error)));
  worker.on("exit", (code) => end(`exit code ${code}`));
  return {
    port: {
      post: (message) => worker.postMessage(message),
      listen(listener) {
        worker.on("message", listener);
        return () => worker.off("message", listener);
      },
    },
    stop: () => worker.terminate(),
  };
}

function startChild(path: string, node: string | undefined, hear: (words: string) => void, end: (how: string) => void): Started {
  const child: ChildProcess = fork(path, [], {
    ...(node === undefined ? {} : { execPath: node }),
    // Inside VS Code `process.execPath` is Electron.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.setEncoding("utf8").on("data", hear);
  const gone = new Promise<void>((resolve) => child.on("close", () => resolve()));
  child.on("error", (error) => end(error.message));
  // "close" comes after stderr has been read, "exit" may come before.
  child.on("close", (code, signal) => end(signal ? `killed by ${signal}` : `exit code ${code}`));
  return {
    port: {
      post: (message) => {
        if (child.connected) child.send(message as object);
      },
      listen(listener) {
        child.on("message", listener);
        return () => child.off("message", listener);
      },
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await gone;
    },
  };
}
