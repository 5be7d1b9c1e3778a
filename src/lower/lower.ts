/** SourceModel → hub graph, one node at a time; the same walk, run dry, is the diagnostics. */
import { throwIfCancelled } from "../base/cancel.ts";
import { ModelError, modelError, type Place, type Problem, problem } from "../base/problem.ts";
import type { Graph, GraphOutput, Shape, Value } from "../graph/graph.ts";
import type { Baked } from "../graph/map.ts";
import {
  type GraphId,
  nodeLabel,
  opLabel,
  type SourceGraph,
  type SourceModel,
  type SourceNode,
  type SourceTensor,
  type ValueId,
} from "../graph/source.ts";
import type { ModelFiles, Tensor } from "../graph/tensor.ts";
import { Builder } from "../tf/build.ts";
import { type Bake, bakeInto, normalised } from "./bake.ts";
import { hubShape, typeOf } from "./declared.ts";
import { contentOf, elementsOf, isGroup } from "./group.ts";
import { Nested } from "./nested.ts";
import { opaque } from "./opaque.ts";
import { sourceOrder } from "./order.ts";
import { refusal } from "./refusal.ts";
import { apply, type Context, type QuantizedMode, type RuleTable } from "./rule.ts";
import { captured, plainDomain, type Scope, withCallAttributes } from "./scope.ts";
import { dense } from "./sparse.ts";
import { leftIn, newState, type State } from "./state.ts";

export type Verdict = "lowered" | "failed" | "not-checked";

export interface LowerOptions {
  /** Source values to compute in place of the graph's outputs. */
  readonly outputs?: readonly string[];
  /** For sources that quantise by their tensors' types; default faithful. */
  readonly quantized?: QuantizedMode;
  /** Shapes that replace the declared ones of graph inputs. */
  readonly inputShapes?: ReadonlyMap<string, Shape>;
  /** A normalisation to put in front of the image input. */
  readonly bake?: Bake;
  readonly signal?: AbortSignal | undefined;
}

export interface Lowered {
  readonly graph: Graph;
  readonly problems: readonly Problem[];
  /** Every lowered source value, by `<graph>/<value>`. */
  readonly values: ReadonlyMap<string, Value>;
  /** Of the nodes that the outputs need, by `<graph>/<node>`. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Names that are both of an input and of an output: what the model keeps from run to run, zero at first. */
  readonly states: readonly string[];
  readonly baked?: Baked;
}

/** Small constants, read beforehand: rules are synchronous. */
export type Constants = ReadonlyMap<SourceTensor, Tensor>;

/**
 * Lowers what the outputs need. A fault of a node becomes a Problem, its outputs become opaque values of the declared types, and the
 * walk goes on; so the graph is good for conversion only where no problem is an error.
 */
export function lower(
  model: SourceModel,
  files: ModelFiles,
  constants: Constants,
  rules: RuleTable,
  options: LowerOptions = {},
): Lowered {
  return new Lowering(model, files, constants, rules, options).run();
}

/** Nodes lowered in all: functions that call others twice, again and again, would otherwise have no end. */
const maxNodes = 500_000;

class Lowering {
  private readonly b = new Builder();
  private readonly problems: Problem[] = [];
  private readonly values = new Map<string, Value>();
  private readonly verdicts = new Map<string, Verdict>();
  /** Values that stand for something that failed, or were computed from it. */
  private readonly tainted = new Set<Value>();
  private readonly stored = new Map<SourceTensor, Value>();
  /** Variables of the main graph by id: as a run finds them, and as it leaves them. */
  private readonly states = new Map<ValueId, State>();
  private readonly nested: Nested;
  private lowered = 0;

  constructor(
    private readonly model: SourceModel,
    private readonly files: ModelFiles,
    private readonly constants: Constants,
    private readonly rules: RuleTable,
    private readonly options: LowerOptions,
  ) {
    this.nested = new Nested(model, this.b, {
      nodes: (scope, wanted) => this.nodes(scope, wanted),
      value: (scope, id) => this.value(scope, id),
    });
  }

  run(): Lowered {
    const main = this.model.graphs[0]!;
    const scope: Scope = { graph: main, values: new Map(), parent: undefined, call: undefined, captures: undefined };
    const inputs = main.inputs.map((id, i) => this.input(scope, id, main.inputNames?.[i]));
    const baked = this.options.bake && bakeInto(inputs, this.options.bake);
    if (baked) {
      const at = inputs.findIndex(({ node }) => node.attrs["name"] === baked.input);
      this.bind(scope, main.inputs[at]!, normalised(this.b, inputs[at]!, baked));
    }
    const wanted = this.wantedOutputs(main);
    if (wanted.length === 0)
      this.problems.push(problem("error", "no-outputs", "a model without outputs computes nothing", { graph: main.name }));
    this.nodes(scope, [...wanted, ...(this.options.outputs ? [] : (main.effects ?? []))]);
    const outputs: GraphOutput[] = [];
    const told = new Set<string>();
    for (const [i, id] of wanted.entries()) {
      const name = (this.options.outputs ? undefined : main.outputNames?.[i]) ?? main.values[id]!.name;
      // One value listed twice under one name is one output.
      if (told.has(`${id} ${name}`)) continue;
      told.add(`${id} ${name}`);
      const value = this.value(scope, id);
      if (value) outputs.push(...this.output(name, value, main));
      else
        this.problems.push(
          problem("error", "dangling-output", "nothing computes this output", { graph: main.name, tensor: name }),
        );
    }
    const states = [...this.states.values()];
    outputs.push(...states.map((state) => ({ name: state.name, value: leftIn(this.b, state) })));
    inputs.push(...states.map(({ input }) => input));
    return {
      graph: { name: main.name, inputs, outputs, functions: this.nested.bodies },
      problems: this.problems,
      values: this.values,
      verdicts: this.verdicts,
      states: states.map(({ name }) => name),
      ...(baked && { baked }),
    };
  }

  /** A sequence is written as an output an element, `<name>_0` and so on; an optional that surely holds something as what it holds. */
  private output(name: string, value: Value, main: SourceGraph): GraphOutput[] {
    const inside = value.node.inputs.length < 2 ? contentOf(value) : undefined;
    if (isGroup(value) && inside && inside !== value) return this.output(name, inside, main);
    const elements = elementsOf(value);
    if (!elements) return [{ name, value }];
    const reason = `a sequence, written as ${elements.length} outputs: ${name}_0, ${name}_1, …`;
    this.problems.push(problem("info", "sequence-output", reason, { graph: main.name, tensor: name }));
    return elements.flatMap((each, i) => this.output(`${name}_${i}`, each, main));
  }

  private wantedOutputs(main: SourceGraph): readonly ValueId[] {
    const { outputs } = this.options;
    if (!outputs) return main.outputs;
    return outputs.map((name) => {
      const signature = main.outputNames?.indexOf(name) ?? -1;
      const id = signature < 0 ? main.values.find((value) => value.name === name)?.id : main.outputs[signature];
      if (id === undefined)
        throw modelError("unknown-value", `no value of this name to cut at: ${name}`, { graph: main.name, tensor: name });
      return id;
    });
  }

  private input(scope: Scope, id: ValueId, called?: string): Value {
    const value = scope.graph.values[id]!;
    const name = called ?? value.name;
    const { dtype } = value.type;
    const place = { graph: scope.graph.name, tensor: name };
    if (!dtype) {
      const hint = "Export the model with an input for each tensor that it holds, or cut off what reads it";
      this.problems.push(problem("error", "unsupported-type", `input of type ${value.type.other ?? "unknown"}`, place, hint));
    } else if (value.type.other?.startsWith("optional"))
      this.problems.push(problem("info", "optional-input", "an optional input, taken as one that is given", place));
    const shape = this.options.inputShapes?.get(name) ?? hubShape(value.type.shape);
    this.b.origin = { nodes: [], how: "lowered" };
    const placeholder = this.b.input(name, { dtype: dtype ?? "float32", shape });
    this.bind(scope, id, placeholder);
    return placeholder;
  }

  private bind(scope: Scope, id: ValueId, value: Value): void {
    scope.values.set(id, value);
    if (scope.graph.role === "main") this.values.set(`${scope.graph.name}/${scope.graph.values[id]!.name}`, value);
  }

  /** The hub value of a source value: computed, stored, or of an enclosing graph. */
  private value(scope: Scope, id: ValueId): Value | undefined {
    const known = scope.values.get(id);
    if (known) return known;
    const source = scope.graph.values[id]!;
    if (source.tensor) {
      const constant = this.constant(source.tensor);
      this.bind(scope, id, constant);
      return constant;
    }
    if (source.sparse) {
      const { values, indices, shape } = source.sparse;
      const whole = dense(this.b, this.constant(values), this.constant(indices), shape);
      this.bind(scope, id, whole);
      return whole;
    }
    if (source.variable && scope.graph.role === "main") return this.state(scope, id);
    return source.outer && this.outer(scope, source.outer, source.name);
  }

  /** A variable as a run finds it: an input, of the name of the output that hands it on to the next run. */
  private state(scope: Scope, id: ValueId): Value {
    const { name: own, type } = scope.graph.values[id]!;
    const state = newState(this.b, `state/${own}`, typeOf(type), type);
    this.states.set(id, state);
    this.bind(scope, id, state.before);
    return state.before;
  }

  /** A node leaves another value in the variable that is its input `i`. */
  private assign(scope: Scope, node: SourceNode, i: number, value: Value, place: Place): void {
    const state = this.states.get(node.inputs[i] ?? -1);
    if (!state || scope.graph.role !== "main")
      throw modelError("unsupported", "a state that is no variable of the main graph", place);
    state.after = value;
  }

  /** A value of one of the graphs around, seen through every body on the way. */
  private outer(scope: Scope, { graph, value }: { graph: GraphId; value: ValueId }, name: string): Value | undefined {
    const { parent } = scope;
    if (!parent) return undefined;
    const found = parent.graph.id === graph ? this.value(parent, value) : this.outer(parent, { graph, value }, name);
    if (!found || !scope.captures) return found;
    const inner = captured(this.b, scope.captures, found, name);
    if (this.tainted.has(found)) this.tainted.add(inner);
    return inner;
  }

  private constant(tensor: SourceTensor): Value {
    let value = this.stored.get(tensor);
    if (!value) {
      const loaded = this.constants.get(tensor);
      value = this.b.constant(loaded ?? { dtype: tensor.dtype, shape: tensor.shape, stored: tensor, files: this.files });
      this.stored.set(tensor, value);
    }
    return value;
  }

  private nodes(scope: Scope, wanted: readonly ValueId[]): void {
    const { order, cyclic, uses } = sourceOrder(scope.graph, wanted);
    for (const node of cyclic)
      this.fail(
        scope,
        node,
        problem("error", "cycle", "the node's input depends on its own output", this.place(scope, node)),
        uses,
      );
    for (const [i, node] of order.entries()) {
      if ((i & 1023) === 0) throwIfCancelled(this.options.signal);
      this.node(scope, node, uses);
    }
  }

  private place(scope: Scope, node: SourceNode): Place {
    return { graph: scope.graph.name, node: nodeLabel(scope.graph, node), op: opLabel(node) };
  }

  private node(scope: Scope, written: SourceNode, uses: ReadonlySet<ValueId>): void {
    const node = withCallAttributes(written, scope.call);
    const place = this.place(scope, node);
    if (++this.lowered > maxNodes)
      throw modelError("too-large", `more than ${maxNodes} nodes once its functions are inlined`, place);
    const inputs = node.inputs.map((id) => (id === undefined ? undefined : this.value(scope, id)));
    const missing = node.inputs.findIndex((id, i) => id !== undefined && !inputs[i] && !scope.call?.absent.has(id));
    const tainted = inputs.some((input) => input && this.tainted.has(input));
    try {
      if (missing >= 0)
        throw modelError(
          "dangling-input",
          `nothing computes input ${missing}: ${scope.graph.values[node.inputs[missing]!]!.name}`,
          place,
        );
      this.b.origin = { nodes: [`${scope.graph.name}/${place.node}`], how: "lowered" };
      const outputs = this.outputs(scope, node, inputs, place, uses);
      node.outputs.forEach((id, i) => {
        const value = outputs[i];
        if (id === undefined) return;
        if (value) {
          this.bind(scope, id, value);
          if (tainted) this.tainted.add(value);
        } else if (uses.has(id)) throw modelError("unsupported", `output ${i} has no counterpart in TF.js`, place);
      });
      this.verdicts.set(`${scope.graph.name}/${place.node}`, "lowered");
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      const notChecked = tainted && error.problem.code !== "unsupported-op";
      this.fail(scope, node, notChecked ? undefined : error.problem, uses);
    }
  }

  private outputs(
    scope: Scope,
    node: SourceNode,
    inputs: readonly (Value | undefined)[],
    place: Place,
    uses: ReadonlySet<ValueId>,
  ): readonly (Value | undefined)[] {
    const domain = plainDomain(node.domain);
    const own = this.nested.function(domain, node.op);
    if (own) {
      const wanted = own.outputs.filter((_, i) => node.outputs[i] !== undefined && uses.has(node.outputs[i]));
      return this.nested.call(scope, own, node, inputs, wanted, place);
    }
    const ladder = this.rules.ladder(domain, node.op);
    const opset = scope.call?.opsets[domain] ?? this.model.opsets[domain] ?? 1;
    const each = this.rules.find(domain, node.op, opset);
    if (!each) throw refusal(this.model, scope.graph, node, opset, ladder, place);
    const context: Context = {
      place,
      node,
      opset,
      declared: (i) => {
        const id = node.outputs[i];
        return id === undefined ? undefined : scope.graph.values[id]!.type;
      },
      given: (i) => {
        const id = node.inputs[i];
        return id === undefined ? undefined : scope.graph.values[id]!.type;
      },
      quantized: this.options.quantized ?? "faithful",
      used: (i) => {
        const id = node.outputs[i];
        return id !== undefined && uses.has(id);
      },
      constant: (tensor) => this.constant(tensor),
      assign: (i, value) => this.assign(scope, node, i, value, place),
      inline: (graph, values) => this.nested.inline(scope, graph, values),
      body: (graph, values, own, captures) => this.nested.body(scope, graph, values, own, captures),
      define: (name, graph) => this.nested.define(name, graph),
    };
    return apply(each, this.b, inputs, context);
  }

  /** Records the problem (none: not checked) and makes the outputs opaque. */
  private fail(scope: Scope, node: SourceNode, found: Problem | undefined, uses: ReadonlySet<ValueId>): void {
    if (found) this.problems.push(found);
    this.verdicts.set(`${scope.graph.name}/${nodeLabel(scope.graph, node)}`, found ? "failed" : "not-checked");
    for (const id of node.outputs) {
      if (id === undefined || !uses.has(id)) continue;
      const value = opaque(typeOf(scope.graph.values[id]!.type), this.b.origin);
      this.tainted.add(value);
      this.bind(scope, id, value);
    }
  }
}
