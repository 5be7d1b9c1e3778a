/**
 * Typed calls over any two-method port: a TypeScript type of async functions *is* the protocol.
 *
 * Every call gets exactly one answer, also when the handler throws or returns what cannot be cloned. An argument that is an
 * `AbortSignal` crosses as a cancel message; one that is a function crosses as a callback (one way, never after the answer).
 * Both must be arguments themselves, not fields of one. Both sides of a port may serve and call at once.
 */
import { type Failure, failureOf, thrown } from "./failure.ts";

/** `process`, a `MessagePort`, a worker or a webview, seen alike. */
export interface Port {
  post(message: unknown): void;
  /** Calls `listener` for every message until the returned function is called. */
  listen(listener: (message: unknown) => void): () => void;
}

type AsyncFunction = (...args: never[]) => Promise<unknown>;
/** A protocol: names to async functions. */
export type Api<T> = { [K in keyof T]: T[K] extends AsyncFunction ? T[K] : never };

interface Call {
  readonly id: number;
  readonly call: string;
  readonly args: readonly unknown[];
  /** Positions in `args` that stand for an `AbortSignal` and for callbacks. */
  readonly signals: readonly number[];
  readonly callbacks: readonly number[];
}
interface Cancel {
  readonly id: number;
  readonly cancel: true;
}
interface Tell {
  readonly id: number;
  /** Position of the callback in `args`. */
  readonly tell: number;
  readonly args: readonly unknown[];
}
interface Ok {
  readonly id: number;
  readonly ok?: unknown;
}
interface Failed {
  readonly id: number;
  readonly failed: Failure;
}
type Message = Call | Cancel | Tell | Ok | Failed;

/** The other side is gone; what was asked of it has no answer. */
export class Disconnected extends Error {
  constructor(reason = "the connection is closed") {
    super(reason);
    this.name = "Disconnected";
  }
}

function asMessage(message: unknown): Message | undefined {
  return typeof message === "object" && message !== null && typeof (message as { id?: unknown }).id === "number"
    ? (message as Message)
    : undefined;
}

/** Answers calls with `api`, whose own members alone are callable. Closing aborts what runs and answers nothing more. */
export function serve<T extends Api<T>>(port: Port, api: T): { close(): void } {
  const running = new Map<number, AbortController>();
  let closed = false;

  const answer = async (call: Call): Promise<void> => {
    const abort = new AbortController();
    running.set(call.id, abort);
    const args = [...call.args];
    for (const position of call.signals) args[position] = abort.signal;
    for (const position of call.callbacks) {
      args[position] = (...told: unknown[]) => {
        if (running.get(call.id) === abort) port.post({ id: call.id, tell: position, args: told } satisfies Tell);
      };
    }
    let reply: Ok | Failed;
    try {
      const handler: unknown = Object.hasOwn(api, call.call) ? api[call.call as keyof T] : undefined;
      if (typeof handler !== "function") throw new Error(`no such call: ${call.call}`);
      reply = { id: call.id, ok: await handler.apply(api, args) };
    } catch (error) {
      reply = { id: call.id, failed: failureOf(error) };
    }
    running.delete(call.id);
    if (closed) return;
    try {
      port.post(reply);
    } catch (error) {
      port.post({ id: call.id, failed: failureOf(error) } satisfies Failed);
    }
  };

  const stop = port.listen((raw) => {
    const message = asMessage(raw);
    if (!message || closed) return;
    if ("call" in message) void answer(message);
    else if ("cancel" in message) running.get(message.id)?.abort();
  });
  return {
    close() {
      closed = true;
      stop();
      for (const abort of running.values()) abort.abort();
      running.clear();
    },
  };
}

export interface Connection<T> {
  /** Each call is sent when made; rejects with `ModelError`, `Cancelled`, `Disconnected`, or an `Error` that tells the far stack. */
  readonly api: T;
  /** Rejects what waits, and whatever is called later, with `Disconnected`. */
  close(reason?: string): void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly args: readonly unknown[];
  readonly release: () => void;
}

/** Calls what the other side of the port serves. */
export function connect<T extends Api<T>>(port: Port): Connection<T> {
  const waiting = new Map<number, Waiting>();
  let next = 0;
  let closed: Disconnected | undefined;

  const settle = (id: number): Waiting | undefined => {
    const call = waiting.get(id);
    waiting.delete(id);
    call?.release();
    return call;
  };

  const stop = port.listen((raw) => {
    const message = asMessage(raw);
    if (!message || "call" in message || "cancel" in message) return;
    if ("tell" in message) {
      const callback = waiting.get(message.id)?.args[message.tell];
      if (typeof callback === "function") callback(...message.args);
    } else if ("failed" in message) settle(message.id)?.reject(thrown(message.failed));
    else settle(message.id)?.resolve(message.ok);
  });

  const send = (name: string, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(closed);
      const signals = positions(args, (arg) => arg instanceof AbortSignal);
      const callbacks = positions(args, (arg) => typeof arg === "function");
      const sources = signals.map((position) => args[position] as AbortSignal);
      if (sources.some((signal) => signal.aborted)) return reject(thrown({ kind: "cancelled" }));
      const id = next++;
      const cancel = () => port.post({ id, cancel: true } satisfies Cancel);
      const release = () => {
        for (const signal of sources) signal.removeEventListener("abort", cancel);
      };
      for (const signal of sources) signal.addEventListener("abort", cancel);
      waiting.set(id, { resolve, reject, args, release });
      const plain = args.map((arg, position) => (signals.includes(position) || callbacks.includes(position) ? null : arg));
      try {
        port.post({ id, call: name, args: plain, signals, callbacks } satisfies Call);
      } catch (error) {
        settle(id)?.reject(error instanceof Error ? error : new Error(String(error)));
      }
    });

  const api = new Proxy({} as T, {
    // A proxy that answers to `then` would be awaited as a promise.
    get: (_, name) => (typeof name === "string" && name !== "then" ? (...args: unknown[]) => send(name, args) : undefined),
  });
  return {
    api,
    close(reason) {
      if (closed) return;
      closed = new Disconnected(reason);
      stop();
      for (const id of [...waiting.keys()]) settle(id)?.reject(closed);
    },
  };
}

function positions(args: readonly unknown[], wanted: (arg: unknown) => boolean): number[] {
  return args.flatMap((arg, position) => (wanted(arg) ? [position] : []));
}
