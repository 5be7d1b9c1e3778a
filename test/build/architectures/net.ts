/**
 * Writes graphs as PyTorch's exporter does at opset 17: its op patterns, its shape arithmetic, its names. A model is a function from a
 * Net to its outputs; weights are seeded and scaled so that activations keep their size through any depth.
 */
import type { DType } from "../../../src/base/dtype.ts";
import {
  type AttrValue,
  type Dim,
  float,
  type NodeSpec,
  node,
  onnxModel,
  type TensorSpec,
  tensor,
  type ValueSpec,
  value,
} from "../onnx.ts";
import { noise } from "../random.ts";

export interface Architecture {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly Dim[];
    readonly below?: number;
  }[];
  /** Values for the symbols, a run each. */
  readonly sizes: readonly Readonly<Record<string, number>>[];
}

export interface ConvOptions {
  readonly stride?: number | readonly number[];
  readonly pad?: number | readonly number[];
  readonly dilation?: number;
  readonly group?: number;
  readonly bias?: boolean;
}

export class Net {
  readonly nodes: NodeSpec[] = [];
  readonly initializers: TensorSpec[] = [];
  readonly inputs: ValueSpec[] = [];
  readonly fed: Architecture["inputs"][number][] = [];
  private readonly counts = new Map<string, number>();
  private scope = "";
  private seed = 1;

  /** @param below integers are drawn from [0, below) */
  input(name: string, dtype: DType, shape: readonly Dim[], below?: number): string {
    this.inputs.push(value(name, dtype, shape));
    this.fed.push({ name, dtype, shape, ...(below === undefined ? {} : { below }) });
    return name;
  }

  /** Names inside start with this module's. */
  within<T>(module: string, build: () => T): T {
    const outer = this.scope;
    this.scope = `${outer}/${module}`;
    try {
      return build();
    } finally {
      this.scope = outer;
    }
  }

  private unique(name: string): string {
    const count = this.counts.get(name) ?? 0;
    this.counts.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  }

  op(op: string, inputs: readonly string[], attrs: Readonly<Record<string, AttrValue>> = {}): string {
    return this.ops(op, inputs, attrs, 1)[0]!;
  }

  ops(op: string, inputs: readonly string[], attrs: Readonly<Record<string, AttrValue>>, outputs: number): string[] {
    const name = this.unique(`${this.scope}/${op}`);
    const names = Array.from({ length: outputs }, (_, i) => `${name}_output_${i}`);
    this.nodes.push(node(op, inputs, names, attrs, name));
    return names;
  }

  /** A Constant node, as literals in the traced code become. */
  constant(dtype: DType, shape: readonly number[], values: readonly number[]): string {
    return this.op("Constant", [], { value: tensor("", dtype, shape, values) });
  }
  int(at: number): string {
    return this.constant("int64", [], [at]);
  }
  ints(...values: number[]): string {
    return this.constant("int64", [values.length], values);
  }
  float(x: number): string {
    return this.constant("float32", [], [x]);
  }

  store(name: string, dtype: DType, shape: readonly number[], values: ArrayLike<number>): string {
    const stored = this.unique(name);
    this.initializers.push(tensor(stored, dtype, shape, values));
    return stored;
  }

  /** Even noise in [centre − spread, centre + spread). */
  weight(name: string, shape: readonly number[], spread: number, centre = 0): string {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const path = this.scope.slice(1).replaceAll("/", ".");
    return this.store(
      path ? `${path}.${name}` : name,
      "float32",
      shape,
      noise(count, this.seed++).map((x) => centre + spread * x),
    );
  }

  conv(x: string, from: number, to: number, kernel: number | readonly number[], options: ConvOptions = {}): string {
    const { stride = 1, pad = 0, dilation = 1, group = 1, bias = true } = options;
    const size = typeof kernel === "number" ? [kernel, kernel] : kernel;
    const each = (at: number | readonly number[]) => (typeof at === "number" ? size.map(() => at) : at);
    const taken = (from / group) * size.reduce((a, b) => a * b, 1);
    return this.within("conv", () =>
      this.op(
        "Conv",
        [
          x,
          this.weight("weight", [to, from / group, ...size], Math.sqrt(3 / taken)),
          ...(bias ? [this.weight("bias", [to], 0.2)] : []),
        ],
        {
          dilations: each(dilation),
          group,
          kernel_shape: size,
          pads: [...each(pad), ...each(pad)],
          strides: each(stride),
        },
      ),
    );
  }

  batchNorm(x: string, channels: number): string {
    const statistics = [
      this.weight("weight", [channels], 0.3, 1),
      this.weight("bias", [channels], 0.2),
      this.weight("running_mean", [channels], 0.2),
      this.weight("running_var", [channels], 0.3, 1),
    ];
    return this.within("bn", () =>
      this.op("BatchNormalization", [x, ...statistics], { epsilon: float(1e-5), momentum: float(0.9) }),
    );
  }

  /** nn.Linear over three dims or more. */
  linear(x: string, from: number, to: number, bias = true): string {
    const y = this.op("MatMul", [x, this.store("onnx::MatMul", "float32", [from, to], this.spread(from * to, from))]);
    return bias ? this.op("Add", [this.weight("bias", [to], 0.1), y]) : y;
  }

  /** nn.Linear over two. */
  gemm(x: string, from: number, to: number): string {
    const w = this.weight("weight", [to, from], Math.sqrt(3 / from));
    return this.op("Gemm", [x, w, this.weight("bias", [to], 0.1)], { alpha: float(1), beta: float(1), transB: 1 });
  }

  private spread(count: number, taken: number): number[] {
    return noise(count, this.seed++).map((x) => x * Math.sqrt(3 / taken));
  }

  layerNorm(x: string, size: number, epsilon = 1e-5): string {
    const [scale, shift] = [this.weight("weight", [size], 0.3, 1), this.weight("bias", [size], 0.2)];
    return this.op("LayerNormalization", [x, scale, shift], { axis: -1, epsilon: float(epsilon) });
  }

  /** nn.GELU, traced. */
  gelu(x: string): string {
    const erf = this.op("Erf", [this.op("Div", [x, this.float(Math.SQRT2)])]);
    return this.op("Mul", [this.op("Mul", [x, this.op("Add", [erf, this.float(1)])]), this.float(0.5)]);
  }

  silu(x: string): string {
    return this.op("Mul", [x, this.op("Sigmoid", [x])]);
  }

  /** x.size(axis), as the tracer writes it. */
  size(x: string, axis: number): string {
    return this.op("Gather", [this.op("Shape", [x]), this.int(axis)], { axis: 0 });
  }

  /** A shape of sizes and literals: each unsqueezed, then joined. */
  shape(...dims: readonly (string | number)[]): string {
    const parts = dims.map((dim) => (typeof dim === "number" ? this.ints(dim) : this.op("Unsqueeze", [dim, this.ints(0)])));
    return this.op("Concat", parts, { axis: 0 });
  }

  /** x.expand(…), −1 for a dim that stays: the exporter puts 1 in its place at run time. */
  expand(x: string, ...dims: readonly (string | number)[]): string {
    const wanted = this.op("Reshape", [this.shape(...dims), this.ints(-1)], { allowzero: 0 });
    const ones = this.op("ConstantOfShape", [this.op("Shape", [wanted])], { value: tensor("", "int64", [1], [1]) });
    const kept = this.op("Equal", [wanted, this.op("Mul", [ones, this.int(-1)])]);
    return this.op("Expand", [x, this.op("Where", [kept, ones, wanted])]);
  }

  view(x: string, ...dims: readonly (string | number)[]): string {
    const literal = dims.every((dim) => typeof dim === "number");
    return this.op("Reshape", [x, literal ? this.ints(...(dims as number[])) : this.shape(...dims)], { allowzero: 0 });
  }

  permute(x: string, ...perm: readonly number[]): string {
    return this.op("Transpose", [x], { perm });
  }

  slice(x: string, from: number, to: number, axis: number, step = 1): string {
    return this.op("Slice", [x, this.ints(from), this.ints(to), this.ints(axis), this.ints(step)]);
  }
}

interface Described {
  readonly sizes: Architecture["sizes"];
}

/** Builds one; `outputs` are given names and dims. */
export function architecture(
  name: string,
  { sizes }: Described,
  build: (
    net: Net,
  ) => Readonly<Record<string, { readonly value: string; readonly dtype?: DType; readonly shape: readonly Dim[] }>>,
): Architecture {
  const net = new Net();
  const outputs = Object.entries(build(net));
  const renamed = new Map(outputs.map(([output, { value: inner }]) => [inner, output]));
  const rename = (names: readonly string[]) => names.map((each) => renamed.get(each) ?? each);
  const bytes = onnxModel({
    ir: 8,
    opsets: { "": 17 },
    producer: ["pytorch", "2.1.0"],
    graph: {
      name: "main_graph",
      inputs: net.inputs,
      outputs: outputs.map(([output, { dtype = "float32", shape }]) => value(output, dtype, shape)),
      initializers: net.initializers,
      nodes: net.nodes.map((each) => ({ ...each, inputs: rename(each.inputs), outputs: rename(each.outputs) })),
    },
  });
  return { name, bytes, inputs: net.fed, sizes };
}
