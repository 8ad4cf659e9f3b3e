import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Log } from "../../core/ports/log.ts";
import { createUpstreamClient } from "../../upstream/client.ts";
import { refreshRepository } from "../../verify/tuf/refresh-repository.ts";
import { defaultUpstream } from "../config.ts";
import { upstreamOptions } from "../upstream-options.ts";
import type { KeptTrust } from "./kept-trust.ts";
import { checkTargets, type TufSource } from "./load-trust.ts";

export interface RefreshDeps {
  /** Where the client may work; its files are gone afterwards. */
  readonly folder: string;
  /** Refuses mirrors that are not folders. */
  readonly offline: boolean;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /** Is asked for proxies. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends a refresh that is under way, as failed. */
  readonly signal: AbortSignal;
  /** Milliseconds that one refresh may take, whatever the mirror does; 60000 where left out. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 60_000;

/**
 * One look at a mirror. Answers what to keep from now on: where the refresh failed, the targets of before with `failure`, which is never a reason to stop
 * using them. Throws nothing that a mirror can cause.
 */
export async function refreshTrust(
  source: TufSource,
  kept: KeptTrust | undefined,
  deps: RefreshDeps,
): Promise<{ readonly kept: KeptTrust; readonly error: AssayError | undefined }> {
  const { name, mirror, ca, basis } = source;
  const before: KeptTrust = kept ?? { basis, metadata: new Map(), targets: new Map() };
  const upstreams = upstreamOptions(
    `trust.${name}`,
    [{ ...defaultUpstream(mirror), concurrency: 1, ...(ca === undefined ? {} : { ca }) }],
    deps.env,
  );
  const [{ upstream } = { upstream: { id: name, url: mirror } }] = upstreams;
  const client = createUpstreamClient({ ...deps, upstreams });
  const deadlineMs = deps.deadlineMs ?? DEADLINE_MS;
  // A mirror that answers a byte every now and then breaks no time-out of a single request.
  const deadline = AbortSignal.timeout(deadlineMs);
  const ended = AbortSignal.any([deadline, deps.signal]);
  const end = (): void => void client.close();
  ended.addEventListener("abort", end);
  try {
    const answer = await refreshRepository({
      mirror,
      metadata: before.metadata.size > 0 ? before.metadata : new Map([["root", source.root]]),
      targets: source.targets,
      folder: join(deps.folder, `tmp-${randomUUID()}`),
      download: async (url, maxBytes) => {
        const found = await client.fetch(upstream, { url, accept: "*/*", maxBytes }).catch(absentWhereForbidden);
        return found?.kind === "document" ? found.response.body : undefined;
      },
    });
    const now = deps.clock.now();
    const error = deadline.aborted ? tooSlow(mirror, deadlineMs) : answer.ok ? whyUnusable(source, answer.targets) : answer.error;
    if (error || !answer.ok)
      return { error, kept: { ...before, metadata: answer.metadata, failure: { at: now, detail: error?.message ?? "" } } };
    const refreshedAt = sameTargets(before.targets, answer.targets) ? (before.refreshedAt ?? now) : now;
    return { error, kept: { basis, metadata: answer.metadata, targets: answer.targets, refreshedAt, checkedAt: now } };
  } finally {
    ended.removeEventListener("abort", end);
    await client.close();
  }
}

/** Object stores answer 403 for what they do not have, so the specification's clients take both for the end of the chain of roots. */
function absentWhereForbidden(error: unknown): undefined {
  if (!(error instanceof AssayError && error.upstreamStatus === 403)) throw error;
}

function whyUnusable(source: TufSource, targets: ReadonlyMap<string, Buffer>): AssayError | undefined {
  try {
    checkTargets(source, targets);
  } catch (error) {
    if (error instanceof AssayError) return error;
    throw error;
  }
}

function sameTargets(one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>): boolean {
  return one.size === other.size && [...one].every(([name, bytes]) => other.get(name)?.equals(bytes));
}

function tooSlow(mirror: URL, deadlineMs: number): AssayError {
  return new AssayError("UPSTREAM_TIMEOUT", `the TUF mirror ${mirror.href} took longer than ${deadlineMs / 1000} s in all`);
}
