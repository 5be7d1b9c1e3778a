/** A random graph under way: every choice is the next number of a list, so that a shorter or smaller list is a simpler graph. */
import type { DType } from "../../../src/base/dtype.ts";
import { type AttrValue, type NodeSpec, node, onnxModel, type TensorSpec, tensor, untyped, value } from "../onnx.ts";
import { noise } from "../random.ts";

/** A value of which the shape is known. */
export interface Made {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

const unreadName = "unread";
/** Values of more elements are not built upon. */
const mostElements = 600;

export class Draft {
  readonly values: Made[] = [];
  readonly fed: TensorSpec[] = [];
  private readonly nodes: NodeSpec[] = [];
  private readonly stored: TensorSpec[] = [];
  private readonly read = new Set<string>();
  private readonly made = new Map<string, Made>();
  private at = 0;
  private names = 0;

  /** @param open declares the sizes of inputs as symbols */
  constructor(
    private readonly choices: readonly number[],
    private readonly open: boolean,
  ) {}

  /** A whole number in [0, n); 0 once the choices are used up. */
  pick(n: number): number {
    return (this.choices[this.at++] ?? 0) % n;
  }
  /** In [low, high]. */
  between(low: number, high: number): number {
    return low + this.pick(high - low + 1);
  }
  oneOf<T>(list: readonly T[]): T {
    return list[this.pick(list.length)]!;
  }
  chance(): boolean {
    return this.pick(2) === 1;
  }
  get spent(): boolean {
    return this.at >= this.choices.length;
  }

  shape(rank: number): number[] {
    return Array.from({ length: rank }, () => this.between(1, 5));
  }

  input(dtype: DType, shape: readonly number[]): Made {
    const spec = this.tensor(`x${this.fed.length}`, dtype, shape);
    this.fed.push(spec);
    const made = { name: spec.name, dtype, shape };
    this.values.push(made);
    return made;
  }

  /** Noise of about 1, or small whole numbers. */
  private tensor(name: string, dtype: DType, shape: readonly number[]): TensorSpec {
    const count = shape.reduce((a, b) => a * b, 1);
    const drawn = noise(count, this.names++ + 17 * this.pick(1000));
    const whole = (x: number) => Math.round(x * 4);
    return tensor(
      name,
      dtype,
      shape,
      dtype === "float32" ? drawn.map((x) => 1.5 * x + 0.2) : drawn.map(dtype === "bool" ? (x) => Number(x > 0) : whole),
    );
  }

  weight(shape: readonly number[], dtype: DType = "float32"): string {
    const spec = this.tensor(`w${this.names}`, dtype, shape);
    this.stored.push(spec);
    return spec.name;
  }
  constant(dtype: DType, shape: readonly number[], values: readonly number[]): string {
    const spec = tensor(`c${this.names++}`, dtype, shape, values);
    this.stored.push(spec);
    return spec.name;
  }
  ints(values: readonly number[]): string {
    return this.constant("int64", [values.length], values);
  }

  op(
    op: string,
    inputs: readonly (Made | string)[],
    shape: readonly number[],
    attrs: Record<string, AttrValue> = {},
    dtype?: DType,
  ): Made {
    return this.ops(op, inputs, [shape], attrs, dtype)[0]!;
  }

  /** Values of the first input's dtype, unless it is said; `unread` further outputs are for nobody. */
  ops(
    op: string,
    inputs: readonly (Made | string)[],
    shapes: readonly (readonly number[])[],
    attrs: Record<string, AttrValue> = {},
    dtype?: DType,
    unread = 0,
  ): Made[] {
    const [first] = inputs;
    const type = dtype ?? (typeof first === "string" ? "float32" : first!.dtype);
    return this.add(
      op,
      inputs,
      shapes.map((shape) => [type, shape]),
      attrs,
      unread,
    );
  }

  /** Outputs of dtypes of their own. */
  each(op: string, inputs: readonly (Made | string)[], types: readonly (readonly [DType, readonly number[]])[]): Made[] {
    return this.add(op, inputs, types, {}, 0);
  }

  private add(
    op: string,
    inputs: readonly (Made | string)[],
    types: readonly (readonly [DType, readonly number[]])[],
    attrs: Record<string, AttrValue>,
    unread: number,
  ): Made[] {
    const outputs = types.map(([dtype, shape]) => ({ name: `${op.toLowerCase()}${this.names++}`, dtype, shape }));
    const names = inputs.map((each) => (typeof each === "string" ? each : each.name));
    for (const name of names) this.read.add(name);
    this.nodes.push(
      node(
        op,
        names,
        [...outputs.map(({ name }) => name), ...Array.from({ length: unread }, (_, i) => unreadName + this.nodes.length + i)],
        attrs,
        `${op}_${this.nodes.length}`,
      ),
    );
    for (const made of outputs) {
      const count = made.shape.reduce((a, b) => a * b, 1);
      this.made.set(made.name, made);
      // Codes are for what decodes them.
      if (count > 0 && count <= mostElements && !/int8$/.test(made.dtype)) this.values.push(made);
    }
    return outputs;
  }

  /** Names of what nothing reads. */
  get outputs(): string[] {
    return this.nodes.flatMap(({ outputs }) => outputs).filter((name) => !this.read.has(name) && !name.startsWith(unreadName));
  }

  /** A line a node. */
  get listing(): string[] {
    return this.nodes.map(
      ({ op, inputs, outputs, attrs }) =>
        `${outputs} = ${op}(${inputs}) ${JSON.stringify(attrs, (_, v) => (typeof v === "bigint" ? String(v) : v))}`,
    );
  }

  get bytes(): Uint8Array {
    return this.model(this.nodes, []);
  }

  /** The same graph, with every float that an op gives out moved by up to `amount` of itself: what rounding might do to it. */
  moved(seed: number, amount: number): Uint8Array {
    const factors: TensorSpec[] = [];
    const nodes = this.nodes.flatMap((each, at) => {
      const floats = each.outputs.filter((name) => this.made.get(name)?.dtype === "float32");
      const factorOf = (name: string) => {
        const { shape } = this.made.get(name)!;
        const count = shape.reduce((a, b) => a * b, 1);
        const drawn = noise(count, seed * 7919 + at).map((x) => 1 + amount * x);
        factors.push(tensor(`${name}/factor`, "float32", shape, drawn));
        return `${name}/factor`;
      };
      const outputs = each.outputs.map((name) => (floats.includes(name) ? `${name}/exact` : name));
      return [{ ...each, outputs }, ...floats.map((name) => node("Mul", [`${name}/exact`, factorOf(name)], [name]))];
    });
    return this.model(nodes, factors);
  }

  private model(nodes: readonly NodeSpec[], factors: readonly TensorSpec[]): Uint8Array {
    return onnxModel({
      ir: 8,
      opsets: { "": 18 },
      graph: {
        inputs: this.fed.map(({ name, dtype, shape }) =>
          value(name, dtype, this.open ? shape.map((_, axis) => `${name}_${axis}`) : [...shape]),
        ),
        outputs: this.outputs.map(untyped),
        initializers: [...this.stored, ...factors],
        nodes,
      },
    });
  }
}
