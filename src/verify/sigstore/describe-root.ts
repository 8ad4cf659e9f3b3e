import { TrustedRoot } from "@sigstore/protobuf-specs";
import type { TrustRoot } from "./trust-root.ts";

export const AUTHORITY_KINDS = ["certificate authority", "certificate log", "transparency log", "timestamp authority"] as const;

/** Somebody whose word counts under a root. Names are as the file has them: foreign text. */
export interface Authority {
  readonly kind: (typeof AUTHORITY_KINDS)[number];
  readonly name: string;
  /** Milliseconds since the epoch, both ends included; undefined for an open end. */
  readonly validFrom: number | undefined;
  readonly validUntil: number | undefined;
}

/** Who is in a root, in the order of the kinds and then of the file. */
export function describeRoot({ text }: Pick<TrustRoot, "text">): readonly Authority[] {
  const root = TrustedRoot.fromJSON(JSON.parse(text.toString("utf8")));
  const certified = (kind: Authority["kind"], authorities: TrustedRoot["certificateAuthorities"]): Authority[] =>
    authorities.map(({ uri, subject, validFor }) => ({ kind, name: uri || (subject?.commonName ?? ""), ...periodOf(validFor) }));
  const logged = (kind: Authority["kind"], logs: TrustedRoot["tlogs"]): Authority[] =>
    logs.map(({ baseUrl, publicKey }) => ({ kind, name: baseUrl, ...periodOf(publicKey?.validFor) }));
  return [
    ...certified("certificate authority", root.certificateAuthorities),
    ...logged("certificate log", root.ctlogs),
    ...logged("transparency log", root.tlogs),
    ...certified("timestamp authority", root.timestampAuthorities),
  ];
}

function periodOf(period: { readonly start?: Date | undefined; readonly end?: Date | undefined } | undefined) {
  return { validFrom: period?.start?.getTime(), validUntil: period?.end?.getTime() };
}
