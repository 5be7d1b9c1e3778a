/** Common subexpressions: equal ops over equal inputs become one node, equal constants one constant. */
import type { Attr, Node, Value } from "../../graph/graph.ts";
import { packTensor } from "../../graph/pack.ts";
import { isStored, type StoredTensor, type Tensor } from "../../graph/tensor.ts";
import { isDefined, opDef } from "../../tf/op.ts";
import type { Fire, Rewrite } from "../rewrite.ts";

/** Must be the last of a pipeline: what it has seen is taken as final. */
export const cse: Rewrite = { name: "common-subexpression", ops: "any", onConstants: true, start: () => new Seen().fire };

/** The greater of a value and itself is a copy for one reader, made where a kernel of TF.js would spoil what others read. */
const isCopy = ({ op, inputs }: Node): boolean => op === "Maximum" && inputs[0] === inputs[1];

class Seen {
  private readonly nodes = new Map<string, Node[]>();
  private readonly ids = new Map<Value, number>();
  private readonly files = new Map<object, number>();

  readonly fire: Fire = (node) => {
    if (node.op === "Placeholder" || !isDefined(node.op) || opDef(node.op).pure === false || isCopy(node)) return undefined;
    const key = node.op === "Const" ? this.constantKey(node) : this.nodeKey(node);
    const bucket = this.nodes.get(key);
    if (!bucket) {
      this.nodes.set(key, [node]);
      return undefined;
    }
    const twin = bucket.find((other) => node.op !== "Const" || sameConstant(other, node));
    if (twin === node) return undefined;
    if (twin) return twin.outputs;
    bucket.push(node);
    return undefined;
  };

  private nodeKey(node: Node): string {
    const names = Object.keys(node.attrs);
    const attrs = names.length === 0 ? "" : names.sort().map((name) => `${name}=${this.attrKey(node.attrs[name]!)}`);
    return `${node.op}(${node.inputs.map((input) => this.id(input))}){${attrs}}`;
  }

  private id(value: Value): number {
    let id = this.ids.get(value);
    if (id === undefined) {
      id = this.ids.size;
      this.ids.set(value, id);
    }
    return id;
  }

  private attrKey(attr: Attr): string {
    return JSON.stringify(attr, (_, value) =>
      typeof value === "bigint" ? `${value}n` : ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value,
    );
  }

  private constantKey(node: Node): string {
    const tensor = node.attrs["value"] as Tensor | StoredTensor;
    const type = `Const ${tensor.dtype} ${tensor.shape}`;
    if (!isStored(tensor)) return `${type} ${fingerprint(tensor)}`;
    const { slices, encoding } = tensor.stored;
    return `${type} ${this.file(tensor.files)} ${encoding} ${slices.map(({ file, offset, length }) => `${file}:${offset}+${length}`)}`;
  }

  private file(files: object): number {
    let id = this.files.get(files);
    if (id === undefined) {
      id = this.files.size;
      this.files.set(files, id);
    }
    return id;
  }
}

/** Sweeps come by again and again, and tensors do not change. */
const fingerprints = new WeakMap<Tensor, number>();

function fingerprint(tensor: Tensor): number {
  const known = fingerprints.get(tensor) ?? hashOf(tensor);
  fingerprints.set(tensor, known);
  return known;
}

/** FNV-1a over the bytes; equality is checked after it. */
function hashOf(tensor: Tensor): number {
  const bytes = Array.isArray(tensor.data) ? new TextEncoder().encode(tensor.data.join("\0")) : packTensor(tensor);
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function sameConstant(a: Node, b: Node): boolean {
  const [x, y] = [a.attrs["value"] as Tensor | StoredTensor, b.attrs["value"] as Tensor | StoredTensor];
  if (x === y) return true;
  // The key of a stored tensor is its place in the files.
  if (isStored(x) || isStored(y)) return isStored(x) && isStored(y);
  return x.data.length === y.data.length && x.data.every((element, i) => Object.is(element, y.data[i]));
}
