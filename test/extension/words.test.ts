import { describe, expect, test } from "vitest";
import { modelError, type Problem } from "../../src/base/problem.ts";
import {
  convertedText,
  isModelFault,
  operatorCounts,
  parityText,
  problemText,
  sentence,
  statusText,
} from "../../src/extension/words.ts";
import type { ConvertView, ParityResult, ParityRow } from "../../src/protocol/engine.ts";
import type { VerdictsView } from "../../src/protocol/views.ts";
import { fill } from "../../webview/l10n.ts";

const l10n = { t: (message: string, ...values: (string | number)[]): string => fill(message, values) };

const error = (fields: Partial<Problem>): Problem => ({
  code: "no-lowering",
  severity: "error",
  reason: "cannot be converted",
  ...fields,
});

describe("sentences", () => {
  test.each([
    ["2 groups of 4 channels", "2 groups of 4 channels."],
    ["no such file: a.onnx", "No such file: a.onnx."],
    ["model.json is no JSON", "model.json is no JSON."],
    ["int64 does not fit", "int64 does not fit."],
    ["is it?", "Is it?"],
    ["", ""],
  ])("%s", (clause, expected) => expect(sentence(clause)).toBe(expected));
});

describe("problems", () => {
  test("say what, where, why, what to do", () => {
    const problem = error({ op: "Acme.FancyNorm", node: "block.9/norm", hint: "cut the model before block.9" });
    expect(problemText(problem)).toBe("Acme.FancyNorm: cannot be converted (block.9/norm). Cut the model before block.9.");
  });
  test("do not name twice what the reason names", () => {
    expect(problemText(error({ op: "Einsum", reason: "Einsum has no wasm kernel", node: "attn" }))).toBe(
      "Einsum has no wasm kernel (attn).",
    );
  });
  test("tell a byte offset", () => {
    expect(problemText(error({ reason: "the file ends early", offset: 12345 }))).toBe(
      "The file ends early, at byte 12\u2009345.",
    );
  });
  test("are counted by operator, each node once", () => {
    const problems = [
      error({ op: "Foo", node: "a" }),
      error({ op: "Bar", node: "b" }),
      error({ op: "Bar", node: "b", reason: "another" }),
      error({ op: "Bar", node: "c" }),
      { ...error({ op: "Baz", node: "d" }), severity: "warning" as const },
    ];
    expect(operatorCounts(problems)).toEqual([
      ["Bar", 2],
      ["Foo", 1],
    ]);
  });
});

describe("the status bar", () => {
  const verdicts = (...problems: VerdictsView["problems"]): VerdictsView => ({
    backend: "wasm",
    problems,
    backends: [],
    types: [],
    support: [],
  });
  test("counts operators and what is unsupported", () => {
    expect(statusText(66, undefined, l10n)).toBe("66 ops");
    expect(statusText(66, verdicts(), l10n)).toBe("66 ops · ready on wasm");
    expect(statusText(1, verdicts(error({})), l10n)).toBe("1 op · not convertible");
    const at = (node: number) => ({ ...error({}), at: { graph: 0, node } });
    expect(statusText(66, verdicts(at(3), at(3), at(7)), l10n)).toBe("66 ops · 2 unsupported");
  });
});

test("a conversion tells nodes and sizes", () => {
  const view = { nodes: { source: 66, final: 41 }, weightBytes: { source: 4_900_000, final: 1_300_000 } } as ConvertView;
  expect(convertedText(view, l10n)).toBe("Converted: 66 → 41 nodes, 4.9 → 1.3 MB.");
  expect(convertedText({ ...view, weightBytes: { source: 5, final: 5 } }, l10n)).toBe("Converted: 66 → 41 nodes, 5 B.");
  expect(convertedText({ ...view, weightBytes: { source: 4_900_000, final: 13_000 } }, l10n)).toBe(
    "Converted: 66 → 41 nodes, 4.9 MB → 13 kB.",
  );
});

describe("a parity result", () => {
  const row = (name: string, verdict: ParityRow["verdict"], maxAbs: number): ParityRow => ({ name, verdict, maxAbs, op: "Conv" });
  const result = (fields: Partial<ParityResult>): ParityResult => ({
    backend: "wasm",
    reference: "onnxruntime 1.30.0",
    verdict: "within",
    outputs: [row("y", "within", 2e-6)],
    layers: [row("a", "within", 2.1e-6), row("b", "not-compared", 7)],
    paint: { backend: "wasm", tolerance: 1e-5, nodes: [] },
    problems: [],
    ...fields,
  });
  test("within", () => {
    expect(parityText(result({}), l10n)).toBe("Equal within tolerance on wasm: 1 output, 1 layer, largest difference 2.1e-6.");
  });
  test("different names the first layer", () => {
    const layers = [row("a", "within", 1e-6), row("b", "different", 0.5), row("c", "different", 3)];
    expect(parityText(result({ verdict: "different", layers }), l10n)).toBe(
      "Different on wasm, first at Conv b: largest difference 3.",
    );
  });
  test("nothing compared", () => {
    expect(parityText(result({ verdict: "not-compared" }), l10n)).toBe("Nothing could be compared on wasm.");
  });
});

test("a job that dies is no fault of the model", () => {
  expect(isModelFault(modelError("truncated", "the file is cut"))).toBe(true);
  expect(isModelFault(modelError("runtime-crashed", "the job ended: exit code 1"))).toBe(false);
  expect(isModelFault(new Error("ours"))).toBe(false);
});
