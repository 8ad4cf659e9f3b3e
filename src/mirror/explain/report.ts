import type { ArtifactRef } from "../../core/artifact.ts";
import type { Checksum, Digest } from "../../core/digest.ts";
import type { Claims, Evidence, FindingCode, Outcome, VerifierId } from "../../core/evidence.ts";
import type { RemovalCause } from "../../core/ports/cache-records.ts";
import type { Signer } from "../../core/signer.ts";
import type { Level } from "../../core/statement.ts";
import type { ReasonCode, Undecided, Verdict } from "../../core/verdict.ts";
import type { Standing } from "../../policy/explain-verdict.ts";
import type { PolicyEdit, Suggestion } from "../../policy/suggest/suggestions.ts";
import type { Confirmation } from "../../verify/provenance/compare-with-certificate.ts";

/**
 * All that is known of one archive, and what the policy of now makes of it. Printed as it stands by `/api/v1/artifacts` and by `--json` of `explain`, `inspect` and
 * `audit`: the README documents its keys, scripts rely on them, and every key is always there.
 */
export interface ArtifactReport {
  readonly purl: string;
  readonly ref: ArtifactRef;
  /** When it was fetched and checked last. ISO 8601. */
  readonly decidedAt: string;
  /** What was decided then, by the policy of then. */
  readonly decidedThen: Verdict["kind"];
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Where the bytes came from. */
  readonly url: string;
  readonly upstream: string;
  /** Who says which digest it has. */
  readonly claims: readonly Checksum[];
  /** As the index says, and when it was seen listed first. Milliseconds since the epoch. */
  readonly publishedAt: number | null;
  readonly firstSeenAt: number | null;
  /** What each verifier found, whole. */
  readonly evidence: readonly Evidence[];
  /** The same, check by check, with what the policy makes of each signer. */
  readonly checks: readonly CheckReport[];
  /** Of the policy of now. */
  readonly verdict: Verdict | Undecided;
  /** Where in the policy file that stands which decided each reason or warning, in their order. */
  readonly decidedBy: readonly { readonly code: ReasonCode; readonly rule: string; readonly at: string | null }[];
  /** Whether its bytes are in the store. */
  readonly held: boolean;
  /** When its bytes left the store and why, where they did: for their age, for the room they took, or because they were found damaged or missing. */
  readonly removed: { readonly at: string; readonly why: RemovalCause } | null;
  readonly level: { readonly reached: Level; readonly why: string; readonly required: Level };
  readonly rule: { readonly label: string; readonly at: string | null; readonly pattern: string | null };
  readonly policy: { readonly file: string; readonly mode: "enforce" | "audit"; readonly revision: string };
  /** Other bytes that upstream had under this name after these were admitted. They were refused. */
  readonly otherBytes: { readonly digest: Digest; readonly seenAt: string } | null;
  readonly suggestions: readonly SuggestionReport[];
  /** Why no policy can let it through, where that is so. */
  readonly unchangeable: string | null;
}

export interface SuggestionReport extends Omit<Suggestion, "edits"> {
  readonly edits: readonly EditReport[];
}

export interface EditReport extends Pick<PolicyEdit, "under" | "yaml"> {
  /** Anywhere under the key, before the rule named (the first match holds), or in its place. */
  readonly how: "add" | "before" | "replace";
  readonly rule: string | null;
  readonly at: string | null;
}

export interface CheckReport {
  readonly verifier: VerifierId;
  /** Which document it is about, where the verifier looked at several. */
  readonly label: string | null;
  readonly outcome: Outcome["kind"];
  readonly code: FindingCode | null;
  readonly detail: string | null;
  /** ISO 8601. */
  readonly checkedAt: string;
  readonly claims: Claims | null;
  readonly signer: Signer | null;
  /** What the policy makes of the signer. */
  readonly standing: Standing | null;
  /** ISO 8601. */
  readonly signedAt: string | null;
  /** The Sigstore root that it was verified under. */
  readonly trustRoot: { readonly name: string; readonly sha256: string } | null;
  readonly predicateType: string | null;
  readonly subjects: readonly { readonly name: string; readonly digest: Readonly<Record<string, string>> }[];
  /** How it was built, as the signer says it. */
  readonly build: BuildReport | null;
}

export interface BuildReport {
  readonly format: string;
  readonly builder: string;
  readonly buildType: string;
  readonly repository: string | null;
  readonly ref: string | null;
  /** By algorithm. */
  readonly commit: Readonly<Record<string, string>>;
  readonly entryPoint: string | null;
  /** The first hundred, and how many there are. */
  readonly materials: readonly { readonly uri: string | null; readonly digest: Readonly<Record<string, string>> }[];
  readonly materialsCount: number;
  /** What the certificate confirms of it; null where it was not signed with one. */
  readonly confirmed: Readonly<Record<"repository" | "ref" | "commit" | "workflow", Confirmation>> | null;
  readonly warnings: readonly string[];
}
