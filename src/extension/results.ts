/** The parity results: a verdict for each output and each layer, in the order of the graph. Choosing a row shows its node. */
import * as vscode from "vscode";
import type { NodeAt, ParityResult, ParityRow } from "../protocol/engine.ts";
import { decimal, plural, shape } from "../protocol/format.ts";
import type { ParityVerdict } from "../protocol/views.ts";
import { parityText } from "./words.ts";

export interface ShownResult {
  readonly model: vscode.Uri;
  readonly name: string;
  readonly result: ParityResult;
  /** Called when another result takes its place: the model's session lives as long, so that its graph stays painted. */
  readonly release: () => void;
}

type Item = { readonly section: "outputs" | "layers" | "problems" } | { readonly row: ParityRow } | { readonly note: string };

const icons: Readonly<Record<ParityVerdict, [icon: string, color: string]>> = {
  equal: ["pass", "testing.iconPassed"],
  within: ["pass", "testing.iconPassed"],
  consistent: ["pass", "testing.iconPassed"],
  different: ["error", "testing.iconFailed"],
  "not-compared": ["circle-slash", "testing.iconSkipped"],
};

export class ParityResults implements vscode.TreeDataProvider<Item>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Item>;
  private shown: ShownResult | undefined;
  private rows = new Map<ParityRow, Item>();

  constructor() {
    this.view = vscode.window.createTreeView<Item>("modelwright.parity", { treeDataProvider: this });
    this.view.message = vscode.l10n.t("No comparison yet. Run Check Parity on a model.");
  }

  /** Shows the view, with the first difference selected. */
  async show(shown: ShownResult): Promise<void> {
    this.shown?.release();
    this.shown = shown;
    this.rows = new Map();
    this.view.message = `${parityText(shown.result, vscode.l10n)} ${vscode.l10n.t("Reference: {0}.", shown.result.reference)}`;
    this.view.description = shown.name;
    this.changed.fire();
    await vscode.commands.executeCommand("modelwright.parity.focus");
    const first = firstDifference(shown.result);
    const item = first && this.itemOf(first);
    if (item) await this.view.reveal(item, { select: true, focus: false });
  }

  getTreeItem(item: Item): vscode.TreeItem {
    if ("row" in item) return this.rowItem(item.row);
    if ("note" in item) {
      const tree = new vscode.TreeItem(item.note);
      tree.iconPath = new vscode.ThemeIcon("info");
      return tree;
    }
    const { outputs, layers, problems } = this.shown!.result;
    const label =
      item.section === "outputs"
        ? plural(outputs.length, "output")
        : item.section === "layers"
          ? plural(layers.length, "layer")
          : plural(problems.length, "problem");
    return new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Expanded);
  }

  getChildren(item?: Item): Item[] {
    if (!this.shown) return [];
    const { outputs, layers, problems } = this.shown.result;
    if (!item) {
      const sections: Item[] = [{ section: "outputs" }];
      if (layers.length > 0) sections.push({ section: "layers" });
      if (problems.length > 0) sections.push({ section: "problems" });
      return sections;
    }
    if (!("section" in item)) return [];
    if (item.section === "problems") return problems.map(({ reason, hint }) => ({ note: hint ? `${reason}. ${hint}` : reason }));
    return (item.section === "outputs" ? outputs : layers).map((row) => this.itemOf(row));
  }

  getParent(item: Item): Item | undefined {
    if (!("row" in item)) return undefined;
    return { section: this.shown?.result.outputs.includes(item.row) ? "outputs" : "layers" };
  }

  dispose(): void {
    this.shown?.release();
    this.view.dispose();
    this.changed.dispose();
  }

  /** The same object a row each time: the tree knows its items by identity. */
  private itemOf(row: ParityRow): Item {
    const item = this.rows.get(row) ?? { row };
    this.rows.set(row, item);
    return item;
  }

  private rowItem(row: ParityRow): vscode.TreeItem {
    const { name, op, verdict, maxAbs, at } = row;
    const item = new vscode.TreeItem(name);
    const [icon, color] = icons[verdict];
    item.iconPath = new vscode.ThemeIcon(icon, new vscode.ThemeColor(color));
    const number = maxAbs === undefined ? undefined : decimal(maxAbs);
    item.description = [op, row.shape && shape(row.shape), number, verdictWord(verdict)].filter(Boolean).join(" · ");
    item.tooltip = tooltip(row);
    item.accessibilityInformation = { label: `${name}, ${verdictWord(verdict)}${number ? `, ${number}` : ""}` };
    if (at) {
      const target: [string, NodeAt] = [this.shown!.model.toString(), at];
      item.command = { command: "modelwright.revealInGraph", title: vscode.l10n.t("Reveal in Graph"), arguments: target };
    }
    return item;
  }
}

export const firstDifference = ({ layers, outputs }: ParityResult): ParityRow | undefined =>
  [...layers, ...outputs].find(({ verdict }) => verdict === "different");

function verdictWord(verdict: ParityVerdict): string {
  return verdict === "within"
    ? vscode.l10n.t("within tolerance")
    : verdict === "not-compared"
      ? vscode.l10n.t("not compared")
      : verdict;
}

function tooltip({ name, dtype, maxAbs, maxRel, note, ...row }: ParityRow): string {
  return [
    name,
    [dtype, row.shape && shape(row.shape)].filter(Boolean).join(" "),
    maxAbs === undefined ? undefined : vscode.l10n.t("largest absolute difference {0}", decimal(maxAbs)),
    maxRel === undefined ? undefined : vscode.l10n.t("largest relative difference {0}", decimal(maxRel)),
    note,
  ]
    .filter(Boolean)
    .join("\n");
}
