/** If, While and lists: what comes back has the border's types. */

import type { Type } from "../../graph/graph.ts";
import { type Legalize, type LegalRule, legal } from "../rule.ts";
import { borderType } from "../types.ts";

/** For ops that are told their output types: the same with those of the border. */
export const withBorderTypes: Legalize = (b, inputs, at) => {
  const types = (at.attrs["output_types"] as readonly Type[]).map((type) => ({ ...type, dtype: borderType(type.dtype) }));
  return at.same(b, inputs, { output_types: types });
};

const functional = (op: string): LegalRule => legal(op, withBorderTypes);

export const controls: readonly LegalRule[] = [
  functional("StatelessIf"),
  functional("StatelessWhile"),
  functional("TensorListStack"),
];
