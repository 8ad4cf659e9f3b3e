import { AssayError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Log } from "../../core/ports/log.ts";
import type { TrustStatus } from "../../core/ports/trust.ts";
import { SingleFlight } from "../../core/single-flight.ts";
import type { RegistryKey } from "../../verify/registry-signature/registry-keys.ts";
import type { VouchedRegistry } from "../../verify/registry-signature/vouched-registries.ts";
import type { TrustRoot } from "../../verify/sigstore/trust-root.ts";
import type { Config } from "../config.ts";
import { type KeptTrust, trustFolder, writeKept } from "./kept-trust.ts";
import { type LoadedTrust, loadTrust, PUBLIC, type TufSource } from "./load-trust.ts";
import { type RefreshDeps, refreshTrust } from "./refresh-trust.ts";
import { trustStatus } from "./trust-status.ts";
import { watchFiles } from "./watch-files.ts";

export interface LiveTrustDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Is asked for proxies. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called when another root or other keys hold from now on. */
  readonly changed: () => void;
  /** Where SIGHUP comes from: the process. */
  readonly signals?: Pick<NodeJS.EventEmitter, "on" | "off">;
  /** Milliseconds between two looks at the files; 1000 where left out. */
  readonly pollMs?: number;
  /** Milliseconds that one refresh may take. */
  readonly deadlineMs?: number;
}

type TrustConfiguration = Pick<Config, "trust" | "dataDir" | "offline"> & { readonly limits: Limits };

/** How often it is looked whether a refresh is due. */
const TICK_MS = 60_000;
/** How soon a refresh that failed is tried again. */
const RETRY_MS = 60 * 60_000;

/**
 * What evidence is checked against, by the name that an upstream is bound to; a bundle never chooses among them. Built in, from the operator's files, or
 * refreshed from TUF mirrors in the background: nothing here is waited for by a request, and whatever a mirror or a file comes to, what held before holds on.
 */
export class LiveTrust {
  readonly #config: TrustConfiguration;
  readonly #deps: LiveTrustDeps;
  readonly #folder: string;
  readonly #loaded: Map<string, LoadedTrust>;
  readonly #refreshes = new SingleFlight<AssayError | undefined>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #nextAt = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #onHangup = (): void => void this.reload();
  #queue: Promise<void> = Promise.resolve();
  #stop: (() => void) | undefined;

  private constructor(config: TrustConfiguration, deps: LiveTrustDeps, folder: string, loaded: Map<string, LoadedTrust>) {
    this.#config = config;
    this.#deps = deps;
    this.#folder = folder;
    this.#loaded = loaded;
  }

  /** Throws CONFIG_INVALID where a file of the operator cannot be used. Refreshes nothing, follows nothing, before `start`. */
  static async open(config: TrustConfiguration, deps: LiveTrustDeps): Promise<LiveTrust> {
    const folder = trustFolder(config.dataDir);
    const loaded = new Map<string, LoadedTrust>();
    for (const name of new Set([PUBLIC, ...Object.keys(config.trust)])) {
      loaded.set(name, await loadTrust(name, config.trust[name] ?? {}, { folder, log: deps.log }));
    }
    return new LiveTrust(config, deps, folder, loaded);
  }

  /** The Sigstore root of a name, as it is now. */
  get(name: string): TrustRoot | undefined {
    return this.#loaded.get(name)?.root;
  }

  /** Registry keys from the operator's file of that name. */
  operatorKeys(name: string): readonly RegistryKey[] | undefined {
    return this.#loaded.get(name)?.registryKeys;
  }

  /** The registries that the public TUF repository vouches for, with their keys as they are now. Which ones they are never changes. */
  get registries(): readonly VouchedRegistry[] {
    return this.#loaded.get(PUBLIC)?.registries ?? [];
  }

  get all(): readonly LoadedTrust[] {
    return [...this.#loaded.values()];
  }

  status(): readonly TrustStatus[] {
    return this.all.map((loaded) => trustStatus(loaded, this.#deps.clock.now()));
  }

  /** Follows the files and, where that is not forbidden, the mirrors, until `close`. */
  start(): void {
    const { signals, pollMs = 1000 } = this.#deps;
    signals?.on("SIGHUP", this.#onHangup);
    const stopWatching = watchFiles(
      () => this.all.flatMap(({ files }) => files),
      () => this.reload(),
      pollMs,
    );
    const ticking = setInterval(() => this.#tick(), TICK_MS);
    ticking.unref();
    this.#tellStale();
    this.#tick();
    this.#stop = () => {
      signals?.off("SIGHUP", this.#onHangup);
      stopWatching();
      clearInterval(ticking);
    };
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#stop?.();
    this.#closing.abort();
    await Promise.allSettled(this.#running);
    await this.#queue;
  }

  /** Reads all files again, each name on its own: one that cannot be used keeps what it had. Never throws. */
  reload(): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      for (const name of this.#loaded.keys()) await this.#reloadOne(name);
    });
    return this.#queue;
  }

  /**
   * Asks the mirror of a name now; shared by all who ask meanwhile. Answers why it failed, undefined where it did not: what held before then holds on.
   * Throws CONFIG_INVALID for a name that is refreshed from nowhere, OFFLINE where no mirror may be asked.
   */
  async refresh(name: string): Promise<AssayError | undefined> {
    const source = this.#loaded.get(name)?.tuf;
    if (!source) {
      throw new AssayError("CONFIG_INVALID", `trust ${JSON.stringify(name)} has no TUF mirror to be refreshed from`, {
        help: `configure one: trust: {${name}: {tuf: {mirror: URL, root: PATH}}}`,
      });
    }
    if (!this.#mayAsk(source)) {
      throw new AssayError("OFFLINE", `offline: the TUF mirror of ${JSON.stringify(name)} is not asked`, {
        help: "start without --offline to refresh trust roots",
      });
    }
    const running = this.#refreshes.run(name, () => this.#refreshFrom(source));
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  }

  #mayAsk({ mirror }: TufSource): boolean {
    return !this.#config.offline || mirror.protocol === "file:";
  }

  #tick(): void {
    const now = this.#deps.clock.now();
    for (const { name, tuf, kept } of this.all) {
      if (!tuf || !this.#mayAsk(tuf) || now < (this.#nextAt.get(name) ?? (kept?.checkedAt ?? 0) + tuf.everyMs)) continue;
      this.#nextAt.set(name, now + tuf.everyMs);
      void this.refresh(name).then(
        (error) => error && this.#nextAt.set(name, now + Math.min(tuf.everyMs, RETRY_MS)),
        (error: unknown) => this.#deps.log.error({ err: error, trust: name }, "a trust root could not be refreshed"),
      );
    }
  }

  async #refreshFrom(source: TufSource): Promise<AssayError | undefined> {
    const { name } = source;
    const { log } = this.#deps;
    // Another process may have refreshed it since: what is older must not be written over it.
    await this.reload();
    const { offline, limits } = this.#config;
    const deps: RefreshDeps = { ...this.#deps, folder: this.#folder, offline, limits, signal: this.#closing.signal };
    const { kept, error } = await refreshTrust(source, this.#loaded.get(name)?.kept, deps);
    // What failed because we are closing says nothing about the mirror.
    if (this.#closing.signal.aborted) return error;
    if (error) log.warn({ err: error, trust: name }, "a trust root could not be refreshed; the one before it stays in use");
    await this.#keep(name, kept);
    this.#tellStale();
    return error;
  }

  async #keep(name: string, kept: KeptTrust): Promise<void> {
    try {
      await writeKept(this.#folder, name, kept);
      await this.reload();
    } catch (error) {
      this.#deps.log.warn({ err: error, trust: name }, "a refreshed trust root could not be kept; it is fetched again later");
    }
  }

  async #reloadOne(name: string): Promise<void> {
    const { log, changed } = this.#deps;
    const before = this.#loaded.get(name);
    try {
      const now = await loadTrust(name, this.#config.trust[name] ?? {}, { folder: this.#folder, log });
      this.#loaded.set(name, now);
      if (before && sameMaterial(before, now)) return;
      log.info(
        { trust: name, from: now.from, sha256: now.root?.sha256, before: before?.root?.sha256 },
        "other roots or keys hold from now on",
      );
      changed();
    } catch (error) {
      log.error({ err: error, trust: name }, "the changed trust material cannot be used: what held before stays in use");
    }
  }

  #tellStale(): void {
    for (const { name, stale, source } of this.status()) {
      if (stale !== undefined) this.#deps.log.warn({ trust: name, source, detail: stale }, "a trust root is stale");
    }
  }
}

function sameMaterial(one: LoadedTrust, other: LoadedTrust): boolean {
  return one.root?.sha256 === other.root?.sha256 && fingerprint(one) === fingerprint(other);
}

/** Keys print alike where they are alike. */
function fingerprint({ registryKeys = [], registries }: LoadedTrust): string {
  const all = [...registryKeys, ...registries.flatMap(({ keys }) => keys)];
  return JSON.stringify(all.map(({ key, ...rest }) => ({ ...rest, key: key.export({ type: "spki", format: "der" }).toString("base64") })));
}
