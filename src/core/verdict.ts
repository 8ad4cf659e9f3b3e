import type { ArtifactRef } from "./artifact.ts";
import type { Checksum, Digest } from "./digest.ts";
import type { Evidence, FindingCode, VerifierId } from "./evidence.ts";

/** Reasons a policy can have beyond a verifier's finding. With FINDING_CODES this is the closed list of reason codes. */
export const POLICY_REASON_CODES = [
  "CHECKSUM_UNCLAIMED",
  "CHECKSUM_WEAK",
  "DENIED",
  "GOVERNANCE",
  "TOO_YOUNG",
  "SIGNATURE_MISSING",
  "SIGNER_UNTRUSTED",
  "SIGNER_CHANGED",
  "EVIDENCE_LOST",
  "EVIDENCE_UNAVAILABLE",
  "PROVENANCE_TOO_LOW",
  "UPSTREAM_NOT_ALLOWED",
] as const;
export type ReasonCode = FindingCode | (typeof POLICY_REASON_CODES)[number];

export interface Reason {
  readonly code: ReasonCode;
  /** The rule that decided: a policy or repository key, or `always` for what no policy can allow. */
  readonly rule: string;
  /** Whose finding it is; `policy` where no verifier's. */
  readonly verifier: VerifierId | "policy";
  /** One sentence that names both sides: what was expected, what was found. */
  readonly text: string;
  /** The next step for the person who reads it. */
  readonly help: string;
  /** On a warning that would have been a refusal, or a 503 until evidence can be had: what kept it from being one, the policy's audit mode or a waiver. */
  readonly setAside?: "audit" | "waiver";
}

/** Computed from evidence and policy, never stored as the truth. A refusal has at least one reason. */
export type Verdict =
  | { readonly kind: "admit"; readonly warnings: readonly Reason[] }
  | { readonly kind: "refuse"; readonly reasons: readonly [Reason, ...Reason[]] };

/** Evidence that the policy needs could not be had: neither admitted nor refused, to be asked again. Nothing is kept. */
export type Undecided = { readonly kind: "undecided"; readonly detail: string };

export type Admit = Extract<Verdict, { kind: "admit" }>;
export type Refusal = Extract<Verdict, { kind: "refuse" }>;

/** The policy of one moment, and what of it speaks about one archive. */
export interface PolicyInForce {
  /** Path of the file. */
  readonly file: string;
  /** Changes with the policy's text, its feeds and its key files. */
  readonly revision: string;
  readonly mode: "enforce" | "audit";
  /** The rule that matches, by its name or position; else `defaults`. */
  readonly rule: string;
  /** Where that rule stands: `config/policy.yaml:12:5`. */
  readonly ruleAt?: string;
}

/** One journal line: everything `explain` needs to say why an archive is served or not. */
export interface Admission {
  readonly ref: ArtifactRef;
  /** Milliseconds since the epoch. */
  readonly decidedAt: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Where the bytes came from. */
  readonly url: string;
  readonly upstream: string;
  readonly claims: readonly Checksum[];
  /** When these very bytes were admitted first, where all archives of a package are read: lines are added when they are checked again. Milliseconds since the epoch. */
  readonly admittedSince?: number;
  /** As the index said at that time, and when we saw it first. Milliseconds since the epoch. */
  readonly publishedAt?: number;
  readonly firstSeenAt?: number;
  readonly evidence: readonly Evidence[];
  readonly verdict: Verdict;
  /** The policy that the verdict is by. Lines from before this was recorded have none. */
  readonly policy?: PolicyInForce;
}
