/** The page's end of the wire: VS Code's `acquireVsCodeApi`, as a port, and the state it keeps while the page is hidden. */
import type { Port } from "../src/protocol/rpc.ts";

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

/** What a page that is made anew shows again. */
export interface PageState {
  readonly file: string;
  readonly graph: number;
  /** How many the graph had: another number is another graph, where places mean nothing. */
  readonly nodes: number;
  readonly box?: number;
  /** Of the selected node: what it is found by in a graph that has changed. */
  readonly name?: string;
  /** Of the page's graph: screen = graph × k + (x, y). */
  readonly view?: { readonly k: number; readonly x: number; readonly y: number };
}

export interface Host {
  readonly port: Port;
  state(): PageState | undefined;
  keep(state: PageState): void;
}

export function vscodeHost(): Host {
  const api = acquireVsCodeApi();
  return {
    port: {
      post: (message) => api.postMessage(message),
      listen(listener) {
        const receive = (event: MessageEvent): void => listener(event.data);
        window.addEventListener("message", receive);
        return () => window.removeEventListener("message", receive);
      },
    },
    state: () => (isState(api.getState()) ? (api.getState() as PageState) : undefined),
    keep: (state) => api.setState(state),
  };
}

function isState(state: unknown): state is PageState {
  return typeof state === "object" && state !== null && "file" in state && "graph" in state;
}
