import { levelOf } from "../../src/app/level-of.ts";
import type { ArtifactRef } from "../../src/core/artifact.ts";
import { parseDigest } from "../../src/core/digest.ts";
import type { Evidence, Outcome, VerifierId } from "../../src/core/evidence.ts";
import type { Policy, RepositoryPolicy } from "../../src/core/policy.ts";
import type { Forecast, PolicyQuestion, Precedent, Prospect } from "../../src/core/ports/policy.ts";
import type { Signer, SigstoreSigner } from "../../src/core/signer.ts";
import type { Statement } from "../../src/core/statement.ts";
import type { Undecided, Verdict } from "../../src/core/verdict.ts";
import type { JudgingPolicy } from "../../src/mirror/judge.ts";
import { decide } from "../../src/policy/decide/decide.ts";
import { foresee } from "../../src/policy/decide/foresee.ts";
import { loadPolicy } from "../../src/policy/load-policy.ts";
import { bindingOf, requiredTag } from "../../src/policy/select-rule.ts";

import { IN_FORCE } from "./record.ts";

/** The moment at which every question is asked. */
export const NOW = Date.UTC(2026, 10, 23);
export const DAY_MS = 86_400_000;

export const DIGEST = parseDigest("0".repeat(64));
export const STRONG: Outcome = { kind: "pass", claims: { strength: "strong" } };
export const SOUND: Outcome = { kind: "pass", claims: { entries: 1 } };

export function answer(verifier: VerifierId, outcome: Outcome): Evidence {
  return { verifier, subject: DIGEST, checkedAt: NOW, outcome };
}

/** What every archive has that is what it should be, and what more there is. */
export function soundWith(...more: readonly Evidence[]): readonly Evidence[] {
  return [answer("checksum", STRONG), answer("archive", SOUND), ...more];
}

export function signedBy(signer: Signer, statement?: Statement): Evidence {
  const verifier = signer.kind === "openpgp" ? "openpgp" : signer.kind === "registry" ? "registry-signature" : "sigstore";
  return answer(verifier, { kind: "pass", claims: {}, signer, ...(statement ? { statement } : {}) });
}

const GITHUB = "https://token.actions.githubusercontent.com";

export function workflow(repository: string, more: SigstoreSigner["source"] = {}): SigstoreSigner {
  const url = `https://github.com/${repository}`;
  const run = `${url}/.github/workflows/release.yml@refs/tags/v1`;
  return {
    kind: "sigstore",
    trust: "public",
    issuer: GITHUB,
    identity: { type: "uri", value: run },
    source: {
      repository: url,
      ref: "refs/tags/v1",
      commit: "a".repeat(40),
      buildConfig: run,
      buildSigner: run,
      runner: "github-hosted",
      ...more,
    },
  };
}

export function person(email: string, issuer = "https://accounts.google.com"): SigstoreSigner {
  return { kind: "sigstore", trust: "public", issuer, identity: { type: "email", value: email }, source: {} };
}

export function pgp(fingerprint: string): Signer {
  return { kind: "openpgp", fingerprint };
}

export const REF: ArtifactRef = { repository: "npm", ecosystem: "npm", name: "tool", version: "1.2.0", file: "tool-1.2.0.tgz" };

export function question(over: Partial<PolicyQuestion> = {}): PolicyQuestion {
  return {
    ref: REF,
    digest: DIGEST,
    evidence: soundWith(),
    upstreams: ["npm#https://registry.example/", "public"],
    publishedAt: NOW - 100 * DAY_MS,
    firstSeenAt: NOW - 90 * DAY_MS,
    packageFirstSeenAt: NOW - 90 * DAY_MS,
    precedents: [],
    now: NOW,
    ...over,
  };
}

/** A version of the same package that was admitted with this evidence, so many days ago. */
export function precedent(version: string, daysAgo: number, ...evidence: readonly Evidence[]): Precedent {
  const at = NOW - daysAgo * DAY_MS;
  return {
    version,
    file: `tool-${version}.tgz`,
    digest: DIGEST,
    publishedAt: at,
    firstSeenAt: undefined,
    admittedAt: at,
    evidence: soundWith(...evidence),
  };
}

/** A policy as an operator writes it, as the mirror asks it. */
export function policyAsking(policyText: string, repository?: RepositoryPolicy): JudgingPolicy {
  return {
    decide: (asked) => verdictOf(policyText, asked, repository),
    inForce: () => IN_FORCE,
    boundTo: (packaged) => bindingOf(policyOf(policyText), packaged)?.upstream,
    needsTags: ({ ecosystem }) => requiredTag(policyOf(policyText), ecosystem) !== undefined,
  };
}

/** The verdict of a policy as an operator writes it; `version: 1` is added where it is missing. */
export function verdictOf(
  policyText: string,
  asked: PolicyQuestion = question(),
  repository: RepositoryPolicy = { unclaimed: "refuse", weakChecksum: "warn" },
): Verdict | Undecided {
  return decide(asked, { policy: policyOf(policyText), feeds: new Map(), repository, levelOf });
}

/** What the same policy says before the bytes are there. */
export function forecastOf(policyText: string, prospect: Prospect = question()): Forecast {
  return foresee(prospect, { policy: policyOf(policyText), feeds: new Map() });
}

const policies = new Map<string, Policy>();

function policyOf(policyText: string): Policy {
  const text = policyText.includes("version:") ? policyText : `version: 1\n${policyText}`;
  const policy = policies.get(text) ?? loadPolicy({ file: "policy.yaml", text, now: NOW }).policy;
  policies.set(text, policy);
  return policy;
}

/** `refuse CODE CODE`, `admit`, `admit CODE` (warnings) or `undecided`: short enough for a table. */
export function summary(verdict: Verdict | Undecided): string {
  switch (verdict.kind) {
    case "refuse":
      return ["refuse", ...verdict.reasons.map(({ code }) => code)].join(" ");
    case "admit":
      return ["admit", ...verdict.warnings.map(({ code }) => code)].join(" ");
    case "undecided":
      return "undecided";
    default:
      return verdict satisfies never;
  }
}
