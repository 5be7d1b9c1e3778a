/** Short words for float32 arithmetic in lowerings that compute coordinates. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";

export class Arithmetic {
  constructor(readonly b: Builder) {}

  number = (value: number): Value => this.b.scalar("float32", value);
  float = (x: Value): Value => this.b.cast(x, "float32");
  int = (x: Value): Value => this.b.cast(x, "int32");
  add = (x: Value, y: Value | number): Value => this.op("AddV2", x, y);
  sub = (x: Value, y: Value | number): Value => this.op("Sub", x, y);
  mul = (x: Value, y: Value | number): Value => this.op("Mul", x, y);
  div = (x: Value, y: Value | number): Value => this.op("RealDiv", x, y);
  max = (x: Value, y: Value | number): Value => this.op("Maximum", x, y);
  min = (x: Value, y: Value | number): Value => this.op("Minimum", x, y);
  clamp = (x: Value, low: Value | number, high: Value | number): Value => this.min(this.max(x, low), high);
  floor = (x: Value): Value => this.b.op("Floor", [x]);
  select = (test: Value, x: Value, y: Value): Value => this.b.op("SelectV2", [test, x, y]);
  and = (x: Value, y: Value): Value => this.b.op("LogicalAnd", [x, y]);
  compare = (op: string, x: Value, y: Value | number): Value => this.op(op, x, y);

  private op(name: string, x: Value, y: Value | number): Value {
    return this.b.op(name, [x, typeof y === "number" ? this.number(y) : y]);
  }
}
