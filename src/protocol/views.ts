/**
 * The plain views that cross to the webview, and the calls between it and the host. JSON-able: numbers, strings, arrays, no Graph objects.
 *
 * A *box* is what is drawn: a node, an input pill or an output pill. Boxes are numbered node by node in file order, then
 * `GraphView.inputs`, then `GraphView.outputs`; so a node's box is its id. `boxes.ts` measures them, `graph-view.ts` makes the views.
 */
import type { Problem } from "../base/problem.ts";
import type { GraphId, SourceDim, ValueId } from "../graph/source.ts";

export const backends = ["cpu", "wasm", "webgl", "webgpu"] as const;
export type Backend = (typeof backends)[number];
/** Where a conversion runs to be compared: one to ONNX in onnxruntime. */
export type ParityBackend = Backend | "onnxruntime";

export type Category = "convolution" | "activation" | "normalization" | "pooling" | "matmul" | "shape" | "control" | "data";

/** Element type and shape, as far as known. */
export interface TypeView {
  readonly dtype?: string;
  /** Absent: rank unknown. */
  readonly shape?: readonly SourceDim[];
  /** What is no tensor, in words: `sequence(tensor(float32))`. */
  readonly other?: string;
  /** What integer codes stand for, in words: `0.0078 · (q + 1)`. */
  readonly quantization?: string;
}

export interface NamedType extends TypeView {
  readonly name: string;
}

/** An input or output of the main graph. */
export interface ModelPort extends NamedType {
  readonly value: ValueId;
}

/** The title line and the model's page of the details panel. */
export interface ModelView {
  /** File name: `squeezenet.onnx`. */
  readonly file: string;
  /** The model's own name; may be empty. */
  readonly name: string;
  /** `ONNX` */
  readonly format: string;
  /** `IR 8` */
  readonly formatVersion: string;
  /** The dialect's own first: `[{domain: "ai.onnx", version: 9}]`. */
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly producer?: string;
  /** What takes the model as it is: `tf.loadLayersModel`. */
  readonly loader: string;
  /** Which loaders do not, though they are tried. */
  readonly note?: string;
  /** All nodes of all graphs, dead ones included. */
  readonly nodes: number;
  readonly parameters: number;
  readonly weightBytes: number;
  /** Of the file and its external data together. */
  readonly bytes: number;
  /** Weight bytes by element type, largest first. */
  readonly weightTypes: readonly { readonly dtype: string; readonly bytes: number }[];
  /** Most frequent first. */
  readonly operators: readonly { readonly op: string; readonly category: Category; readonly count: number }[];
  /** At most `largestWeightsShown`, largest first, with the node that reads it first. */
  readonly largestWeights: readonly (NamedType & { readonly bytes: number; readonly graph: GraphId; readonly node?: number })[];
  readonly weights: number;
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
  readonly graphs: readonly GraphLink[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Found while reading; those of nodes come again, with the verdicts. */
  readonly problems: readonly Problem[];
}

export interface GraphLink {
  readonly id: GraphId;
  /** `decoder`, or the attribute that holds it: `then_branch`; empty for a main graph without a name of its own. */
  readonly name: string;
  readonly role: "main" | "subgraph" | "function";
  readonly parent?: GraphId;
  /** The node of the parent that holds it. */
  readonly holder?: number;
  readonly nodes: number;
}

export interface NodeView {
  /** Index in the source graph's nodes: file order. */
  readonly id: number;
  /** May be empty. */
  readonly name: string;
  readonly op: string;
  /** "" for the dialect's own. */
  readonly domain: string;
  readonly category: Category;
  /** What matters most, short: `3×3 s2 · 64`; may be empty. */
  readonly summary: string;
  /** Stored tensors among the inputs: `W 64×16×3×3`. */
  readonly chips: readonly { readonly label: string; readonly shape: readonly number[] }[];
  /** Sub-graphs to enter. */
  readonly subgraphs: readonly { readonly label: string; readonly graph: GraphId }[];
}

/** An input, output or captured outer value of the graph, drawn as a pill. */
export interface PillView {
  readonly name: string;
  readonly kind: "input" | "output" | "capture";
  readonly value: ValueId;
}

export interface EdgeView {
  readonly from: number;
  readonly fromPort: number;
  readonly to: number;
  /** -1: read by a sub-graph of the node, not by the node itself. */
  readonly toPort: number;
  readonly value: ValueId;
}

export interface GraphView extends GraphLink {
  readonly boxes: number;
  readonly nodeViews: readonly NodeView[];
  readonly inputs: readonly PillView[];
  readonly outputs: readonly PillView[];
  readonly edges: readonly EdgeView[];
  /** Values that edges carry, as the file declares them. */
  readonly values: readonly (NamedType & { readonly id: ValueId })[];
}

/** Whole pixels. Arrays run parallel to the boxes and edges of the `GraphView`. */
export interface LayoutView {
  readonly width: number;
  readonly height: number;
  /** Left edge. */
  readonly x: readonly number[];
  /** Top edge. */
  readonly y: readonly number[];
  readonly boxWidths: readonly number[];
  readonly boxHeights: readonly number[];
  /**
   * An edge a row: x, y, x, y … from the bottom of one box to the top of the other. Between points with equal x or y runs a line
   * (corners rounded); between others a curve with vertical tangents.
   */
  readonly routes: readonly (readonly number[])[];
}

export interface DrawnGraph {
  readonly graph: GraphView;
  readonly layout: LayoutView;
}

/** An attribute, already in words: `3, 3`. Tensors give their type. */
export interface AttributeView {
  readonly name: string;
  readonly kind: string;
  readonly text: string;
  /** Longer than is shown; `text` is its beginning. */
  readonly cut?: boolean;
  /** A sub-graph to enter. */
  readonly graph?: GraphId;
}

export interface PortView extends TypeView {
  /** The operator's own word for it: `X`, `W`; else its index. */
  readonly label: string;
  /** Empty: an optional input left out. */
  readonly name: string;
  readonly value?: ValueId;
  /** Nodes at the other end of the edge. */
  readonly nodes: readonly number[];
  /** Nothing makes this value. */
  readonly dangling?: boolean;
}

export interface WeightView extends NamedType {
  readonly label: string;
  readonly bytes: number;
  readonly parameters: number;
  /** The file that holds it, where that is not the model itself, and the byte offset there. */
  readonly file?: string;
  readonly offset?: number;
  /** All elements, row-major, where they are few (`valuesShown`); as text, since 64-bit integers are no numbers. */
  readonly values?: readonly string[];
}

export interface NodeDetails {
  readonly graph: GraphId;
  readonly node: number;
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  /** Whose operator it is, in words: `ai.onnx` where the domain is empty. */
  readonly owner: string;
  /** Version of the opset that the operator is read with. */
  readonly version?: number;
  readonly category: Category;
  readonly attributes: readonly AttributeView[];
  readonly inputs: readonly PortView[];
  readonly outputs: readonly PortView[];
  readonly weights: readonly WeightView[];
  readonly doc?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export type Support = "runs" | "changed" | "missing" | "not-checked";

/** A problem with its node, so that graph, panel and counter walk the same list. */
export interface ProblemView extends Problem {
  /** Absent: the problem is of the model, not of a node. */
  readonly at?: { readonly graph: GraphId; readonly node: number };
}

/** The second message: what the dry run found. Replaces any earlier one. */
export interface VerdictsView {
  readonly backend: Backend;
  /** In the order of the file, errors and warnings mixed; infos too. */
  readonly problems: readonly ProblemView[];
  /** For the whole model: may it run, and how many nodes stop it. */
  readonly backends: readonly { readonly backend: Backend; readonly ready: boolean; readonly nodes: number }[];
  /** Types that the file does not declare, or declares less exactly. */
  readonly types: readonly (TypeView & { readonly graph: GraphId; readonly value: ValueId })[];
  /** Nodes that are not simply `runs` on every backend. */
  readonly support: readonly {
    readonly graph: GraphId;
    readonly node: number;
    readonly backends: Readonly<Record<Backend, Support>>;
    /** What becomes of it, in words: `MatMul`. */
    readonly becomes?: string;
  }[];
}

export type ParityVerdict = "equal" | "within" | "consistent" | "different" | "not-compared";

/** Errors to paint on the nodes. */
export interface ParityView {
  readonly backend: ParityBackend;
  /** Largest difference that still is within: the centre of the tint. */
  readonly tolerance: number;
  readonly nodes: readonly {
    readonly graph: GraphId;
    readonly node: number;
    readonly verdict: ParityVerdict;
    /** Absent where shapes or types differ. */
    readonly maxAbs?: number;
  }[];
  /** The first in the order of the graph that differs. */
  readonly first?: { readonly graph: GraphId; readonly node: number };
}

/** `fraction` is absent while the end is not known. */
export interface OpeningView {
  readonly what: string;
  readonly fraction?: number;
}

export type FailureView =
  /** The file cannot be read: a located problem and what was read before it. */
  | { readonly kind: "broken"; readonly file: string; readonly problem: Problem; readonly read?: string }
  /** The engine is gone; `reload` starts another. */
  | { readonly kind: "crashed"; readonly reason: string };

/** Which verb of the extension a button of the webview asks for. */
export type Action = "convert" | "check-parity" | "show-unsupported" | "open-as-bytes";

/** What the webview asks of the host. */
export interface HostApi {
  /** The page is drawn and takes calls; the host answers with `opening`, `show` and so on. */
  ready(): Promise<void>;
  /** A graph of the model, laid out: a sub-graph's page. */
  graph(id: GraphId): Promise<DrawnGraph>;
  details(graph: GraphId, node: number): Promise<NodeDetails>;
  /** The selection moved; undefined: nothing is selected. For the text's cursor, the status bar, the outline. */
  select(graph: GraphId, node: number | undefined): Promise<void>;
  revealInText(graph: GraphId, node: number): Promise<void>;
  /** New verdicts follow by `verdicts`. */
  setBackend(backend: Backend): Promise<void>;
  /** Reads the file again, with a new engine where the old one is gone. */
  reload(): Promise<void>;
  /** Stops the opening. */
  cancel(): Promise<void>;
  run(action: Action): Promise<void>;
}

/** What the host asks of the webview. Calls come in any order after `ready`; `show` starts anew. */
export interface WebviewApi {
  opening(view: OpeningView): Promise<void>;
  /** `backend`: the one chosen in the settings. */
  show(model: ModelView, main: DrawnGraph, backend: Backend): Promise<void>;
  /** Undefined: the check ended without an answer; what went wrong the host tells. */
  verdicts(view: VerdictsView | undefined): Promise<void>;
  /** Undefined takes the paint away. */
  parity(view: ParityView | undefined): Promise<void>;
  /** Selects the node, on its own page, and brings it into view. */
  reveal(graph: GraphId, node: number): Promise<void>;
  /** Moves the selection to the next (1) or previous (-1) problem. */
  nextProblem(step: 1 | -1): Promise<void>;
  failed(view: FailureView): Promise<void>;
}

/** How many weights the model's page lists. */
export const largestWeightsShown = 3;
/** Tensors of at most so many elements have their values in the details. */
export const valuesShown = 64;
