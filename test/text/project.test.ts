import { describe, expect, test } from "vitest";
import { markAt, nodeOn, placesOf } from "../../src/text/find.ts";
import { projectText } from "../../src/text/project.ts";
import { f32, modelOf, stored } from "./model.ts";

const encoder = modelOf("encoder", {
  inputs: ["tokens", "a long name"],
  outputs: ["hidden"],
  types: { tokens: { dtype: "int64", shape: ["batch", 7] }, x: f32("batch", 7, 11), hidden: f32("batch", null, 11) },
  tensors: { table: stored(13, 11) },
  nodes: [
    { op: "Gather", inputs: ["table", "tokens"], outputs: ["x"], attrs: { axis: { kind: "int", value: 0 } }, name: "/embed" },
    {
      op: "FancyNorm",
      domain: "ai.acme",
      inputs: ["x", undefined, "a long name"],
      outputs: ["hidden"],
      attrs: { epsilon: { kind: "float", value: Math.fround(1e-5) }, mode: { kind: "string", value: 'a"b\n' } },
    },
    { op: "TopK", inputs: ["hidden"], outputs: ["values", undefined, "indices"] },
    { op: "Sink", inputs: ["indices"] },
  ],
});

const branches = modelOf(
  "branches",
  {
    inputs: ["cond", "x"],
    outputs: ["y"],
    nodes: [
      { op: "Relu", inputs: ["x"], outputs: ["r"] },
      {
        op: "If",
        inputs: ["cond"],
        outputs: ["y"],
        attrs: { then_branch: { kind: "graph", value: 1 }, else_branch: { kind: "graph", value: 2 } },
      },
      { op: "Neg", inputs: ["y"], outputs: ["z"] },
    ],
  },
  { name: "then", parent: 0, outputs: ["t"], outer: ["r"], nodes: [{ op: "Abs", inputs: ["r"], outputs: ["t"] }] },
  {
    name: "else",
    parent: 0,
    outputs: ["e"],
    nodes: [{ op: "Loop", inputs: [], outputs: ["e"], attrs: { body: { kind: "graph", value: 3 } } }],
  },
  { name: "body", parent: 2, inputs: ["i"], outputs: ["o"], nodes: [{ op: "Exp", inputs: ["i"], outputs: ["o"] }] },
  {
    name: "Gelu",
    role: "function",
    domain: "com.acme",
    inputs: ["p"],
    outputs: ["q"],
    nodes: [{ op: "Erf", inputs: ["p"], outputs: ["q"] }],
  },
);

describe("the text", () => {
  test("is one line a node, in columns", () => {
    expect(projectText(encoder, { title: "ONNX opset 17 · 4 nodes" }).text).toBe(
      [
        'model "encoder"  # ONNX opset 17 · 4 nodes',
        "input  tokens        : i64[batch,7]",
        'input  "a long name" : ?',
        "output hidden        : f32[batch,?,11]",
        "",
        "x      : f32[batch,7,11] = Gather(table[13,11], tokens)  axis=0  # /embed",
        'hidden : f32[batch,?,11] = ai.acme.FancyNorm(x, _, "a long name")  epsilon=0.00001  mode="a\\"b\\n"',
        "values : ?, _, indices : ? = TopK(hidden)",
        "_ = Sink(indices)",
      ].join("\n"),
    );
  });

  test("takes inferred types where the file leaves something open", () => {
    const [graph] = encoder.graphs;
    const named = (id: number) => graph!.values[id]!.name;
    const { text } = projectText(encoder, {
      inferred: (_, value) => (named(value) === "hidden" ? f32(2, 7, 12) : named(value) === "indices" ? f32(3) : undefined),
    });
    expect(text).toContain("hidden : f32[batch,7,11] =");
    expect(text).toContain("indices : f32[3] = TopK");
  });

  test("puts sub-graphs under their node and functions last", () => {
    const { text, folds, blocks } = projectText(branches);
    expect(text).toBe(
      [
        'model "branches"',
        "input  cond : ?",
        "input  x    : ?",
        "output y    : ?",
        "",
        "r : ? = Relu(x)",
        "y : ? = If(cond)",
        '  graph then_branch "then" {',
        "    output t : ?",
        "",
        "    t : ? = Abs(r)",
        "  }",
        '  graph else_branch "else" {',
        "    output e : ?",
        "",
        "    e : ? = Loop()",
        '      graph body "body" {',
        "        input  i : ?",
        "        output o : ?",
        "",
        "        o : ? = Exp(i)",
        "      }",
        "  }",
        "z : ? = Neg(y)",
        "",
        'function "com.acme.Gelu" {',
        "  input  p : ?",
        "  output q : ?",
        "",
        "  q : ? = Erf(p)",
        "}",
      ].join("\n"),
    );
    expect(folds).toEqual([
      [7, 11],
      [16, 21],
      [12, 22],
      [25, 30],
    ]);
    expect(blocks[0]).toEqual([0, 23]);
    expect(blocks[3]).toEqual([16, 21]);
  });

  test("keeps a hostile name on its line", () => {
    const name = 'evil\n#"{}\u2028\u202e';
    const { text } = projectText(modelOf(name, { outputs: [name], nodes: [{ op: name, outputs: [name], name: "\r\n" }] }));
    expect(text.split(/[\n\r\u2028]/)).toHaveLength(4);
    expect(text).not.toMatch(/\u202e/);
    expect(text).toContain('= "evil\\n#\\"{}\\u2028\\u202e"()  # "\\u000d\\n"');
  });

  test("prints a graph once that a broken file names twice", () => {
    const twice = modelOf(
      "twice",
      { nodes: [1, 2].map(() => ({ op: "If", attrs: { then_branch: { kind: "graph" as const, value: 1 } } })) },
      { name: "shared", nodes: [{ op: "If", attrs: { then_branch: { kind: "graph", value: 1 } } }] },
    );
    expect(projectText(twice).text.match(/graph then_branch/g)).toHaveLength(1);
  });
});

describe("places", () => {
  const cut = (text: string, span: { line: number; start: number; end: number } | undefined) =>
    span && text.split("\n")[span.line]!.slice(span.start, span.end);

  test("every mark covers the name it stands for", () => {
    for (const model of [encoder, branches]) {
      const projection = projectText(model);
      for (let i = 0; i < projection.marks.size; i++) {
        const mark = projection.marks.at(i);
        const graph = model.graphs[mark.graph]!;
        const name = mark.kind === "node" ? graph.nodes[mark.node]!.op : graph.values[mark.value]!.name;
        expect(cut(projection.text, mark.span)).toContain(name);
      }
    }
  });

  test("finds nodes, definitions through enclosing graphs, and nothing for stored tensors", () => {
    const projection = projectText(branches);
    const places = placesOf(branches, projection);
    expect(places.node(3, 0)).toEqual({ line: 20, start: 16, end: 19 });
    const r = branches.graphs[1]!.values.find((value) => value.name === "r")!;
    expect(places.definition(1, r.id)).toEqual({ line: 5, start: 0, end: 1 });
    const table = encoder.graphs[0]!.values.find((value) => value.name === "table")!;
    expect(placesOf(encoder, projectText(encoder)).definition(0, table.id)).toBeUndefined();
  });

  test("tells what is under the cursor, at the right edge of a name too", () => {
    const projection = projectText(branches);
    expect(markAt(projection, 6, 0)).toMatchObject({ kind: "value", role: "definition", graph: 0 });
    expect(markAt(projection, 6, 8)).toMatchObject({ kind: "node", node: 1 });
    expect(markAt(projection, 6, 10)).toMatchObject({ kind: "node", node: 1 });
    expect(markAt(projection, 6, 11)).toMatchObject({ kind: "value", role: "use" });
    expect(markAt(projection, 7, 5)).toBeUndefined();
    expect(nodeOn(projection, 20)).toMatchObject({ graph: 3, node: 0 });
    expect(nodeOn(projection, 4)).toBeUndefined();
  });
});

test("100 000 nodes go through at the default stack", () => {
  const count = 100_000;
  const nodes = Array.from({ length: count }, (_, id) => ({
    id,
    name: `n${id}`,
    op: "Relu",
    domain: "",
    inputs: [id],
    outputs: [id + 1],
    attrs: {},
    captures: [],
  }));
  const values = Array.from({ length: count + 1 }, (_, id) => ({ id, name: `v${id}`, type: f32("batch", 17) }));
  const base = modelOf("chain", { nodes: [] });
  const model = { ...base, graphs: [{ ...base.graphs[0]!, nodes, values, inputs: [0], outputs: [count] }] };
  const projection = projectText(model);
  expect(projection.text.split("\n")).toHaveLength(count + 4);
  const place = placesOf(model, projection).node(0, count - 1)!;
  expect(nodeOn(projection, place.line)?.node).toBe(count - 1);
});
