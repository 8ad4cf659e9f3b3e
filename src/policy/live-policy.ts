import { AssayError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import { ABSENT, fileState, type PolicyFile, type ReadPolicy, readPolicy } from "./read-policy.ts";

/** What became of a changed file: it holds from now on, or it is not valid and the policy before it stays. */
export type PolicyChange = { readonly kind: "loaded"; readonly policy: ReadPolicy } | { readonly kind: "kept"; readonly error: AssayError };

/** The policy as it is now. One reference to it is one consistent policy; the next `current` may be another. */
export interface LivePolicy {
  current(): ReadPolicy;
  /** Calls back after every change and every failed one, until the answered function is called. The callback must not throw. */
  subscribe(listener: (change: PolicyChange) => void): () => void;
  /** Reads everything again now, feeds too, whether it changed or not. Never rejects for what stands in the file. */
  reload(): Promise<PolicyChange>;
  close(): void;
}

export interface WatchOptions extends PolicyFile {
  readonly clock: Clock;
  /** Hears of each policy that was read, before it holds. What it throws is as good as a file that is not valid. */
  readonly accept?: (policy: ReadPolicy) => Promise<void>;
  /** Milliseconds between two looks at the files; 1000 where left out. */
  readonly pollMs?: number;
  /** Where SIGHUP comes from: the process. Left out, no signal is listened for. */
  readonly signals?: Pick<NodeJS.EventEmitter, "on" | "off">;
}

/**
 * Reads the policy and keeps it current: when its file, a key file or a feed changes, and on SIGHUP. Throws what `readPolicy` throws for the first reading; later on a bad file
 * changes nothing and is told to the subscribers.
 */
export async function watchPolicy(options: WatchOptions): Promise<LivePolicy> {
  const first = await readPolicy(options, options.clock.now());
  await options.accept?.(first);
  return new PolledPolicy(first, options);
}

/** Looks at files instead of asking to be told: notifications miss what is mounted, linked or renamed into place, as in containers. */
class PolledPolicy implements LivePolicy {
  readonly #options: WatchOptions;
  readonly #listeners = new Set<(change: PolicyChange) => void>();
  readonly #onHangup = (): void => void this.reload();
  #current: ReadPolicy;
  /** The state of the files that was read last, whether it could be used or not. */
  #tried: string;
  /** The state at the last look. */
  #seen: string;
  #queue: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(first: ReadPolicy, options: WatchOptions) {
    this.#options = options;
    this.#current = first;
    this.#tried = stateText(first.files);
    this.#seen = this.#tried;
    options.signals?.on("SIGHUP", this.#onHangup);
    this.#schedule();
  }

  current(): ReadPolicy {
    return this.#current;
  }

  subscribe(listener: (change: PolicyChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  reload(): Promise<PolicyChange> {
    return this.#enqueue(() => this.#read(undefined));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#options.signals?.off("SIGHUP", this.#onHangup);
    this.#listeners.clear();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#look().finally(() => !this.#isClosed && this.#schedule()), this.#options.pollMs ?? 1000);
    this.#timer.unref();
  }

  /** Reads a change only once it stayed the same for two looks: half a written file can be a valid policy, with half its rules. */
  async #look(): Promise<void> {
    const state = await this.#stateNow();
    const isSettled = state === this.#seen;
    this.#seen = state;
    if (isSettled && state !== this.#tried) await this.#enqueue(() => this.#read(this.#current));
  }

  /** One reading after the other, so that an older text never replaces a newer one. */
  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #read(previous: ReadPolicy | undefined): Promise<PolicyChange> {
    this.#tried = await this.#stateNow();
    const change = await this.#attempt(previous);
    if (change.kind === "loaded") {
      this.#current = change.policy;
      // The new text may name other files.
      this.#tried = stateText(change.policy.files);
      this.#seen = this.#tried;
    }
    if (!this.#isClosed) for (const listener of this.#listeners) listener(change);
    return change;
  }

  async #attempt(previous: ReadPolicy | undefined): Promise<PolicyChange> {
    try {
      const { clock, optional = false } = this.#options;
      // A file that was there and is gone may be on its way back: what it denied must not be let in meanwhile.
      const mayBeAbsent = optional && this.#current.files.get(this.#options.file) === ABSENT;
      const policy = await readPolicy({ ...this.#options, optional: mayBeAbsent }, clock.now(), previous);
      await this.#options.accept?.(policy);
      return { kind: "loaded", policy };
    } catch (error) {
      // Also for a bug of ours the policy that works is better than none.
      const told = error instanceof AssayError ? error : new AssayError("INTERNAL", "the policy could not be read", { cause: error });
      return { kind: "kept", error: told };
    }
  }

  async #stateNow(): Promise<string> {
    const states = new Map<string, string>();
    for (const path of this.#current.files.keys()) states.set(path, await fileState(path));
    return stateText(states);
  }
}

function stateText(files: ReadonlyMap<string, string>): string {
  return [...files].map(([path, state]) => `${path}\0${state}`).join("\n");
}
