/** Details of the selected node. */
import { integer } from "../../src/protocol/format.ts";
import { backends, type NodeDetails, type ProblemView, type TypeView, type VerdictsView } from "../../src/protocol/views.ts";
import { t } from "../l10n.ts";
import { button, h, icon, link, row, section, signIcon } from "./dom.ts";
import { limited, portSection, weightSection } from "./ports.ts";
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
      h("span", { class: "badge" }, t("node {0} of {1}", integer(details.node + 1), integer(data.of))),
      details.name !== "" && h("div", { class: "own-name mono", title: details.name }, details.name),
      support(data),
      h("div", { class: "actions" }, button(t("Reveal in text"), events.revealInText, "secondary", "go-to-file")),
    ),
    ...data.problems.map(problemBlock),
    ...(details.attributes.length > 0 ? [attributes(details, events)] : []),
    portSection(t("Inputs"), "{0}, made by {1}", details.inputs, data, events.goTo),
    portSection(t("Outputs"), "{0}, read by {1}", details.outputs, data, events.goTo),
    ...(details.weights.length > 0 ? [weightSection(details.weights)] : []),
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
      ...states.map(({ backend }) => h("span", {}, icon("pass", "pass", t("runs on")), backend)),
    );
  }
  const words = {
    runs: t("runs"),
    changed: verdict?.becomes ? t("runs as {0}", verdict.becomes) : t("runs with a change"),
    missing: t("no implementation"),
    "not-checked": t("not checked"),
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
    t("Attributes"),
    integer(list.length),
    ...limited(list, ({ name, text, cut, graph }) => [
      row(
        name,
        graph === undefined ? `${text}${cut ? "…" : ""}` : link(t("open graph"), () => openGraph(graph), t("Open {0}", name)),
      ),
    ]),
  );
}

function origin(details: NodeDetails): HTMLElement {
  return section(
    t("Origin"),
    undefined,
    row(t("Operator"), details.op, details.version === undefined ? details.owner : `${details.owner} ${details.version}`),
    details.doc !== undefined && h("p", { class: "doc" }, details.doc),
    ...Object.entries(details.metadata).map(([name, value]) => row(name, value)),
  );
}
