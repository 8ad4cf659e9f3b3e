import type { AddressRange } from "../core/address-range.ts";
import type { EcosystemId } from "../core/artifact.ts";
import type { Limits } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ecosystem, Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Log } from "../core/ports/log.ts";
import type { PublishedKey, SigningKeys } from "../core/ports/signing-keys.ts";
import type { Tokens } from "../core/ports/tokens.ts";
import type { TrustStatus } from "../core/ports/trust.ts";
import type { Uses } from "../mirror/cache/uses.ts";
import type { Counters } from "../mirror/counters.ts";
import type { Explainer } from "../mirror/explain.ts";
import type { GitSources } from "../mirror/git/git-sources.ts";
import type { PublicLog } from "../mirror/log/public-log.ts";
import type { Mirror } from "../mirror/obtain.ts";
import type { Summaries } from "../mirror/summaries.ts";
import type { Hot } from "./hot.ts";
import type { Readers } from "./readers.ts";
import type { Metrics } from "./serve-metrics.ts";
import type { Tally } from "./tally.ts";

/** What the server answers from. Put together by app/compose. */
export interface HttpDeps {
  readonly repositories: readonly Repository[];
  readonly ecosystems: Readonly<Record<EcosystemId, Ecosystem>>;
  readonly mirror: Mirror;
  readonly summaries: Summaries;
  readonly keys: SigningKeys;
  /** Who may change hosted repositories. */
  readonly tokens: Pick<Tokens, "find">;
  readonly explainer: Pick<Explainer, "known">;
  readonly index: Pick<Index, "counters">;
  /** The decision log, for whoever watches it. */
  readonly publicLog: PublicLog;
  /** The log's name for itself, which may be made of the keys. */
  readonly logOrigin: (keys: readonly PublishedKey[]) => string;
  readonly counters: Counters;
  readonly tally: Tally;
  readonly uses: Pick<Uses, "blob">;
  readonly hot: Hot;
  readonly readers: Readers;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /** Scheme, host and optional path prefix that clients reach us at; undefined to go by the Host header. */
  readonly publicUrl: string | undefined;
  /** Where X-Forwarded-For is believed from. */
  readonly trustedProxies: readonly AddressRange[];
  /** Undefined where the operator wants none. */
  readonly metrics: Metrics | undefined;
  /** Undefined where no git host is mirrored. */
  readonly git: GitSources | undefined;
  /** How the roots and keys stand that evidence is checked against: for health checks and metrics. Cheap, asks nobody. */
  readonly trust: { status(): readonly TrustStatus[] };
}
