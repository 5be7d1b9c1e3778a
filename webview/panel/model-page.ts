/** Details while nothing is selected: the model. */
import { bytes, count, integer, percent, shape } from "../../src/protocol/format.ts";
import type { ModelPort, ModelView, ProblemView, TypeView } from "../../src/protocol/views.ts";
import { counted, t } from "../l10n.ts";
import { h, link, row, section, signIcon } from "./dom.ts";
import { sentence } from "./words.ts";

/** A longer list is folded behind a button. */
const operatorsShown = 10;
const problemsShown = 20;
const metadataShown = 12;

export interface ModelPageEvents {
  readonly goTo: (graph: number, node: number) => void;
  readonly openGraph: (graph: number) => void;
}

/** `types`: those inferred in the main graph, by value. */
export function modelPage(
  model: ModelView,
  problems: readonly ProblemView[],
  types: ReadonlyMap<number, TypeView>,
  events: ModelPageEvents,
): HTMLElement[] {
  const heavy = problems.filter((problem) => problem.severity !== "info");
  const listed = heavy.length > 0 ? heavy : model.problems.filter((problem) => problem.severity !== "info");
  return [
    h(
      "header",
      { class: "head" },
      h("h2", { title: model.name || model.file }, model.name || model.file),
      h("span", { class: "badge" }, t("model")),
      row(t("Format"), [model.format, model.formatVersion].filter((part) => part).join(", ")),
      ...model.opsets.map(({ domain, version }, i) =>
        row(i > 0 ? "" : t(domain === "ai.onnx" ? "Opset" : "Version"), `${domain} ${version}`),
      ),
      model.producer !== undefined && row(t("Producer"), model.producer),
      row(t("Loads with"), model.loader),
      model.note !== undefined && h("p", { class: "quiet" }, sentence(model.note)),
      row(
        t("Nodes"),
        integer(model.nodes),
        model.graphs.length > 1 ? counted(model.graphs.length, "in {0} graph", "in {0} graphs") : undefined,
      ),
    ),
    ...(listed.length > 0 ? [problemList(listed, events)] : []),
    sizes(model),
    ...(model.operators.length > 0 ? [operators(model)] : []),
    ...(model.largestWeights.length > 0 ? [largest(model, events)] : []),
    section(
      t("Inputs and outputs"),
      undefined,
      ...[...model.inputs, ...model.outputs].map((port) => portRow(port, types.get(port.value) ?? port)),
    ),
    ...(model.graphs.length > 1 ? [graphs(model, events)] : []),
    ...metadata(model),
  ];
}

function portRow({ name }: ModelPort, type: TypeView): HTMLElement {
  return h(
    "div",
    { class: "row port" },
    h("span", { class: "name", title: name }, name),
    h("span", { class: "value mono" }, type.dtype ?? type.other ?? ""),
    h("span", { class: "note mono" }, type.shape ? shape(type.shape) : ""),
  );
}

function problemList(problems: readonly ProblemView[], { goTo }: ModelPageEvents): HTMLElement {
  const rows = problems.slice(0, problemsShown).map((problem) => {
    const { at } = problem;
    const name = problem.node || problem.tensor || problem.graph || t("model");
    const text = h("span", { class: "mono cut" }, name);
    const note = h("span", { class: "note" }, problem.op ?? "");
    const title = sentence(problem.reason);
    return at
      ? h(
          "button",
          { class: "problem-row", title, attributes: { type: "button" }, on: { click: () => goTo(at.graph, at.node) } },
          signIcon(problem.severity),
          text,
          note,
        )
      : h("div", { class: "problem-row told" }, signIcon(problem.severity), h("span", {}, title));
  });
  const rest = problems.length - rows.length;
  return section(
    t("Problems in this model"),
    integer(problems.length),
    ...rows,
    rest > 0 && h("div", { class: "quiet" }, t("and {0} more", integer(rest))),
  );
}

function sizes(model: ModelView): HTMLElement {
  const [main] = model.weightTypes;
  const total = Math.max(1, model.weightBytes);
  const shares = [
    "var(--vscode-charts-blue)",
    "var(--vscode-charts-green)",
    "var(--vscode-charts-purple)",
    "var(--vscode-descriptionForeground)",
  ];
  const bar = h(
    "div",
    { class: "weights-bar", attributes: { "aria-hidden": "true" } },
    ...model.weightTypes.slice(0, shares.length).map((type, i) =>
      h("span", {
        style: { "flex-grow": String(type.bytes / total), background: shares[i]! },
        title: `${type.dtype} ${bytes(type.bytes)}`,
      }),
    ),
  );
  return section(
    t("Size"),
    undefined,
    row(t("Parameters"), integer(model.parameters)),
    row(t("Weights"), bytes(model.weightBytes), model.weightTypes.length === 1 ? main!.dtype : undefined),
    model.weightTypes.length > 0 && bar,
    ...(model.weightTypes.length > 1
      ? model.weightTypes
          .slice(0, shares.length)
          .map((type, i) =>
            h(
              "div",
              { class: "row" },
              h("span", { class: "name" }, h("i", { class: "key", style: { background: shares[i]! } }), type.dtype),
              h("span", { class: "value mono" }, bytes(type.bytes)),
              h("span", { class: "note mono" }, percent(type.bytes / total)),
            ),
          )
      : []),
  );
}

function operators(model: ModelView): HTMLElement {
  const most = model.operators[0]?.count ?? 1;
  const bar = ({ op, category, count: times }: ModelView["operators"][number]): HTMLElement =>
    h(
      "div",
      { class: "row bar-row" },
      h("span", { class: "name", title: op }, op),
      h(
        "span",
        { class: "bar" },
        h("i", { class: `accent-${category}`, style: { width: `${Math.max(2, (100 * times) / most)}%` } }),
      ),
      h("span", { class: "count mono" }, integer(times)),
    );
  const rest = model.operators.slice(operatorsShown);
  const more = h("div", { class: "more" });
  if (rest.length > 0) {
    const open = (): void => more.replaceChildren(...rest.map(bar));
    more.append(link(counted(rest.length, "{0} more kind", "{0} more kinds"), open));
  }
  return section(
    t("Operators"),
    counted(model.operators.length, "{0} kind", "{0} kinds"),
    ...model.operators.slice(0, operatorsShown).map(bar),
    more,
  );
}

function largest(model: ModelView, { goTo }: ModelPageEvents): HTMLElement {
  const total = Math.max(1, model.weightBytes);
  return section(
    t("Largest weights"),
    t("{0} of {1}", model.largestWeights.length, integer(model.weights)),
    ...model.largestWeights.map((weight) => {
      const { node, graph } = weight;
      return h(
        "div",
        { class: "row weight" },
        node === undefined ? h("span", { class: "mono cut" }, weight.name) : link(weight.name, () => goTo(graph, node)),
        h("span", { class: "note mono left" }, weight.shape ? shape(weight.shape) : ""),
        h("span", { class: "mono" }, percent(weight.bytes / total)),
      );
    }),
  );
}

function graphs(model: ModelView, { openGraph }: ModelPageEvents): HTMLElement {
  const inner = model.graphs.filter((graph) => graph.role !== "main");
  return section(
    t("Graphs in it"),
    integer(inner.length),
    ...inner.slice(0, problemsShown).map((graph) =>
      h(
        "div",
        { class: "row weight" },
        link(graph.name || t("graph {0}", graph.id), () => openGraph(graph.id)),
        h("span", { class: "note left" }, graph.role === "function" ? t("function") : ""),
        h("span", { class: "mono" }, count(graph.nodes)),
      ),
    ),
  );
}

function metadata(model: ModelView): HTMLElement[] {
  const entries = Object.entries(model.metadata);
  if (entries.length === 0) return [];
  return [section(t("Metadata"), undefined, ...entries.slice(0, metadataShown).map(([name, value]) => row(name, value)))];
}
