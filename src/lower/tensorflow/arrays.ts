/**
 * TensorArrays and TensorLists. While lowering an array is one of three: never written (a node that knows its size), a Sequence of its
 * elements where all places are known, or one dense tensor with the elements along axis 0. In TensorFlow's v1 form the array is the `flow`.
 */
import type { DType } from "../../base/dtype.ts";
import { type Dim, isStatic, Node, type Shape, type Type, type Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf, dimsOf } from "../../tf/op.ts";
import { elementsOf, isGroup, sequenceOf } from "../group.ts";
import type { At, Rule } from "../rule.ts";
import { int } from "../schema.ts";
import { dtype, tfRule } from "./attrs.ts";
import { zeroOf } from "./shape.ts";
import { isTable } from "./tables.ts";

/** Longer arrays are dense from the start. */
const maxElements = 256;

/** An array that nothing has been written to; its only input is the number of its elements. */
export const emptyArray = (b: Builder, size: Value, type: DType): Value =>
  new Node("EmptyArray", [size], {}, b.origin, [{ dtype: type, shape: undefined }], [], false).output;

export const isEmpty = (array: Value): boolean => array.node.op === "EmptyArray";
const sizeOf = (array: Value): Value => array.node.inputs[0]!;
/** Resolved while lowering; no value of TF.js. */
export const isResolved = (value: Value): boolean => isGroup(value) || isEmpty(value) || isHole(value) || isTable(value);

const hole = (b: Builder, type: DType): Value =>
  new Node("Hole", [], {}, b.origin, [{ dtype: type, shape: undefined }], [], false).output;
const isHole = (value: Value): boolean => value.node.op === "Hole";

export function knownNumber(value: Value): number | undefined {
  const dims = dimsOf(value);
  return dims?.length === 1 && typeof dims[0] === "number" ? dims[0] : undefined;
}

/** Are these the places 0, 1, … of all elements? */
function isWholeRange(indices: Value): boolean {
  const dims = dimsOf(indices);
  if (dims) return dims.every((dim, i) => dim === i);
  const { op, inputs } = indices.node;
  return op === "Range" && knownNumber(inputs[0]!) === 0 && knownNumber(inputs[2]!) === 1;
}

/** Where a dim that is not a number is found at run time: a vector of one, or undefined. */
export type DimSource = (dim: Dim, axis: number) => Value | undefined;

/** Zeroes for the elements of an array that is about to be written at places that only the run knows. */
function zeroArray(b: Builder, size: Value, { dtype: type, shape }: Type, dimOf: DimSource, at: At): Value {
  const dims = shape?.map((dim, axis) => (typeof dim === "number" ? b.ints([dim]) : dimOf(dim, axis)));
  if (!dims?.every((dim) => dim !== undefined))
    throw at.unsupported("an array whose elements have no known shape", "give the input's shape with --input");
  return b.op("Fill", [b.concat([b.cast(b.reshape(size, [1]), "int32"), ...dims], 0), zeroOf(b, type)]);
}

const nowhere: DimSource = () => undefined;

/** The array as one tensor. */
export function dense(b: Builder, array: Value, at: At, element?: Type, dimOf: DimSource = nowhere): Value {
  const elements = elementsOf(array);
  if (!elements) {
    if (!isEmpty(array)) return array;
    if (!element) throw at.unsupported("an array that is read before it is written");
    return zeroArray(b, sizeOf(array), element, dimOf, at);
  }
  const written = elements.find((each) => !isHole(each));
  const type = written?.type ?? element;
  if (!type) throw at.unsupported("an array that is read before it is written");
  const filled = elements.map((each) => {
    if (!isHole(each)) return each;
    if (!isStatic(type.shape)) throw at.unsupported("an array with places that nothing was written to");
    return b.op("Fill", [b.ints(type.shape), zeroOf(b, type.dtype)]);
  });
  return b.op("Pack", filled, { axis: 0 });
}

export function write(b: Builder, array: Value, index: Value, value: Value, at: At): Value {
  const place = knownNumber(index);
  const size = isEmpty(array) ? knownNumber(sizeOf(array)) : elementsOf(array)?.length;
  if (place !== undefined && size !== undefined && Math.max(size, place) <= maxElements) {
    const elements = [...(elementsOf(array) ?? Array.from({ length: size }, () => hole(b, value.dtype)))];
    while (elements.length <= place) elements.push(hole(b, value.dtype));
    elements[place] = value;
    return sequenceOf(elements, value.dtype, b.origin);
  }
  const whole = dense(b, array, at, value.type, (_, axis) => b.dim(value, axis));
  return b.op("TensorScatterUpdate", [whole, b.reshape(index, [1, 1]), b.op("ExpandDims", [value, b.scalar("int32", 0)])]);
}

export function read(b: Builder, array: Value, index: Value, at: At): Value {
  const place = knownNumber(index);
  const elements = elementsOf(array);
  if (place !== undefined && elements) {
    const element = elements[place];
    if (!element || isHole(element)) throw at.invalid(`element ${place} of an array that has none there`);
    return element;
  }
  return b.gather(dense(b, array, at), b.reshape(index, []), 0);
}

function scatter(b: Builder, array: Value, indices: Value, value: Value, at: At): Value {
  if (isEmpty(array) && isWholeRange(indices)) return value;
  const places = dimsOf(indices);
  if (places?.every((place) => typeof place === "number") && places.length <= maxElements)
    return places.reduce<Value>(
      (whole, place, i) => write(b, whole, b.scalar("int32", place as number), b.gather(value, b.scalar("int32", i), 0), at),
      array,
    );
  const element = { dtype: value.dtype, shape: value.shape.slice(1) };
  return b.op("TensorScatterUpdate", [dense(b, array, at, element), b.op("ExpandDims", [indices, b.scalar("int32", 1)]), value]);
}

function gather(b: Builder, array: Value, indices: Value, at: At): Value {
  const places = dimsOf(indices);
  const elements = elementsOf(array);
  if (elements && places?.every((place) => typeof place === "number"))
    return b.op(
      "Pack",
      places.map((place) => read(b, array, b.scalar("int32", place as number), at)),
      { axis: 0 },
    );
  const whole = dense(b, array, at);
  return isWholeRange(indices) && !elements ? whole : b.gather(whole, indices, 0);
}

/** All elements end to end, and how long each is. */
function concat(b: Builder, array: Value, at: At): readonly Value[] {
  const elements = elementsOf(array) ?? undefined;
  if (elements?.every((each) => !isHole(each)))
    return [
      b.concat(elements, 0),
      b.cast(
        b.concat(
          elements.map((each) => b.dim(each, 0)),
          0,
        ),
        "int64",
      ),
    ];
  const whole = dense(b, array, at);
  const rest = whole.shape.slice(2);
  const [count, length] = [b.dim(whole, 0), b.dim(whole, 1)];
  const shape = b.concat([b.op("Mul", [count, length]), ...rest.map((_, i) => b.dim(whole, i + 2))], 0);
  return [b.op("Reshape", [whole, shape]), b.cast(b.op("Fill", [count, b.reshape(length, [])]), "int64")];
}

function split(b: Builder, value: Value, lengths: Value, at: At): Value {
  const sizes = at.numbers(lengths, "the lengths");
  const parts = b.ops("SplitV", [value, b.ints(sizes), b.scalar("int32", 0)], { num_split: sizes.length });
  return sequenceOf(parts, value.dtype, b.origin);
}

function length(b: Builder, array: Value): Value {
  const elements = elementsOf(array);
  if (elements) return b.scalar("int32", elements.length);
  return isEmpty(array) ? b.cast(b.reshape(sizeOf(array), []), "int32") : b.reshape(b.dim(array, 0), []);
}

function push(b: Builder, list: Value, value: Value, at: At): Value {
  const elements = elementsOf(list);
  if (elements) return sequenceOf([...elements, value], value.dtype, b.origin);
  if (isEmpty(list) && knownNumber(sizeOf(list)) === 0) return sequenceOf([value], value.dtype, b.origin);
  if (isResolved(list)) throw at.unsupported("a list that grows by a number of elements that only the run knows");
  // Carried through a loop: a tensor that is longer after every round.
  return b.concat([list, b.op("ExpandDims", [value, b.scalar("int32", 0)])], 0);
}

function pop(b: Builder, list: Value, at: At): readonly Value[] {
  const elements = elementsOf(list);
  if (!elements || elements.length === 0) throw at.unsupported("the last element of a list whose length only the run knows");
  return [sequenceOf(elements.slice(0, -1), list.dtype, b.origin), elements.at(-1)!];
}

const countOf = (b: Builder, indices: Value): Value => b.reshape(b.dim(indices, 0), []);

/** Cut, or filled up with places that nothing is written to. */
function resized(b: Builder, list: Value, size: Value, at: At): Value {
  if (isEmpty(list)) return emptyArray(b, size, list.dtype);
  const [elements, count] = [elementsOf(list), knownNumber(size)];
  if (!elements || count === undefined || count > maxElements)
    throw at.unsupported("a list that takes a size that only the run knows");
  const kept = elements.slice(0, count);
  while (kept.length < count) kept.push(hole(b, list.dtype));
  return sequenceOf(kept, list.dtype, b.origin);
}

const scalarLike = (shape: Value): Shape | undefined => {
  const dims = constantOf(shape) && dimsOf(shape);
  return dims?.every((dim) => typeof dim === "number" && dim >= 0) ? dims : undefined;
};

/** A stacked array has at least the element's dims that the op was told. */
function stack(b: Builder, array: Value, elementShape: Value | undefined, type: DType, at: At): Value {
  const shape = elementShape && scalarLike(elementShape);
  return dense(b, array, at, shape ? { dtype: type, shape } : undefined);
}

export const arrays: readonly Rule[] = [
  tfRule(
    "TensorArrayV3",
    [1, 1],
    { dtype: dtype() },
    (b, [size], a) => {
      const array = emptyArray(b, size, a.dtype);
      return [array, array];
    },
    { parameters: [0] },
  ),
  tfRule("TensorArrayWriteV3", [4, 4], {}, (b, [, index, value, flow], _, at) => [write(b, flow, index, value, at)], {
    parameters: [1],
  }),
  tfRule("TensorArrayReadV3", [3, 3], {}, (b, [, index, flow], _, at) => [read(b, flow, index, at)], { parameters: [1] }),
  tfRule("TensorArrayScatterV3", [4, 4], {}, (b, [, indices, value, flow], _, at) => [scatter(b, flow, indices, value, at)], {
    parameters: [1],
  }),
  tfRule("TensorArrayGatherV3", [3, 3], {}, (b, [, indices, flow], _, at) => [gather(b, flow, indices, at)], { parameters: [1] }),
  tfRule("TensorArrayConcatV3", [2, 2], {}, (b, [, flow], _, at) => concat(b, flow, at)),
  tfRule("TensorArraySplitV3", [4, 4], {}, (b, [, value, lengths], _, at) => [split(b, value, lengths, at)], { parameters: [2] }),
  tfRule("TensorArraySizeV3", [2, 2], {}, (b, [, flow]) => [length(b, flow)]),
  tfRule("TensorArrayCloseV3", [1, 1], {}, () => []),
  tfRule("TensorListReserve", [2, 2], { element_dtype: dtype() }, (b, [, size], a) => [emptyArray(b, size, a.element_dtype)], {
    parameters: [0, 1],
  }),
  tfRule(
    "EmptyTensorList",
    [2, 2],
    { element_dtype: dtype() },
    (b, _, a) => [emptyArray(b, b.scalar("int32", 0), a.element_dtype)],
    { parameters: [0, 1] },
  ),
  tfRule("TensorListFromTensor", [2, 2], {}, (_, [value]) => [value], { parameters: [1] }),
  tfRule("TensorListSetItem", [3, 3], {}, (b, [list, index, value], _, at) => [write(b, list, index, value, at)], {
    parameters: [1],
  }),
  tfRule("TensorListGetItem", [3, 3], {}, (b, [list, index], _, at) => [read(b, list, index, at)], { parameters: [1, 2] }),
  tfRule(
    "TensorListStack",
    [2, 2],
    { element_dtype: dtype(), num_elements: int(-1) },
    (b, [list, shape], a, at) => [stack(b, list, shape, a.element_dtype, at)],
    { parameters: [1] },
  ),
  tfRule("TensorListGather", [3, 3], {}, (b, [list, indices], _, at) => [gather(b, list, indices, at)], { parameters: [2] }),
  tfRule(
    "TensorListScatter",
    [3, 3],
    { element_dtype: dtype() },
    (b, [value, indices], a, at) => [scatter(b, emptyArray(b, countOf(b, indices), a.element_dtype), indices, value, at)],
    { parameters: [1, 2] },
  ),
  tfRule(
    "TensorListScatterV2",
    [4, 4],
    { element_dtype: dtype() },
    (b, [value, indices, , size], a, at) => {
      const told = knownNumber(size);
      const count = told !== undefined && told < 0 ? countOf(b, indices) : size;
      return [scatter(b, emptyArray(b, count, a.element_dtype), indices, value, at)];
    },
    { parameters: [1, 2, 3] },
  ),
  tfRule(
    "TensorListScatterIntoExistingList",
    [3, 3],
    {},
    (b, [list, value, indices], _, at) => [scatter(b, list, indices, value, at)],
    { parameters: [2] },
  ),
  tfRule("TensorListResize", [2, 2], {}, (b, [list, size], _, at) => [resized(b, list, size, at)], { parameters: [1] }),
  tfRule("TensorListConcatLists", [2, 2], { element_dtype: dtype() }, (b, [p, q], a, at) => {
    const [left, right] = [p, q].map((each) => (isEmpty(each) && knownNumber(sizeOf(each)) === 0 ? [] : elementsOf(each)));
    if (left && right) return [sequenceOf([...left, ...right], a.element_dtype, b.origin)];
    return [b.concat([dense(b, p, at), dense(b, q, at)], 0)];
  }),
  tfRule("TensorListElementShape", [1, 1], { shape_type: dtype("int32") }, (b, [list], a, at) => {
    const elements = elementsOf(list);
    const element = elements?.find((each) => !isHole(each));
    if (element) return [b.op("Shape", [element], { out_type: a.shape_type })];
    const whole = dense(b, list, at);
    return [b.slice(b.op("Shape", [whole], { out_type: a.shape_type }), [1], [-1])];
  }),
  tfRule("TensorListConcat", [1, 1], {}, (b, [list], _, at) => concat(b, list, at)),
  tfRule("TensorListConcatV2", [3, 3], {}, (b, [list], _, at) => concat(b, list, at), { parameters: [1, 2] }),
  tfRule("TensorListSplit", [3, 3], {}, (b, [value, , lengths], _, at) => [split(b, value, lengths, at)], { parameters: [1, 2] }),
  tfRule("TensorListPushBack", [2, 2], {}, (b, [list, value], _, at) => [push(b, list, value, at)]),
  tfRule("TensorListPopBack", [2, 2], {}, (b, [list], _, at) => pop(b, list, at), { parameters: [1] }),
  tfRule("TensorListLength", [1, 1], {}, (b, [list]) => [length(b, list)]),
];
