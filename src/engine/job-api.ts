/** What a job's thread answers: work too long for the router. It reads the file itself and shares nothing. */
import type { GraphId } from "../graph/source.ts";
import type { ConvertRequest, ConvertView, OwnOpsFile, ParityRequest, ParityResult, Progress } from "../protocol/engine.ts";
import type { Backend, DrawnGraph, VerdictsView } from "../protocol/views.ts";

export interface JobApi {
  graph(path: string, graph: GraphId, signal: AbortSignal): Promise<DrawnGraph>;
  check(path: string, backend: Backend, ownOps: OwnOpsFile | undefined, signal: AbortSignal): Promise<VerdictsView>;
  convert(request: ConvertRequest, progress: Progress, signal: AbortSignal): Promise<ConvertView>;
  /** `scratch` is a folder for a conversion, where the request names none; the caller removes it, also after a job that was ended. */
  parity(request: ParityRequest, scratch: string, progress: Progress, signal: AbortSignal): Promise<ParityResult>;
}
