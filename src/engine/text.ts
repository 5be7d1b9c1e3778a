/** The text projection's answers: outline, what is under the cursor, where a node is. One projection a model and dry run. */
import type { GraphId, SourceModel, SourceType, ValueId } from "../graph/source.ts";
import type { NodeAt, TextHit, TextSpan, TextSymbol } from "../protocol/engine.ts";
import { bytes, count, plural } from "../protocol/format.ts";
import { graphLinks, namedType } from "../protocol/graph-view.ts";
import { storedBytes } from "../protocol/model-view.ts";
import type { ModelView, ProblemView, VerdictsView } from "../protocol/views.ts";
import { markAt, nodeOn, type Places, placesOf, resolve } from "../text/find.ts";
import { opText } from "../text/line.ts";
import { type Projection, projectText } from "../text/project.ts";

/** An outline of more entries is slower than the text's own search; beyond it only graphs and functions are listed. */
const maxSymbols = 20_000;

export class ModelText {
  readonly projection: Projection;
  private readonly places: Places;
  private readonly problems = new Map<string, ProblemView[]>();

  constructor(
    private readonly model: SourceModel,
    view: ModelView,
    verdicts: VerdictsView | undefined,
  ) {
    const inferred = new Map<string, SourceType>();
    for (const { graph, value, dtype, shape } of verdicts?.types ?? [])
      inferred.set(`${graph} ${value}`, { dtype: dtype as SourceType["dtype"], shape });
    this.projection = projectText(model, { title: titleOf(view), inferred: (graph, value) => inferred.get(`${graph} ${value}`) });
    this.places = placesOf(model, this.projection);
    for (const problem of verdicts?.problems ?? []) {
      if (!problem.at) continue;
      const key = `${problem.at.graph} ${problem.at.node}`;
      this.problems.set(key, [...(this.problems.get(key) ?? []), problem]);
    }
  }

  span({ graph, node }: NodeAt): TextSpan | undefined {
    return this.places.node(graph, node);
  }

  at(line: number, column: number): TextHit | undefined {
    const mark = markAt(this.projection, line, column);
    const node = nodeOn(this.projection, line);
    const on = node && { on: { graph: node.graph, node: node.node } };
    if (!mark) return node && { span: node.span, ...on, problems: [] };
    if (mark.kind === "node") {
      const source = this.model.graphs[mark.graph]!.nodes[mark.node]!;
      const output = source.outputs.find((value) => value !== undefined);
      const value = output === undefined ? {} : { value: this.value(mark.graph, output) };
      return {
        span: mark.span,
        ...on,
        op: opText(source),
        ...value,
        problems: this.problems.get(`${mark.graph} ${mark.node}`) ?? [],
      };
    }
    const definition = this.places.definition(mark.graph, mark.value);
    return { span: mark.span, ...on, ...(definition && { definition }), value: this.value(mark.graph, mark.value), problems: [] };
  }

  private value(graph: GraphId, id: ValueId): NonNullable<TextHit["value"]> {
    const home = resolve(this.model, graph, id);
    const source = this.model.graphs[home.graph]!;
    const value = source.values[home.value]!;
    const producer = value.producer === undefined ? undefined : source.nodes[value.producer];
    let uses = 0;
    for (const node of source.nodes) for (const input of node.inputs) if (input === home.value) uses++;
    return {
      ...namedType(source, home.value),
      uses,
      ...(value.tensor ? { bytes: storedBytes(value.tensor) } : {}),
      ...(producer ? { producer: opText(producer) } : {}),
    };
  }

  /** Nodes of the main graph, sub-graphs under the node that holds them, functions last. */
  symbols(): TextSymbol[] {
    const { graphs } = this.model;
    const withNodes = graphs.reduce((sum, graph) => sum + graph.nodes.length, 0) <= maxSymbols;
    const entries: TextSymbol[][] = graphs.map(() => []);
    const blocks: TextSymbol[] = [];
    const held = new Map<string, TextSymbol[]>();
    for (const link of graphLinks(this.model)) {
      const block = this.projection.blocks[link.id];
      if (!block || link.role === "main") continue;
      const [firstLine, lastLine] = block;
      const selection = { line: firstLine, start: 0, end: 0 };
      const detail = link.role === "function" ? "function" : "graph";
      const entry: TextSymbol = {
        name: link.name || detail,
        detail,
        kind: "graph",
        firstLine,
        lastLine,
        selection,
        children: entries[link.id]!,
      };
      const key = `${link.parent} ${link.holder}`;
      if (withNodes && link.holder !== undefined) held.set(key, [...(held.get(key) ?? []), entry]);
      else blocks.push(entry);
    }
    for (const graph of withNodes ? graphs : []) {
      for (const node of graph.nodes) {
        const span = this.places.node(graph.id, node.id);
        if (!span) continue;
        const output = node.outputs.find((value) => value !== undefined);
        const name = (output === undefined ? node.name : graph.values[output]?.name) || node.name || opText(node);
        const children = held.get(`${graph.id} ${node.id}`) ?? [];
        const lastLine = Math.max(span.line, ...children.map((child) => child.lastLine));
        entries[graph.id]!.push({
          name,
          detail: opText(node),
          kind: "node",
          firstLine: span.line,
          lastLine,
          selection: span,
          children,
        });
      }
    }
    return [...entries[0]!, ...blocks];
  }
}

/** `ONNX opset 17, ai.acme 1 · 131 nodes · 110 M parameters · 438 MB` */
export function titleOf(view: ModelView): string {
  const [own, ...others] = view.format === "ONNX" ? view.opsets : []; // only ONNX calls its versions so
  const opsets = [own && `opset ${own.version}`, ...others.map(({ domain, version }) => `${domain} ${version}`)].filter(Boolean);
  return [
    [view.format, opsets.join(", ")].filter(Boolean).join(" "),
    plural(view.nodes, "node"),
    ...(view.parameters > 0 ? [`${count(view.parameters)} parameters`] : []),
    bytes(view.bytes),
  ].join(" · ");
}
