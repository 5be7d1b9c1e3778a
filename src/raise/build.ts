/** Builds ONNX nodes. Values are Refs; names come in the end, when it is known which of them are outputs. */
import { type DType, isInteger } from "../base/dtype.ts";
import type { Origin, Shape, Value } from "../graph/graph.ts";
import { noOrigin } from "../graph/graph.ts";
import { int, ints, type OnnxAttr } from "../graph/onnx-graph.ts";
import { dtypeCodes } from "../graph/onnx-types.ts";
import { tensorOf } from "../graph/tensor.ts";
import { Builder } from "../tf/build.ts";
import { constantOf, dimsOf } from "../tf/op.ts";
import { computeType, isTyped } from "./kernels.ts";

/** A value of the ONNX model. */
export class Ref {
  /** What it should be called, if that is free. */
  hint: string | undefined;
  /** Given in the end. */
  name: string | undefined;
  sequence = false;
  /** The hub constant that nodes compute, since it is larger than what it is made of. */
  expression: Value | undefined;

  constructor(
    readonly dtype: DType,
    /** Undefined: not known here; onnxruntime infers it. */
    public shape: Shape | undefined,
    /** The hub constant that it is; undefined: computed at run time. */
    readonly constant: Value | undefined,
  ) {}

  get rank(): number {
    if (!this.shape) throw new Error("the rank of this ONNX value is not tracked");
    return this.shape.length;
  }
}

/** A node while names are open. */
export interface Draft {
  op: string;
  domain: string;
  inputs: (Ref | undefined)[];
  readonly outputs: readonly Ref[];
  attrs: Readonly<Record<string, OnnxAttr | Scope>>;
  origin: Origin;
}

/** Nodes of one graph: the main one, or one nested in a node. */
export class Scope {
  readonly nodes: Draft[] = [];
  inputs: readonly Ref[] = [];
  outputs: readonly Ref[] = [];
  constructor(
    readonly name: string,
    readonly parent: Scope | undefined,
  ) {}
}

export type DraftAttrs = Readonly<Record<string, OnnxAttr | Scope>>;

/** Past every dim: "to the end" of a Slice. */
export const toEnd = Number.MAX_SAFE_INTEGER;

export class OnnxBuilder {
  /** Constant arithmetic is done on hub values, so that large ones stay expressions. */
  readonly b = new Builder();
  origin: Origin = noOrigin;
  scope: Scope;
  /** While the nodes of a constant expression are written: what moves them about is one of them. */
  spelling = false;
  readonly makers = new Map<Ref, Draft>();
  private readonly literals = new Map<string, Ref>();

  constructor(
    scope: Scope,
    readonly opset: number,
    /** The Ref of a hub constant. */
    readonly constant: (value: Value) => Ref,
  ) {
    this.scope = scope;
  }

  /** A node with one output. Operands are brought to a type that onnxruntime computes in, and the result back. */
  op(op: string, inputs: readonly (Ref | undefined)[], attrs: DraftAttrs = {}, dtype?: DType, shape?: Shape): Ref {
    const lead = inputs.find((input, i) => input && isTyped(op, i)) ?? inputs[0];
    const own = lead?.dtype;
    const computed = own && computeType(op, own);
    const operands = inputs.map((input, i) => (input && isTyped(op, i) && computed ? this.cast(input, computed) : input));
    const told = dtype ?? own;
    if (!told) throw new Error(`${op} of no type`);
    const made = told === own && computed ? computed : told;
    const result = this.raw(op, operands, attrs, [made], [shape])[0]!;
    return this.cast(result, told);
  }

  /** A node as it is told, its outputs of these types. */
  raw(
    op: string,
    inputs: readonly (Ref | undefined)[],
    attrs: DraftAttrs,
    dtypes: readonly DType[],
    shapes: readonly (Shape | undefined)[] = [],
    domain = "",
  ): readonly Ref[] {
    const outputs = dtypes.map((each, i) => new Ref(each, shapes[i], undefined));
    const draft: Draft = { op, domain, inputs: [...inputs], outputs, attrs, origin: this.origin };
    this.scope.nodes.push(draft);
    for (const output of outputs) this.makers.set(output, draft);
    return outputs;
  }

  cast(x: Ref, dtype: DType): Ref {
    if (x.dtype === dtype) return x;
    if (x.constant && x.dtype !== "string" && dtype !== "string") return this.constant(this.b.cast(x.constant, dtype));
    return this.castNode(x, dtype);
  }

  /** As `cast`, as a node in any case. */
  castNode(x: Ref, dtype: DType): Ref {
    return this.raw("Cast", [x], { to: int(dtypeCodes[dtype]) }, [dtype], [x.shape])[0]!;
  }

  /** An int64 vector. */
  ints(values: readonly number[]): Ref {
    return this.literal("int64", [values.length], values);
  }

  scalar(dtype: DType, value: number): Ref {
    return this.literal(dtype, [], [value]);
  }

  private literal(dtype: DType, shape: readonly number[], values: readonly number[]): Ref {
    const key = `${dtype}[${shape}] ${values.map((value) => (Object.is(value, -0) ? "-0" : value))}`;
    let found = this.literals.get(key);
    if (!found) {
      const clamped = values.map((value) =>
        value === toEnd ? Number.POSITIVE_INFINITY : value === -toEnd ? Number.NEGATIVE_INFINITY : value,
      );
      const isOpen = isInteger(dtype);
      found = this.constant(this.b.constant(tensorOf(dtype, shape, isOpen ? clamped : values)));
      this.literals.set(key, found);
    }
    return found;
  }

  transpose(x: Ref, perm: readonly number[]): Ref {
    if (perm.every((axis, i) => axis === i)) return x;
    const known = this.movable(x);
    if (known) return this.constant(this.b.transpose(known, perm));
    return this.raw("Transpose", [x], { perm: ints(perm) }, [x.dtype], [x.shape && perm.map((axis) => x.shape![axis])])[0]!;
  }

  private movable(x: Ref): Value | undefined {
    return x.constant ?? (this.spelling ? undefined : x.expression);
  }

  /** To dims that are numbers other than 0, at most one of them −1. */
  reshape(x: Ref, dims: readonly number[]): Ref {
    const known = this.movable(x);
    if (known) return this.constant(this.b.reshape(known, dims));
    const shape = dims.map((dim) => (dim === -1 ? undefined : dim));
    return this.raw("Reshape", [x, this.ints(dims)], {}, [x.dtype], [shape])[0]!;
  }

  unsqueeze(x: Ref, axes: readonly number[]): Ref {
    if (axes.length === 0) return x;
    if (x.constant?.type.shape && axes.length === 1)
      return this.constant(this.b.op("ExpandDims", [x.constant, this.b.scalar("int32", axes[0]!)]));
    return this.raw("Unsqueeze", [x, this.ints(axes)], {}, [x.dtype])[0]!;
  }

  squeeze(x: Ref, axes: readonly number[]): Ref {
    return axes.length === 0 ? x : this.raw("Squeeze", [x, this.ints(axes)], {}, [x.dtype])[0]!;
  }

  concat(parts: readonly Ref[], axis: number): Ref {
    if (parts.length === 1) return parts[0]!;
    if (parts.every((part) => part.constant))
      return this.constant(
        this.b.concat(
          parts.map((part) => part.constant!),
          axis,
        ),
      );
    return this.raw("Concat", parts, { axis: int(axis) }, [parts[0]!.dtype])[0]!;
  }

  /** Elements picked on an axis by numbers. */
  pick(x: Ref, indices: readonly number[], axis: number): Ref {
    if (x.constant) return this.constant(this.b.gather(x.constant, this.b.ints(indices), axis));
    return this.raw("Gather", [x, this.ints(indices)], { axis: int(axis) }, [x.dtype])[0]!;
  }

  /** `x[starts:ends:steps]` over axes. */
  slice(x: Ref, starts: readonly number[], ends: readonly number[], axes: readonly number[], steps?: readonly number[]): Ref {
    const inputs = [x, this.ints(starts), this.ints(ends), this.ints(axes), ...(steps ? [this.ints(steps)] : [])];
    return this.raw("Slice", inputs, {}, [x.dtype])[0]!;
  }

  /** The dims as an int64 vector. */
  shape(x: Ref): Ref {
    const known = x.shape;
    if (known?.every((dim) => typeof dim === "number")) return this.ints(known as readonly number[]);
    return this.raw("Shape", [x], {}, ["int64"], [[known?.length]])[0]!;
  }

  int64(x: Ref): Ref {
    return this.cast(x, "int64");
  }

  /** A vector of one element, of a scalar or such a vector. */
  vector(x: Ref): Ref {
    return x.shape?.length === 1 ? x : this.reshape(x, [1]);
  }

  /** A reduction, its axes an input or an attribute as the opset has it. */
  reduce(op: string, x: Ref, axes: readonly number[], keep: boolean, shape?: Shape): Ref {
    const byInput = op === "ReduceSum" || this.opset >= 18;
    const attrs = { keepdims: int(keep ? 1 : 0), ...(byInput ? {} : { axes: ints(axes) }) };
    return this.op(op, byInput ? [x, this.ints(axes)] : [x], attrs, x.dtype, shape);
  }

  /** Numbers of a constant or of a partly known vector, all known. */
  known(x: Ref): readonly number[] | undefined {
    const dims = x.constant && dimsOf(x.constant);
    return dims?.every((dim) => typeof dim === "number") ? (dims as readonly number[]) : undefined;
  }

  /** The number of a scalar constant of any type. */
  number(x: Ref): number | undefined {
    const tensor = x.constant && constantOf(x.constant);
    return tensor && tensor.data.length === 1 && !Array.isArray(tensor.data) ? Number(tensor.data[0]) : undefined;
  }
}
