/** The while loops of TensorFlow's first control flow: frames, and what their nodes stand for. */
import type { SourceNode, ValueId } from "../../graph/source.ts";

/** What is asked of the graph that is rewritten. */
interface Nodes {
  readonly nodes: readonly SourceNode[];
  producer(value: ValueId): SourceNode | undefined;
}

interface Part {
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
}

export interface FrameLoop {
  /** The node that the loop is named after. */
  readonly names: SourceNode;
  readonly cond: Part;
  readonly body: Part;
  /** Values that go in, those that never change last. */
  readonly inputs: readonly ValueId[];
  /** What comes out of each; undefined where nothing does. */
  readonly outputs: readonly (ValueId | undefined)[];
}

const isOp = (node: SourceNode | undefined, op: string): node is SourceNode => node?.op === op || node?.op === `Ref${op}`;

const isConstant = ({ attrs }: SourceNode): boolean => attrs["is_constant"]?.kind === "bool" && attrs["is_constant"].value;

const frameOf = ({ attrs }: SourceNode): string => (attrs["frame_name"]?.kind === "string" ? attrs["frame_name"].value : "");

/** One variable of a loop: Enter → Merge → Switch → Exit, and back through NextIteration. */
interface Variable {
  readonly enter: SourceNode;
  readonly merge: SourceNode;
  readonly next: SourceNode;
  readonly condition: ValueId | undefined;
  readonly switch: SourceNode | undefined;
  readonly exit: SourceNode | undefined;
}

/** The regular loops; of others the nodes stay, and lowering tells of them. */
export function loopsOf(graph: Nodes): FrameLoop[] {
  const consumers = new Map<ValueId, SourceNode[]>();
  const frames = new Map<string, SourceNode[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (input === undefined) continue;
      const known = consumers.get(input);
      if (known) known.push(node);
      else consumers.set(input, [node]);
    }
    if (isOp(node, "Enter")) frames.set(frameOf(node), [...(frames.get(frameOf(node)) ?? []), node]);
  }
  return [...frames.values()].flatMap((enters) => loopOf(graph, enters, consumers) ?? []);
}

function loopOf(
  graph: Nodes,
  enters: readonly SourceNode[],
  consumers: ReadonlyMap<ValueId, readonly SourceNode[]>,
): FrameLoop | undefined {
  const invariant = enters.filter(isConstant);
  const variables: Variable[] = [];
  for (const enter of enters.filter((each) => !isConstant(each))) {
    const variable = variableOf(graph, enter, consumers);
    if (!variable) return undefined;
    variables.push(variable);
  }
  const condition = variables.find((each) => each.condition !== undefined)?.condition;
  const test = condition === undefined ? undefined : graph.producer(condition);
  if (!isOp(test, "LoopCond")) return undefined;
  const constants = invariant.map((enter) => enter.outputs[0]!);
  // A variable without a Switch is read by the condition only.
  const seen = variables.map((each) => each.switch?.outputs[1] ?? each.merge.outputs[0]!);
  return {
    names: test,
    cond: { inputs: [...variables.map(({ merge }) => merge.outputs[0]!), ...constants], outputs: [test.inputs[0]!] },
    body: { inputs: [...seen, ...constants], outputs: [...variables.map(({ next }) => next.inputs[0]!), ...constants] },
    inputs: [...variables.map(({ enter }) => enter.inputs[0]!), ...invariant.map((enter) => enter.inputs[0]!)],
    outputs: [...variables.map(({ exit }) => exit?.outputs[0]), ...constants.map(() => undefined)],
  };
}

function variableOf(
  graph: Nodes,
  enter: SourceNode,
  consumers: ReadonlyMap<ValueId, readonly SourceNode[]>,
): Variable | undefined {
  const after = (node: SourceNode, port: number, op: string) => {
    const output = node.outputs[port];
    return output === undefined ? undefined : consumers.get(output)?.find((each) => isOp(each, op));
  };
  const merge = after(enter, 0, "Merge");
  const next = merge?.inputs
    .map((input) => (input === undefined ? undefined : graph.producer(input)))
    .find((each) => isOp(each, "NextIteration"));
  if (!merge || !next) return undefined;
  const choice = after(merge, 0, "Switch");
  return { enter, merge, next, switch: choice, condition: choice?.inputs[1], exit: choice && after(choice, 0, "Exit") };
}
