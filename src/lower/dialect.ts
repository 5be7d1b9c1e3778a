/** What lowering a source dialect takes. */
import type { Problem } from "../base/problem.ts";
import type { SourceModel } from "../graph/source.ts";
import type { Constants, Verdict } from "./lower.ts";
import type { RuleTable } from "./rule.ts";

export interface DialectRules {
  readonly rules: RuleTable;
  /** The model without what rules, which see a node at a time, cannot lower: control flow as a web of nodes, variables, tables. */
  readonly prepare?: (model: SourceModel, constants: Constants, outputs: readonly string[] | undefined) => SourceModel;
  /** What is said of nodes that are left out though they do something. */
  readonly dropped?: (model: SourceModel, verdicts: ReadonlyMap<string, Verdict>) => readonly Problem[];
  /** Operators that TF.js runs as the source means them. */
  readonly native?: ReadonlySet<string>;
}
