/** Runs jobs, each in a thread; one that has ended well is kept warm for the next. */
import type { GpuApi } from "../protocol/engine.ts";
import { serve } from "../protocol/rpc.ts";
import { Peer } from "../runtime/peer.ts";
import type { JobApi } from "./job-api.ts";

export class Jobs {
  private warm: Peer<JobApi> | undefined;

  /** `gpu` answers what a job asks of the machine's GPU. */
  constructor(private readonly gpu: GpuApi) {}

  /** Starts a thread ahead of the first job. */
  prepare(): void {
    this.warm ??= this.start();
  }

  /** Rejects as the job does; cancelled jobs end within 250 ms. */
  async run<R>(signal: AbortSignal, ask: (api: JobApi) => Promise<R>): Promise<R> {
    const thread = this.warm?.alive ? this.warm : this.start();
    this.warm = undefined;
    try {
      const result = await thread.call(signal, ask);
      if (this.warm) void thread.close();
      else this.warm = thread;
      return result;
    } catch (error) {
      // What a failed job leaves behind is not known; the caller may clear up once the thread is gone.
      await thread.close();
      throw error;
    }
  }

  private start(): Peer<JobApi> {
    const { gpu } = this;
    const relay: GpuApi = {
      load: (folder, backend, signal) => gpu.load(folder, backend, signal),
      run: (feeds, fetches, signal) => gpu.run(feeds, fetches, signal),
      close: () => gpu.close(),
    };
    return Peer.thread<JobApi>("the job", "engine-job", (port) => serve<GpuApi>(port, relay));
  }
}
