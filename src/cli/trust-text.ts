import type { ReportedKey, TrustReport } from "../app/trust/trust-report.ts";
import { printable } from "../core/printable.ts";
import { AUTHORITY_KINDS, type Authority } from "../verify/sigstore/describe-root.ts";
import { table } from "./table.ts";

export interface TrustChange {
  readonly change: "added" | "removed";
  /** In words: `transparency log https://…, from 2021-01-12`. */
  readonly what: string;
}

/** What somebody would want to look at in a new root: who came and who left. */
export function changesBetween(before: TrustReport, after: TrustReport): readonly TrustChange[] {
  const [old, now] = [wordsOf(before), wordsOf(after)];
  return [
    ...now.filter((what) => !old.includes(what)).map((what) => ({ change: "added" as const, what })),
    ...old.filter((what) => !now.includes(what)).map((what) => ({ change: "removed" as const, what })),
  ];
}

/** For people: one block for each name, with what needs a look in capitals. `now` in milliseconds since the epoch. */
export function reportText({ status, authorities, keys, metadata }: TrustReport, now: number): string {
  const facts: [string, string][] = [["root", status.sha256 === undefined ? status.source : `${status.source}, sha256 ${status.sha256}`]];
  if (status.mirror !== undefined) {
    facts.push(["mirror", status.mirror]);
    facts.push([
      "refreshed",
      status.refreshedAt === undefined ? "never, by this data folder" : `${time(status.refreshedAt)}, checked ${time(status.checkedAt)}`,
    ]);
    const ends = metadata.map(
      ({ role, version, expiresAt }) => `${role} ${version} until ${day(expiresAt)}${expiresAt <= now ? " (ENDED)" : ""}`,
    );
    if (ends.length > 0) facts.push(["metadata", ends.join(", ")]);
  }
  if (status.failure) facts.push(["FAILED", `${time(status.failure.at)}: ${status.failure.detail}`]);
  if (status.stale !== undefined) facts.push(["STALE", status.stale]);
  const blocks = AUTHORITY_KINDS.flatMap((kind) =>
    block(
      `${kind}s`.replace("ys", "ies"),
      authorities.filter((each) => each.kind === kind),
      now,
    ),
  );
  const registries = Map.groupBy(keys, ({ registry }) => registry);
  for (const [registry, listed] of registries) {
    blocks.push(
      ...block(
        `signing keys of ${registry}`,
        listed.map((key) => ({ ...key, name: keyName(key) })),
        now,
      ),
    );
  }
  return `${[status.name, ...table(facts).map(indented), ...blocks].map(printable).join("\n")}\n`;
}

/** Every key is always there; times are ISO 8601 in UTC or null. */
export function reportJson({ status, authorities, keys, metadata }: TrustReport, now: number) {
  const { name, from, source, sha256 = null, mirror = null, refreshedAt, checkedAt, expiresAt, failure, stale = null } = status;
  return {
    name,
    from,
    source,
    sha256,
    mirror,
    refreshedAt: iso(refreshedAt),
    checkedAt: iso(checkedAt),
    expiresAt: iso(expiresAt),
    failure: failure ? { at: iso(failure.at), detail: failure.detail } : null,
    stale,
    metadata: metadata.map((role) => ({ role: role.role, version: role.version, expiresAt: iso(role.expiresAt) })),
    authorities: authorities.map((authority) => ({ kind: authority.kind, name: authority.name, ...period(authority, now) })),
    keys: keys.map((key) => ({ registry: key.registry, keyId: key.keyId, usage: key.usage ?? null, ...period(key, now) })),
  };
}

interface Named extends Pick<Authority, "validFrom" | "validUntil"> {
  readonly name: string;
}

function block(title: string, listed: readonly Named[], now: number): string[] {
  if (listed.length === 0) return [];
  return [
    indented(title),
    ...table(listed.map((each) => [each.name, periodText(each, now)]))
      .map(indented)
      .map(indented),
  ];
}

function wordsOf({ authorities, keys }: TrustReport): readonly string[] {
  const told = (what: string, { validFrom, validUntil }: Pick<Authority, "validFrom" | "validUntil">): string =>
    printable(`${what}, ${validUntil === undefined ? `from ${day(validFrom)}` : `${day(validFrom)} to ${day(validUntil)}`}`);
  return [
    ...authorities.map((authority) => told(`${authority.kind} ${authority.name}`, authority)),
    ...keys.map((key) => told(`key ${keyName(key)} of ${key.registry}`, key)),
  ];
}

function keyName({ keyId, usage }: ReportedKey): string {
  return usage === undefined ? keyId : `${keyId} for ${usage}`;
}

function periodText({ validFrom, validUntil }: Pick<Authority, "validFrom" | "validUntil">, now: number): string {
  if (validUntil === undefined) return `from ${day(validFrom)}`;
  return `${day(validFrom)} to ${day(validUntil)}${validUntil <= now ? " (ended)" : ""}`;
}

function period({ validFrom, validUntil }: Pick<Authority, "validFrom" | "validUntil">, now: number) {
  return { validFrom: iso(validFrom), validUntil: iso(validUntil), ended: validUntil !== undefined && validUntil <= now };
}

function indented(line: string): string {
  return `  ${line}`;
}

function day(at: number | undefined): string {
  return at === undefined ? "the beginning" : new Date(at).toISOString().slice(0, 10);
}

function time(at: number | undefined): string {
  return at === undefined ? "never" : `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function iso(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}
