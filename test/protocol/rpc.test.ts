import { EventEmitter } from "node:events";
import { MessageChannel } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { Cancelled } from "../../src/base/cancel.ts";
import { ModelError, modelError } from "../../src/base/problem.ts";
import { connect, Disconnected, type Port, serve } from "../../src/protocol/rpc.ts";
import fc from "../build/properties.ts";

/** Two ends of a wire; messages are cloned and wait until `deliver` picks one, in order a direction. */
function wire() {
  const queues: { to: EventEmitter; messages: unknown[] }[] = [];
  const end = (to: EventEmitter, from: EventEmitter): Port => {
    const queue = { to, messages: [] as unknown[] };
    queues.push(queue);
    return {
      post: (message) => queue.messages.push(structuredClone(message)),
      listen: (listener) => {
        from.on("message", listener);
        return () => from.off("message", listener);
      },
    };
  };
  const [a, b] = [new EventEmitter(), new EventEmitter()];
  const left = end(b, a);
  const right = end(a, b);
  const deliver = (direction: number): boolean => {
    const queue = queues[direction]!;
    if (queue.messages.length === 0) return false;
    queue.to.emit("message", queue.messages.shift());
    return true;
  };
  const settle = async () => {
    for (let idle = 0; idle < 5; ) {
      const moved = [deliver(0), deliver(1)].some(Boolean);
      idle = moved ? 0 : idle + 1;
      await Promise.resolve();
    }
  };
  return { left, right, deliver, settle };
}

interface Arithmetic {
  add(a: number, b: number): Promise<number>;
  broken(node: string): Promise<void>;
  bug(): Promise<void>;
  unclonable(): Promise<unknown>;
  wait(signal: AbortSignal): Promise<string>;
  count(to: number, progress: (done: number, label: string) => void): Promise<number>;
  nothing(): Promise<void>;
}
const arithmetic = (): Arithmetic => ({
  add: async (a, b) => a + b,
  broken: async (node) => {
    throw modelError("bad-node", "no such axis: 7", { node, op: "Concat" }, "mend the file");
  },
  bug: async () => {
    throw new TypeError("a fault of ours");
  },
  unclonable: async () => () => 1,
  wait: (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Cancelled()))),
  count: async (to, progress) => {
    for (let i = 1; i <= to; i++) progress(i, `step ${i}`);
    setTimeout(() => progress(99, "late"));
    return to;
  },
  nothing: async () => {},
});

function pair() {
  const lines = wire();
  const server = serve<Arithmetic>(lines.right, arithmetic());
  const client = connect<Arithmetic>(lines.left);
  return { ...lines, server, client };
}

async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

describe("calls", () => {
  test("answers with the value, or undefined", async () => {
    const { client, settle } = pair();
    const sum = client.api.add(3, 4);
    const nothing = client.api.nothing();
    await settle();
    expect(await sum).toBe(7);
    expect(await nothing).toBeUndefined();
  });

  test("a problem crosses as data", async () => {
    const { client, settle } = pair();
    const failed = outcome(client.api.broken("block.3/concat"));
    await settle();
    const { error } = (await failed) as { error: ModelError };
    expect(error).toBeInstanceOf(ModelError);
    expect(error.problem).toEqual({
      code: "bad-node",
      severity: "error",
      reason: "no such axis: 7",
      node: "block.3/concat",
      op: "Concat",
      hint: "mend the file",
    });
  });

  test("a fault of ours keeps its message and stack", async () => {
    const { client, settle } = pair();
    const failed = outcome(client.api.bug());
    await settle();
    const { error } = (await failed) as { error: Error };
    expect(error.message).toBe("a fault of ours");
    expect(error.stack).toContain("rpc.test.ts");
  });

  test("what cannot be cloned is answered with a failure, on both sides", async () => {
    const lines = wire();
    serve<Arithmetic>(lines.right, arithmetic());
    const client = connect<Arithmetic>(lines.left);
    const back = outcome(client.api.unclonable());
    const forth = outcome(client.api.add(Symbol("no number") as unknown as number, 1));
    await lines.settle();
    expect(((await back) as { error: Error }).error.message).toContain("could not be cloned");
    expect(((await forth) as { error: Error }).error.message).toContain("could not be cloned");
  });

  test("only the api's own members can be called", async () => {
    const { client, settle } = pair();
    const api = client.api as unknown as Record<string, () => Promise<unknown>>;
    const answers = ["constructor", "toString", "__proto__", "missing"].map((name) => outcome(api[name]!()));
    await settle();
    for (const answer of await Promise.all(answers)) {
      expect((answer as { error: Error }).error.message).toContain("no such call");
    }
  });

  test("messages of others are let be", async () => {
    const { client, left, right, settle } = pair();
    for (const stray of [null, 3, "x", {}, { id: "1" }, { id: 77, ok: 1 }, { id: 78, tell: 0, args: [] }]) {
      left.post(stray);
      right.post(stray);
    }
    const sum = client.api.add(1, 1);
    await settle();
    expect(await sum).toBe(2);
  });

  test("both sides may serve and call with the same ids", async () => {
    const lines = wire();
    serve<Arithmetic>(lines.right, arithmetic());
    serve<{ name(): Promise<string> }>(lines.left, { name: async () => "left" });
    const toRight = connect<Arithmetic>(lines.left);
    const toLeft = connect<{ name(): Promise<string> }>(lines.right);
    const answers = Promise.all([toRight.api.add(20, 2), toLeft.api.name()]);
    await lines.settle();
    expect(await answers).toEqual([22, "left"]);
  });
});

describe("callbacks and cancellation", () => {
  test("progress arrives in order and never after the answer", async () => {
    const { client, settle } = pair();
    const told: unknown[] = [];
    const done = client.api.count(3, (...args) => told.push(args));
    await settle();
    expect(await done).toBe(3);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await settle();
    expect(told).toEqual([
      [1, "step 1"],
      [2, "step 2"],
      [3, "step 3"],
    ]);
  });

  test("an abort reaches the handler's signal", async () => {
    const { client, settle } = pair();
    const abort = new AbortController();
    const failed = outcome(client.api.wait(abort.signal));
    await settle();
    abort.abort();
    await settle();
    expect(((await failed) as { error: Error }).error).toBeInstanceOf(Cancelled);
  });

  test("a signal that has fired sends nothing", async () => {
    const { client, deliver } = pair();
    const { error } = (await outcome(client.api.wait(AbortSignal.abort()))) as { error: Error };
    expect(error).toBeInstanceOf(Cancelled);
    expect(deliver(0)).toBe(false);
  });

  test("closing rejects what waits and what comes later", async () => {
    const { client, settle } = pair();
    const waiting = outcome(client.api.wait(new AbortController().signal));
    await settle();
    client.close("the engine stopped");
    expect(((await waiting) as { error: Error }).error).toEqual(new Disconnected("the engine stopped"));
    expect(((await outcome(client.api.add(1, 2))) as { error: Error }).error).toBeInstanceOf(Disconnected);
  });

  test("closing the server aborts its handlers and answers nothing", async () => {
    const { client, server, settle } = pair();
    let answered = false;
    void outcome(client.api.wait(new AbortController().signal)).then(() => (answered = true));
    await settle();
    server.close();
    await settle();
    expect(answered).toBe(false);
  });
});

describe("interleavings", () => {
  const action = fc.oneof(
    fc.record({ act: fc.constant("add" as const), a: fc.integer(), b: fc.integer() }),
    fc.record({ act: fc.constantFrom("bug" as const, "unclonable" as const) }),
    fc.record({ act: fc.constant("broken" as const) }),
    fc.record({ act: fc.constant("wait" as const) }),
    fc.record({ act: fc.constant("count" as const), to: fc.integer({ min: 0, max: 5 }) }),
    fc.record({ act: fc.constant("deliver" as const), direction: fc.integer({ min: 0, max: 1 }) }),
    fc.record({ act: fc.constant("cancel" as const), which: fc.nat() }),
  );

  test("every call gets exactly one answer, and its own", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const { client, deliver, settle } = pair();
        const calls: { answers: number; expected: (got: { value?: unknown; error?: unknown }) => boolean }[] = [];
        const aborts: AbortController[] = [];
        const expectAnswer = (promise: Promise<unknown>, expected: (typeof calls)[number]["expected"]) => {
          const call = { answers: 0, expected: (got: { value?: unknown; error?: unknown }) => expected(got) };
          calls.push(call);
          void outcome(promise).then((got) => {
            call.answers++;
            expect(call.expected(got as { value?: unknown; error?: unknown })).toBe(true);
          });
        };
        for (const step of actions) {
          if (step.act === "add") expectAnswer(client.api.add(step.a, step.b), ({ value }) => value === step.a + step.b);
          else if (step.act === "deliver") deliver(step.direction);
          else if (step.act === "cancel") aborts[step.which % Math.max(1, aborts.length)]?.abort();
          else if (step.act === "count") {
            let told = 0;
            const counted = client.api.count(step.to, (done) => expect(done).toBe(++told));
            expectAnswer(counted, ({ value }) => value === step.to && told === step.to);
          } else if (step.act === "wait") {
            const abort = new AbortController();
            aborts.push(abort);
            expectAnswer(client.api.wait(abort.signal), ({ error }) => error instanceof Cancelled);
          } else if (step.act === "broken") {
            expectAnswer(client.api.broken("n"), ({ error }) => error instanceof ModelError);
          } else {
            expectAnswer(client.api[step.act](), ({ error }) => error instanceof Error && !(error instanceof ModelError));
          }
          await Promise.resolve();
        }
        for (const abort of aborts) {
          await settle();
          abort.abort();
        }
        await settle();
        expect(calls.map((call) => call.answers)).toEqual(calls.map(() => 1));
      }),
    );
  });
});

test("works over a real message channel, with typed arrays", async () => {
  const { port1, port2 } = new MessageChannel();
  const port = (end: typeof port1): Port => ({
    post: (message) => end.postMessage(message),
    listen: (listener) => {
      end.on("message", listener);
      return () => end.off("message", listener);
    },
  });
  serve<{ double(values: Float32Array): Promise<Float32Array> }>(port(port1), {
    double: async (values) => values.map((v) => v * 2),
  });
  const client = connect<{ double(values: Float32Array): Promise<Float32Array> }>(port(port2));
  expect(await client.api.double(Float32Array.of(1.5, -3, 7))).toEqual(Float32Array.of(3, -6, 14));
  port1.close();
});
