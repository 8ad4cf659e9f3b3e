import { Worker } from "node:worker_threads";

/** Why a job has no answer. `stopped`: the pool was closed. */
export type LossCause = "time" | "memory" | "crash" | "stopped";

/** What became of one job. `lost`: the worker ran out of time or memory, or crashed; nothing is known about its input. */
export type JobResult<Answer> =
  | { readonly kind: "answered"; readonly answer: Answer }
  | { readonly kind: "lost"; readonly cause: LossCause; readonly detail: string };

interface PoolOptions {
  /** Module that each worker runs. It answers every message with one message. */
  readonly module: URL;
  readonly workers: number;
  /** Heap of one worker in MiB, past which it is ended. What it reads and inflates is streamed, so this is for bookkeeping. */
  readonly heapMegabytes: number;
}

interface Waiting<Job, Answer> {
  readonly job: Job;
  readonly timeoutMs: number;
  readonly settle: (result: JobResult<Answer>) => void;
}

const STOPPED = { kind: "lost", cause: "stopped", detail: "the check was stopped" } as const;

/**
 * A few threads for work that blocks and that hostile input may stall or crash. Started when first needed, kept, and replaced when lost:
 * one bad job takes down its own worker and nothing else. Idle workers do not keep the process alive.
 */
export class WorkerPool<Job, Answer> {
  readonly #options: PoolOptions;
  readonly #queue: Waiting<Job, Answer>[] = [];
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Runs one job; further ones wait in order. The time counts from its start, not while it waits. Never rejects. */
  run(job: Job, timeoutMs: number): Promise<JobResult<Answer>> {
    return new Promise((settle) => {
      if (this.#closed) return settle(STOPPED);
      this.#queue.push({ job, timeoutMs, settle });
      this.#startNext();
    });
  }

  /** Jobs that wait for a worker. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Ends all workers. Jobs under way and waiting are lost. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#queue.splice(0)) waiting.settle(STOPPED);
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #startNext(): void {
    if (this.#queue.length === 0) return;
    const worker = this.#idle.pop() ?? (this.#all.size < this.#options.workers ? this.#spawn() : undefined);
    if (!worker) return;
    const next = this.#queue.shift();
    if (next) this.#dispatch(worker, next);
  }

  #spawn(): Worker {
    const worker = new Worker(this.#options.module, {
      // Nothing of the parent's: not its environment, where credentials may stand, and not its flags.
      env: {},
      execArgv: [],
      argv: [],
      resourceLimits: { maxOldGenerationSizeMb: this.#options.heapMegabytes },
    });
    this.#all.add(worker);
    // Without this listener the error would be thrown in our thread. `exit` always follows it.
    worker.on("error", () => {});
    worker.on("exit", () => {
      this.#all.delete(worker);
      const idle = this.#idle.indexOf(worker);
      if (idle !== -1) this.#idle.splice(idle, 1);
    });
    return worker;
  }

  #dispatch(worker: Worker, { job, timeoutMs, settle }: Waiting<Job, Answer>): void {
    let cause: LossCause = "crash";
    let detail = "the check crashed";
    const timer = setTimeout(() => {
      cause = "time";
      detail = `the check did not end within ${timeoutMs / 1000} s`;
      // An answer that is already on its way would hand a worker that is ending to the next job.
      worker.off("message", onMessage);
      void worker.terminate();
    }, timeoutMs);
    const onMessage = (answer: Answer): void => {
      release();
      worker.unref();
      this.#idle.push(worker);
      settle({ kind: "answered", answer });
      this.#startNext();
    };
    const onError = (error: unknown): void => {
      if (!(error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY")) return;
      cause = "memory";
      detail = "the check ran out of memory";
    };
    const onExit = (): void => {
      release();
      settle(this.#closed ? STOPPED : { kind: "lost", cause, detail });
      this.#startNext();
    };
    const release = (): void => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
    };
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    worker.ref();
    worker.postMessage(job);
  }
}
