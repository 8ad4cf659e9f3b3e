import type { Outcome, VerifierId } from "./evidence.ts";
import type { PolicyInForce, Reason } from "./verdict.ts";

/** What a decision came to. `undecided`: evidence that there should be could not be had (503), so it is asked for again. */
export const DECISION_OUTCOMES = ["admit", "admit-with-warnings", "refuse", "undecided"] as const;
export type DecisionOutcome = (typeof DECISION_OUTCOMES)[number];

/** Who asked for an archive. Made once for each request or command: who is told twice is known by identity. */
export type Asker =
  | {
      readonly kind: "client";
      readonly requestId: string;
      readonly method: string;
      /** IP address that the request came from. */
      readonly address: string;
      /** The trusted proxy that named it, where one did. */
      readonly proxy?: string;
      /** As it calls itself: printable ASCII, bounded. Anybody can say anything here. */
      readonly userAgent?: string;
    }
  /** `assay explain`, on this machine. */
  | { readonly kind: "command"; readonly command: string };

/** What one verifier found, in short. The whole of it is in the artifact's journal line. */
export interface EvidenceSummary {
  readonly verifier: VerifierId;
  readonly outcome: Outcome["kind"];
  readonly code?: string;
  readonly label?: string;
  readonly signer?: string;
}

export type ReasonSummary = Pick<Reason, "code" | "rule" | "verifier" | "text" | "setAside">;

/**
 * One line of the decision log: who asked for what, what was known, by which rule, and what it came to. Plain JSON; all texts bounded, on one line and visible.
 * It is kept for ever, hashed and read by other programs: a member may be added, none may change its meaning.
 */
export interface DecisionEntry {
  readonly format: 1;
  /** ISO 8601 in UTC. */
  readonly time: string;
  readonly outcome: DecisionOutcome;
  /** Whether the archive was fetched and checked for this asker, or judged from what was known of it by then. */
  readonly basis: "fetched" | "held";
  readonly asker: Asker;
  /** 0 for an answer of its own. Else how often the same asker was given this same answer again, since the entry about the first time. */
  readonly repeats: number;
  readonly repository: string;
  readonly purl: string;
  readonly file: string;
  /** `sha256:…` of the bytes that were judged. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly upstream: string;
  readonly policy: PolicyInForce | null;
  /** SHA-256 of each Sigstore trust root that a signature was verified under. */
  readonly trustRoots: readonly string[];
  readonly evidence: readonly EvidenceSummary[];
  /** Of a refusal; of what is undecided, none. */
  readonly reasons: readonly ReasonSummary[];
  readonly warnings: readonly ReasonSummary[];
  /** In audit mode: the policy, enforced, would have refused. */
  readonly wouldRefuse: boolean;
  /** Why it is undecided. */
  readonly detail?: string;
}

/** An entry in its place. */
export interface LoggedDecision {
  /** From 0, without gaps: the entry's leaf in a hash tree over the log. */
  readonly position: number;
  /** The canonical JSON of the entry and its position, byte for byte as it was written: what is hashed. At most MAX_DECISION_BYTES of UTF-8. */
  readonly text: string;
  readonly entry: DecisionEntry;
}

/** An entry of a C2SP tlog-tiles bundle has a length of 16 bits. https://c2sp.org/tlog-tiles */
export const MAX_DECISION_BYTES = 65_535;
