import type { X509Certificate } from "@sigstore/core";
import { quote } from "../../core/quote.ts";
import { hasIssued } from "./authorities.ts";
import { STALE_ROOT_HINT } from "./bundle-finding.ts";
import { type Authority, describeRoot } from "./describe-root.ts";
import type { BoundEntry } from "./log-entry.ts";
import type { TrustRoot } from "./trust-root.ts";

/** What a bundle that did not verify rests on. */
interface Rests {
  readonly root: TrustRoot;
  /** Of the signer; undefined where a key of its own signed. */
  readonly certificate: X509Certificate | undefined;
  readonly entries: readonly BoundEntry[];
  /** When the bundle says that it was signed, milliseconds since the epoch. */
  readonly times: readonly number[];
}

/**
 * Who of the root's was not in force when the bundle was signed, where that may be why it does not verify: the library says the same of a root that is past its time and of a
 * forgery. A sentence with the root and both its dates; undefined where all were in force.
 */
export function outOfForce({ root, certificate, entries, times }: Rests): string | undefined {
  const { material } = root;
  const authorities = describeRoot(root);
  const named = (kind: Authority["kind"], at: number): Authority | undefined => authorities.filter((each) => each.kind === kind)[at];
  const issuers = material.certificateAuthorities.flatMap((authority, at) =>
    certificate && hasIssued(authority, certificate) ? (named("certificate authority", at) ?? []) : [],
  );
  const logs = entries.flatMap(({ log }) => named("transparency log", material.tlogs.indexOf(log)) ?? []);
  // A time that is none is the bundle's to answer for.
  for (const time of times.filter((each) => !Number.isNaN(new Date(each).getTime()))) {
    // One of several of an instance that issued under one name is enough.
    const [issuer] = issuers;
    if (issuer && issuers.every((each) => isOutside(each, time))) return sentence(issuer, root, time);
    const log = logs.find((each) => isOutside(each, time));
    if (log) return sentence(log, root, time);
  }
  return undefined;
}

function isOutside({ validFrom = Number.NEGATIVE_INFINITY, validUntil = Number.POSITIVE_INFINITY }: Authority, time: number): boolean {
  return time < validFrom || time > validUntil;
}

function sentence({ kind, name, validFrom, validUntil }: Authority, root: TrustRoot, time: number): string {
  const from = validFrom === undefined ? "ever" : `from ${new Date(validFrom).toISOString()}`;
  const until = validUntil === undefined ? "on" : `until ${new Date(validUntil).toISOString()}`;
  const who = `the ${kind} ${quote(name)} of the trust root ${quote(root.name)}`;
  return `${who} counts ${from} ${until}, and the bundle was signed on ${new Date(time).toISOString()}: ${STALE_ROOT_HINT}`;
}
