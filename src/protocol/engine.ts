/**
 * What the extension host asks of the engine, and what the engine asks back. Models are named by the path of their file; the engine
 * reads it again when it has changed. Every call may be cancelled by its signal and fails with a `ModelError` for a fault of the model.
 */
import type { Problem } from "../base/problem.ts";
import type { GraphId } from "../graph/source.ts";
import type { Tensor } from "../graph/tensor.ts";
import type {
  Backend,
  DrawnGraph,
  ModelView,
  NamedType,
  NodeDetails,
  ParityBackend,
  ParityVerdict,
  ParityView,
  TypeView,
  VerdictsView,
} from "./views.ts";

export interface NodeAt {
  readonly graph: GraphId;
  readonly node: number;
}

/** Line and columns count from 0, in UTF-16 units. */
export interface TextSpan {
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

export interface TextSymbol {
  readonly name: string;
  /** `Conv`; `graph` and `function` for blocks. */
  readonly detail: string;
  readonly kind: "graph" | "node";
  readonly firstLine: number;
  readonly lastLine: number;
  readonly selection: TextSpan;
  readonly children: readonly TextSymbol[];
}

/** What is under the cursor of the text. */
export interface TextHit {
  readonly span: TextSpan;
  /** The node whose line it is. */
  readonly on?: NodeAt;
  /** Where the value is made; absent for an op and for a stored tensor. */
  readonly definition?: TextSpan;
  /** For an op: its full name. */
  readonly op?: string;
  /** For a value; for an op its first output. */
  readonly value?: NamedType & {
    /** Stored tensors only. */
    readonly bytes?: number;
    readonly producer?: string;
    readonly uses: number;
  };
  /** Of the node, where the cursor is on its op. */
  readonly problems: readonly Problem[];
}

/** The user's file of operators that goes with a model; it is code, and run only where the workspace is trusted. */
export interface OwnOpsFile {
  readonly path: string;
  readonly trusted: boolean;
}

/** What crosses of a conversion; CLI.md says what each option does. */
export interface ConvertRequest {
  readonly path: string;
  readonly ownOps?: OwnOpsFile;
  /** The folder to make. */
  readonly out: string;
  /** Write into a folder that holds something else. */
  readonly force: boolean;
  readonly optimize: boolean;
  readonly shardBytes?: number;
  /** `NAME:SHAPE` */
  readonly inputs: readonly string[];
  /** Names of values to cut at; empty: the model's outputs. */
  readonly outputs: readonly string[];
  /** Default tfjs. */
  readonly to?: "tfjs" | "tfjs-layers" | "onnx";
  /** Of ONNX. */
  readonly opset?: number;
  readonly for?: "mlnet";
  /** Of a SavedModel. */
  readonly signature?: string;
  /** Of all float weights. */
  readonly quantize?: "float16" | "uint8" | "uint16";
  /** `mean=A,B,C,std=D,E,F` */
  readonly bake?: string;
  /** Of a TFLite model; default faithful. */
  readonly quantized?: "faithful" | "float" | "qdq";
}

export interface ConvertView {
  readonly out: string;
  readonly files: readonly string[];
  readonly nodes: { readonly source: number; readonly final: number };
  /** On disk. */
  readonly weightBytes: { readonly source: number; readonly final: number };
  readonly customOps: readonly string[];
  readonly problems: readonly Problem[];
}

export interface ParityRequest {
  readonly path: string;
  readonly ownOps?: OwnOpsFile;
  /** Of a SavedModel. */
  readonly signature?: string;
  /** A folder that holds a conversion; absent: the model is converted into a folder that goes when the run ends. */
  readonly converted?: string;
  /** Of TF.js; a conversion to ONNX runs in onnxruntime. */
  readonly backend: Backend;
  readonly seed: number;
  readonly atol?: number;
  readonly rtol?: number;
  readonly layers: boolean;
}

export interface ParityRow extends TypeView {
  /** Of the source value. */
  readonly name: string;
  readonly verdict: ParityVerdict;
  readonly maxAbs?: number;
  readonly maxRel?: number;
  /** Why there is no comparison, or where it first differs. */
  readonly note?: string;
  readonly at?: NodeAt;
  readonly op?: string;
}

export interface ParityResult {
  readonly backend: ParityBackend;
  /** `onnxruntime 1.30.0` */
  readonly reference: string;
  readonly verdict: ParityVerdict;
  readonly outputs: readonly ParityRow[];
  readonly layers: readonly ParityRow[];
  readonly paint: ParityView;
  readonly problems: readonly Problem[];
}

export type Stage = "reading" | "converting" | "writing" | "starting" | "comparing";

/** `fraction`, of the whole job, is absent while the end is not known. */
export type Progress = (stage: Stage, fraction?: number) => void;

export interface EngineApi {
  open(path: string, signal: AbortSignal): Promise<ModelView>;
  /** A graph with its layout, made in a worker. */
  graph(path: string, graph: GraphId, signal: AbortSignal): Promise<DrawnGraph>;
  details(path: string, graph: GraphId, node: number): Promise<NodeDetails>;
  /** The dry run, in a worker. Its types and problems enter the text. */
  check(path: string, backend: Backend, ownOps: OwnOpsFile | undefined, signal: AbortSignal): Promise<VerdictsView>;
  text(path: string): Promise<string>;
  /** First and last line of each block. */
  textFolds(path: string): Promise<readonly (readonly [number, number])[]>;
  textSymbols(path: string): Promise<readonly TextSymbol[]>;
  textAt(path: string, line: number, column: number): Promise<TextHit | undefined>;
  /** Where the nodes' op names are. */
  textSpans(path: string, nodes: readonly NodeAt[]): Promise<readonly (TextSpan | undefined)[]>;
  /** Where problems stand in the text of a model.json. */
  jsonSpans(path: string, problems: readonly Problem[]): Promise<readonly (TextSpan | undefined)[]>;
  convert(request: ConvertRequest, progress: Progress, signal: AbortSignal): Promise<ConvertView>;
  parity(request: ParityRequest, progress: Progress, signal: AbortSignal): Promise<ParityResult>;
  /** TypeScript that loads and runs the conversion in `folder`; of an ONNX model C#. */
  snippet(folder: string): Promise<string>;
}

/** Served by the extension host to the engine: a TF.js model on the machine's GPU, in a page. One at a time. */
export interface GpuApi {
  /** Loads a written TF.js folder; a `ModelError` with `backend-unavailable` where there is no adapter. */
  load(folder: string, backend: GpuBackend, signal: AbortSignal): Promise<GpuModel>;
  /** `feeds` by signature name, in TF.js's own dtypes; `fetches` are signature names or `node:port`. Answers in their order. */
  run(feeds: readonly (readonly [string, Tensor])[], fetches: readonly string[], signal: AbortSignal): Promise<readonly Tensor[]>;
  close(): Promise<void>;
}

export type GpuBackend = "webgl" | "webgpu";
export const isGpu = (backend: Backend): backend is GpuBackend => backend === "webgl" || backend === "webgpu";

export interface GpuModel {
  /** Of TF.js. */
  readonly version: string;
  /** What the page says the GPU is; may be empty. */
  readonly adapter: string;
  readonly inputs: readonly NamedType[];
  readonly outputs: readonly NamedType[];
}
