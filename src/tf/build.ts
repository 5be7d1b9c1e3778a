/** Builds hub graphs: every value has its type as soon as it exists, and small constant arithmetic folds while it is built. */
import { byteLength, type DType, isFloat, isInteger } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import {
  type Attrs,
  type Dim,
  isStatic,
  Node,
  noOrigin,
  type Origin,
  type Shape,
  sizeOf,
  type Type,
  type Value,
} from "../graph/graph.ts";
import { elementCount, isStored, type StoredTensor, type Tensor, tensorOf } from "../graph/tensor.ts";
import { checkInt32 } from "./int32.ts";
import { Call, constantOf, dimsOf, type OpDef, opDef } from "./op.ts";

/** Eager folding only up to here, inputs and outputs both; beyond it a constant stays an expression. */
export const eagerBytes = 16 * 1024;

/** Bytes of a type; strings count 16 each; undefined where a dim is not known. */
export function bytesOf(type: Type): number | undefined {
  const size = sizeOf(type.shape);
  return size === undefined ? undefined : (byteLength(type.dtype, size) ?? 16 * size);
}

const parents = new WeakMap<Tensor, readonly Tensor[]>();

/** What a tensor was folded from at once, so that a weight is known as one by whatever arithmetic it went through. */
export const foldedFrom = (tensor: Tensor | StoredTensor): readonly Tensor[] => parents.get(tensor as Tensor) ?? [];

function madeOf(tensor: Tensor, from: readonly Tensor[]): Tensor {
  if (isFloat(tensor.dtype) && !from.includes(tensor)) parents.set(tensor, from);
  return tensor;
}

const isSmall = (type: Type): boolean => (bytesOf(type) ?? Number.POSITIVE_INFINITY) <= eagerBytes;

export class Builder {
  /** Stamped on every node made; lowering and rewriting set it as they go. */
  origin: Origin = noOrigin;
  private readonly vectors = new Map<string, Value>();

  /** A single-output op. */
  op(name: string, inputs: readonly Value[], attrs: Attrs = {}): Value {
    const outputs = this.ops(name, inputs, attrs);
    if (outputs.length !== 1) throw new Error(`${name} has ${outputs.length} outputs`);
    return outputs[0]!;
  }

  /** All outputs. Throws a `ModelError` without a place where the op's shape rule refuses its inputs. */
  ops(name: string, inputs: readonly Value[], attrs: Attrs = {}): readonly Value[] {
    const def = opDef(name);
    const call = new Call(name, inputs, attrs);
    const types = def.infer(call);
    const constant = isFoldable(def, inputs, types);
    if (constant) checkSizes(name, types);
    if (constant && def.fold && types.every(isSmall)) {
      const tensors = inputs.map(constantOf);
      if (tensors.every((t) => t !== undefined) && inputs.every((input) => isSmall(input.type)))
        return def.fold(tensors as Tensor[], attrs, types).map((tensor) => this.constant(madeOf(tensor, tensors as Tensor[])));
    }
    const elements = constant ? undefined : def.elements?.(call);
    if (elements?.every((dim) => typeof dim === "number") && types.length === 1 && def.pure !== false)
      return [
        this.constant(tensorOf(types[0]!.dtype, types[0]!.shape?.length === 0 ? [] : [elements.length], elements as number[])),
      ];
    return new Node(name, inputs, attrs, this.origin, types, [elements], constant).outputs;
  }

  /** As `op`, but not folded at once, however small: a weight stays in the form in which it is stored. */
  kept(name: string, inputs: readonly Value[], attrs: Attrs = {}): Value {
    const def = opDef(name);
    const types = def.infer(new Call(name, inputs, attrs));
    return new Node(name, inputs, attrs, this.origin, types, [], isFoldable(def, inputs, types)).output;
  }

  /** A node like `node` over other inputs; the same node where they are the same. */
  rebuild(node: Node, inputs: readonly Value[]): readonly Value[] {
    if (inputs.length === node.inputs.length && inputs.every((input, i) => input === node.inputs[i])) return node.outputs;
    // An expression was left as one for a reason.
    if (node.constant && node.outputs.length === 1) return [this.kept(node.op, inputs, node.attrs)];
    return this.ops(node.op, inputs, node.attrs);
  }

  input(name: string, type: Type): Value {
    return new Node("Placeholder", [], { name }, this.origin, [type], [], false).output;
  }

  constant(value: Tensor | StoredTensor): Value {
    if (!isStored(value) && !Array.isArray(value.data)) {
      const complex = value.dtype.startsWith("complex") ? 2 : 1;
      if (value.data.length !== elementCount(value.shape) * complex)
        throw new Error(`a constant of shape [${value.shape}] with ${value.data.length} elements`);
    }
    const type = { dtype: value.dtype, shape: value.shape };
    return new Node("Const", [], { value }, this.origin, [type], [], true).output;
  }

  /** A scalar Const. `ModelError` where it is an int32 that 32 bits do not hold. */
  scalar(dtype: DType, value: number): Value {
    if (dtype === "int32") checkInt32([value]);
    return this.constant(tensorOf(dtype, [], [value]));
  }

  /** An int32 vector Const: axes, permutations, shapes. Shared, so that equal ones are one node. `ModelError` where one does not fit. */
  ints(values: readonly number[]): Value {
    const key = values.join();
    const known = this.vectors.get(key);
    if (known) return known;
    checkInt32(values);
    const value = new Node(
      "Const",
      [],
      { value: tensorOf("int32", [values.length], values) },
      noOrigin,
      [{ dtype: "int32", shape: [values.length] }],
      [],
      true,
    ).output;
    this.vectors.set(key, value);
    return value;
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return perm.every((axis, i) => axis === i) ? x : this.op("Transpose", [x, this.ints(perm)]);
  }

  /** To dims that are numbers, at most one of them −1. */
  reshape(x: Value, dims: readonly number[]): Value {
    const same =
      isStatic(x.type.shape) && x.type.shape.length === dims.length && dims.every((dim, i) => dim === x.type.shape![i]);
    return same ? x : this.op("Reshape", [x, this.ints(dims)]);
  }

  /**
   * To dims of which some are symbols or unknown: one of those is written as −1; where there are more, they are read at run time
   * from `like`: entry i names a value and an axis that have the dim.
   */
  reshapeTo(x: Value, dims: Shape, like?: readonly (readonly [Value, number] | undefined)[]): Value {
    const open = dims.filter((dim) => typeof dim !== "number").length;
    if (open <= 1 && !dims.includes(0))
      return this.reshape(
        x,
        dims.map((dim) => (typeof dim === "number" ? dim : -1)),
      );
    return this.op("Reshape", [x, this.shapeVector(dims, like)]);
  }

  /** An int32 vector of the dims, unknown ones read at run time from `like`. */
  shapeVector(dims: Shape, like: readonly (readonly [Value, number] | undefined)[] = []): Value {
    if (isStatic(dims)) return this.ints(dims);
    const parts = dims.map((dim, i) => {
      if (typeof dim === "number") return this.ints([dim]);
      const at = like[i];
      if (!at) throw new Error(`no value has dim ${i}`);
      return this.dim(at[0], at[1]);
    });
    return parts.length === 1 ? parts[0]! : this.op("ConcatV2", [...parts, this.scalar("int32", 0)]);
  }

  /** Dim `axis` of `x` as an int32 vector of one element; a Const where it is known. */
  dim(x: Value, axis: number): Value {
    const size = x.type.shape?.[axis];
    if (typeof size === "number") return this.ints([size]);
    return this.slice(this.op("Shape", [x]), [axis], [1]);
  }

  slice(x: Value, begin: readonly number[], size: readonly number[]): Value {
    return this.op("Slice", [x, this.ints(begin), this.ints(size)]);
  }

  /** As a lowering needs it: whole numbers that are known stay what they are; `ModelError` where int32 cannot hold one. */
  cast(x: Value, dtype: DType): Value {
    if (x.dtype === dtype) return x;
    const known = dtype === "int32" ? constantOf(x) : undefined;
    if (known && isInteger(x.dtype)) checkInt32(known.data as ArrayLike<number | bigint>);
    return this.wrappingCast(x, dtype);
  }

  /** As a model asks for it: integers wrap to the narrower width. */
  wrappingCast(x: Value, dtype: DType): Value {
    return x.dtype === dtype ? x : this.op("Cast", [x], { DstT: dtype });
  }

  concat(values: readonly Value[], axis: number): Value {
    return values.length === 1 ? values[0]! : this.op("ConcatV2", [...values, this.scalar("int32", axis)]);
  }

  /** Reductions: Sum, Mean, Max, Min, Prod, All, Any. */
  reduce(op: string, x: Value, axes: readonly number[], keepDims: boolean): Value {
    return this.op(op, [x, this.ints(axes)], { keep_dims: keepDims });
  }

  gather(x: Value, indices: Value, axis: number): Value {
    return this.op("GatherV2", [x, indices, this.scalar("int32", axis)], { batch_dims: 0 });
  }

  squeeze(x: Value, axes: readonly number[]): Value {
    return axes.length === 0 ? x : this.op("Squeeze", [x], { squeeze_dims: axes });
  }
}

/** A computed size may be anything; no tensor has a negative one. */
function checkSizes(op: string, types: readonly Type[]): void {
  for (const { shape } of types)
    if (shape?.some((dim) => (dim as number) < 0))
      throw modelError("shape-mismatch", `${op} of a negative size: ${shape.join("×")}`);
}

function isFoldable(def: OpDef, inputs: readonly Value[], types: readonly Type[]): boolean {
  return (
    def.fold !== undefined &&
    def.pure !== false &&
    inputs.every((input) => input.node.constant) &&
    types.every((t) => isStatic(t.shape))
  );
}

/** The dims that a shape vector says, as far as they are known. */
export const knownDims = (value: Value): readonly Dim[] | undefined => dimsOf(value);
