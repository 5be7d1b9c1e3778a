/**
 * Sequences and optionals. TF.js has neither, so they are resolved while lowering: a value of this kind is a node that holds its elements
 * as inputs, which other rules take out again. One that reaches an output of the graph is a Problem.
 */
import type { DType } from "../base/dtype.ts";
import { Node, type Origin, type Value } from "../graph/graph.ts";

type Kind = "Sequence" | "Optional";

const make = (kind: Kind, elements: readonly Value[], dtype: DType, origin: Origin): Value =>
  new Node(kind, elements, {}, origin, [{ dtype: elements[0]?.dtype ?? dtype, shape: undefined }], [], false).output;

/** `dtype` is that of the elements, for a sequence without any. */
export const sequenceOf = (elements: readonly Value[], dtype: DType, origin: Origin): Value =>
  make("Sequence", elements, dtype, origin);

export const optionalOf = (element: Value | undefined, dtype: DType, origin: Origin): Value =>
  make("Optional", element ? [element] : [], dtype, origin);

/** The elements of a sequence; undefined where the value is none. */
export const elementsOf = (value: Value): readonly Value[] | undefined =>
  value.node.op === "Sequence" ? value.node.inputs : undefined;

/** What an optional holds, if anything. A value that is no optional holds itself. */
export const contentOf = (value: Value): Value | undefined => (value.node.op === "Optional" ? value.node.inputs[0] : value);

export const isGroup = (value: Value): boolean => value.node.op === "Sequence" || value.node.op === "Optional";
