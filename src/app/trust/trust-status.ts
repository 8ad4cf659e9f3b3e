import type { TrustStatus } from "../../core/ports/trust.ts";
import { type TufRole, tufRoles } from "../../verify/tuf/roles.ts";
import type { LoadedTrust } from "./load-trust.ts";

const DAY_MS = 86_400_000;
/** Some repositories have files that end in years: without news for this long, keys may have changed that we do not know of. */
const STALE_AFTER_MS = 30 * DAY_MS;

/** How the material of one name stands at `now`, milliseconds since the epoch. */
export function trustStatus(loaded: LoadedTrust, now: number): TrustStatus {
  const { name, from, root, tuf, kept } = loaded;
  const first = tuf && firstToEnd(rolesOf(loaded));
  const stale = whyStale(loaded, first, now);
  return {
    name,
    from,
    source: root?.source ?? (tuf ? `nothing has come from the TUF mirror ${tuf.mirror.href} yet` : "no Sigstore root is configured"),
    ...(root ? { sha256: root.sha256 } : {}),
    ...(tuf ? { mirror: tuf.mirror.href } : {}),
    ...(kept?.refreshedAt === undefined ? {} : { refreshedAt: kept.refreshedAt }),
    ...(kept?.checkedAt === undefined ? {} : { checkedAt: kept.checkedAt }),
    ...(first ? { expiresAt: first.expiresAt } : {}),
    ...(kept?.failure ? { failure: kept.failure } : {}),
    ...(stale === undefined ? {} : { stale }),
  };
}

/** The metadata that the root in use rests on: what was verified last, or the root.json that everything begins with. */
export function rolesOf({ tuf, kept }: LoadedTrust): readonly TufRole[] {
  if (kept && kept.metadata.size > 0) return tufRoles(kept.metadata);
  return tuf ? tufRoles(new Map([["root", tuf.root]])) : [];
}

function whyStale({ root, tuf, kept }: LoadedTrust, first: TufRole | undefined, now: number): string | undefined {
  if (!tuf) return undefined;
  if (!root) return "nothing has come from its mirror yet, so evidence that needs it cannot be checked";
  if (first && now >= first.expiresAt)
    return `the ${first.role} file of its TUF repository ended on ${day(first.expiresAt)}, and no newer one has come`;
  if (kept?.checkedAt !== undefined && now - kept.checkedAt > STALE_AFTER_MS)
    return `its mirror has not answered well since ${day(kept.checkedAt)}, for more than ${STALE_AFTER_MS / DAY_MS} days`;
  return undefined;
}

function firstToEnd(roles: readonly TufRole[]): TufRole | undefined {
  return roles.toSorted((one, other) => one.expiresAt - other.expiresAt)[0];
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
