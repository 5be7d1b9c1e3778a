/** Details of the selected node. */
import { bytes, integer, plural, shape } from "../../src/protocol/format.ts";
import {
  backends,
  type NodeDetails,
  type PortView,
  type ProblemView,
  type TypeView,
  type VerdictsView,
  type WeightView,
} from "../../src/protocol/views.ts";
import { button, h, icon, link, row, section, signIcon } from "./dom.ts";
import { problemTitle, sentence } from "./words.ts";

export interface NodePageEvents {
  readonly goTo: (node: number) => void;
  readonly openGraph: (graph: number) => void;
  readonly revealInText: () => void;
}

export interface NodePageData {
  readonly details: NodeDetails;
  /** How many nodes its graph has. */
  readonly of: number;
  readonly problems: readonly ProblemView[];
  readonly verdicts: VerdictsView | undefined;
  /** Inferred types by value id. */
  readonly types: ReadonlyMap<number, TypeView>;
  /** Of a node of this graph, for the tips of links. */
  readonly nameOf: (node: number) => string;
}

export function nodePage(data: NodePageData, events: NodePageEvents): HTMLElement[] {
  const { details } = data;
  const operator = [details.domain, details.op].filter((part) => part).join(".");
  return [
    h(
      "header",
      { class: "head" },
      h("h2", { class: `accented accent-border-${details.category}`, title: operator }, operator),
      h("span", { class: "badge" }, `node ${integer(details.node + 1)} of ${integer(data.of)}`),
      details.name !== "" && h("div", { class: "own-name mono", title: details.name }, details.name),
      support(data),
      h("div", { class: "actions" }, button("Reveal in text", events.revealInText, "secondary", "go-to-file")),
    ),
    ...data.problems.map(problemBlock),
    ...(details.attributes.length > 0 ? [attributes(details, events)] : []),
    ports("Inputs", details.inputs, data, events),
    ports("Outputs", details.outputs, data, events),
    ...(details.weights.length > 0 ? [weights(details.weights)] : []),
    origin(details),
  ];
}

/** Where all is well one line of signs; else a row a backend. */
function support({ details, verdicts }: NodePageData): HTMLElement | false {
  if (!verdicts) return false;
  const verdict = verdicts.support.find(({ graph, node }) => graph === details.graph && node === details.node);
  const states = backends.map((backend) => ({ backend, state: verdict?.backends[backend] ?? "runs" }));
  if (states.every(({ state }) => state === "runs")) {
    return h(
      "div",
      { class: "supported" },
      ...states.map(({ backend }) => h("span", {}, icon("pass", "pass", "runs on"), backend)),
    );
  }
  const words = {
    runs: "runs",
    changed: verdict?.becomes ? `runs as ${verdict.becomes}` : "runs with a change",
    missing: "no implementation",
    "not-checked": "not checked",
  };
  return h(
    "div",
    { class: "support-rows" },
    ...states.map(({ backend, state }) =>
      h(
        "div",
        { class: "row" },
        h("span", { class: "name" }, backend),
        h(
          "span",
          { class: "value" },
          state === "missing"
            ? icon("error", "error")
            : state === "runs"
              ? icon("pass", "pass")
              : icon(state === "changed" ? "pass" : "circle-slash"),
          words[state],
        ),
      ),
    ),
  );
}

function problemBlock(problem: ProblemView): HTMLElement {
  return h(
    "section",
    { class: `problem is-${problem.severity}`, attributes: { "data-testid": "problem" } },
    signIcon(problem.severity),
    h(
      "div",
      {},
      h("strong", {}, problemTitle(problem)),
      h("p", {}, sentence(problem.reason)),
      problem.hint !== undefined && h("p", { class: "hint" }, sentence(problem.hint)),
    ),
  );
}

function attributes({ attributes: list }: NodeDetails, { openGraph }: NodePageEvents): HTMLElement {
  return section(
    "Attributes",
    integer(list.length),
    ...list.map(({ name, text, cut, graph }) =>
      row(name, graph === undefined ? `${text}${cut ? "…" : ""}` : link("open graph", () => openGraph(graph), `Open ${name}`)),
    ),
  );
}

function ports(title: string, list: readonly PortView[], data: NodePageData, { goTo }: NodePageEvents): HTMLElement {
  const told = title === "Outputs" ? "read by" : "made by";
  return section(
    title,
    undefined,
    ...list.map((port) => {
      const type = (port.value === undefined ? undefined : data.types.get(port.value)) ?? port;
      const [first] = port.nodes;
      const rest = port.nodes.length > 1 ? ` +${port.nodes.length - 1}` : "";
      const name =
        port.name === ""
          ? h("span", { class: "quiet" }, "left out")
          : first === undefined
            ? h("span", { class: "mono cut", title: port.name }, port.name)
            : link(port.name + rest, () => goTo(first), `${port.name}, ${told} ${data.nameOf(first)}`);
      const typeText = type.shape ? shape(type.shape) : (type.other ?? "");
      return h(
        "div",
        { class: "row port-row" },
        h("span", { class: "name mono", title: port.label }, port.label),
        name,
        h(
          "span",
          { class: "note mono", title: [type.dtype, typeText].filter((part) => part).join(" ") },
          port.dangling ? "nothing makes it" : typeText,
        ),
      );
    }),
    list.length === 0 && h("div", { class: "quiet" }, "none"),
  );
}

function weights(list: readonly WeightView[]): HTMLElement {
  const parameters = list.reduce((sum, weight) => sum + weight.parameters, 0);
  const size = list.reduce((sum, weight) => sum + weight.bytes, 0);
  return section(
    "Weights",
    `${plural(parameters, "parameter")} · ${bytes(size)}`,
    ...list.flatMap((weight) =>
      [
        h(
          "div",
          { class: "row port-row" },
          h("span", { class: "name mono" }, weight.label),
          h("span", { class: "mono cut", title: weight.name }, weight.name),
          h("span", { class: "note mono" }, weight.shape ? shape(weight.shape) : ""),
        ),
        h(
          "div",
          { class: "row where" },
          h(
            "span",
            { class: "quiet" },
            [
              weight.dtype,
              bytes(weight.bytes),
              weight.offset !== undefined && `${weight.file ?? "at"} ${weight.file ? "at " : ""}byte ${integer(weight.offset)}`,
            ]
              .filter((part) => part)
              .join(" · "),
          ),
        ),
        weight.values !== undefined && h("div", { class: "values mono" }, weight.values.join(", ")),
      ].filter((part) => part !== false),
    ),
  );
}

function origin(details: NodeDetails): HTMLElement {
  const domain = details.domain || "ai.onnx";
  return section(
    "Origin",
    undefined,
    row("Operator", details.op, details.version === undefined ? domain : `${domain} ${details.version}`),
    details.doc !== undefined && h("p", { class: "doc" }, details.doc),
    ...Object.entries(details.metadata).map(([name, value]) => row(name, value)),
  );
}
