/**
 * Sequences and optionals. TF.js has neither, so they are resolved while lowering: a value of this kind is a node that holds its elements
 * as inputs, which other rules take out again.
 */
import type { DType } from "../base/dtype.ts";
import { Node, type Origin, type Value } from "../graph/graph.ts";
import type { Builder } from "../tf/build.ts";

type Kind = "Sequence" | "Optional";

const make = (kind: Kind, elements: readonly Value[], dtype: DType, origin: Origin): Value =>
  new Node(kind, elements, {}, origin, [{ dtype: elements[0]?.dtype ?? dtype, shape: undefined }], [], false).output;

/** `dtype` is that of the elements, for a sequence without any. */
export const sequenceOf = (elements: readonly Value[], dtype: DType, origin: Origin): Value =>
  make("Sequence", elements, dtype, origin);

/** `present`: a bool scalar, where only the run knows whether there is an element. */
export const optionalOf = (element: Value | undefined, dtype: DType, origin: Origin, present?: Value): Value =>
  make("Optional", element ? [element, ...(present ? [present] : [])] : [], dtype, origin);

/** The elements of a sequence; undefined where the value is none. */
export const elementsOf = (value: Value): readonly Value[] | undefined =>
  value.node.op === "Sequence" ? value.node.inputs : undefined;

/** What an optional holds, if anything. A value that is no optional holds itself. */
export const contentOf = (value: Value): Value | undefined => (value.node.op === "Optional" ? value.node.inputs[0] : value);

/** Whether it holds something, as a bool scalar. */
export function isPresent(b: Builder, value: Value | undefined): Value {
  const computed = value?.node.op === "Optional" ? value.node.inputs[1] : undefined;
  return computed ?? b.constant({ dtype: "bool", shape: [], data: Uint8Array.of(value && contentOf(value) ? 1 : 0) });
}

export const isGroup = (value: Value): boolean => value.node.op === "Sequence" || value.node.op === "Optional";

/** The same group of other values. */
export const regrouped = (group: Value, inputs: readonly Value[]): Value =>
  make(group.node.op as Kind, inputs, group.dtype, group.node.origin);
