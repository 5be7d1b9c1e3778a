/** If, While and lists: what comes back has the border's types. */

import type { Type } from "../../graph/graph.ts";
import { type LegalRule, legal } from "../rule.ts";
import { borderType } from "../types.ts";

const functional = (op: string): LegalRule =>
  legal(op, (b, inputs, at) => {
    const types = (at.attrs["output_types"] as readonly Type[]).map((type) => ({ ...type, dtype: borderType(type.dtype) }));
    return at.same(b, inputs, { output_types: types });
  });

export const controls: readonly LegalRule[] = [
  functional("StatelessIf"),
  functional("StatelessWhile"),
  functional("TensorListStack"),
];
