import type { Outcome } from "../core/evidence.ts";
import type { Limits } from "../core/limits.ts";
import type { SignedItem, SignedSource } from "../core/ports/ecosystem.ts";
import type { Log } from "../core/ports/log.ts";
import type { Upstream } from "../core/ports/upstream-client.ts";
import type { HeldCandidate, RestsOn, TrustingVerifier } from "../core/ports/verifier.ts";
import { keyFingerprint } from "./key-fingerprint.ts";
import { contradiction } from "./provenance/contradiction.ts";
import { askForKeys, type RegistryKeySource } from "./registry-signature/ask-for-keys.ts";
import { attestationKeys } from "./registry-signature/attestation-keys.ts";
import { invalid, itemsOf, judgeEach, notAbout, type Outcomes, orAbsent } from "./signed-items.ts";
import type { ManagedKey } from "./sigstore/managed-key.ts";
import { type SigstoreResult, SigstoreVerification } from "./sigstore/sigstore-verification.ts";
import type { TrustRoot } from "./sigstore/trust-root.ts";
import type { VerifiedBundle } from "./sigstore/verify-bundle.ts";

/** The root that an upstream's bundles are verified under where its configuration names none. */
const PUBLIC_TRUST = "public";

export interface SigstoreVerifierOptions {
  /** Trust roots by name, asked anew for each bundle. */
  readonly roots: { get(name: string): TrustRoot | undefined };
  /** Keys for bundles without a certificate that the policy in force names, with their files. No other key goes by one of their names. */
  readonly managedKeys: () => readonly ManagedKey[];
  /** Keys for such bundles as npm's registry makes them. Asked for only where there is one. */
  readonly registryKeys: RegistryKeySource;
  readonly limits: Pick<Limits, "bundleBytes" | "verifyBundleSeconds">;
  readonly log: Log;
}

type SigstoreItem = Extract<SignedItem, { readonly kind: "sigstore" }>;

/**
 * Every Sigstore bundle that is published for an archive: its cryptography under the upstream's own trust root, that it is about this archive, that its
 * predicate can be read and does not contradict its certificate. Passes with the signer, the statement, and the claims `signed_at` (milliseconds since
 * the epoch), `log_index`, `trust_root_sha256` and `predicate_type`.
 * A place that could not be asked, or that answered with no such document, might have had items of any kind: it is reported here, for all verifiers.
 */
export class SigstoreVerifier implements TrustingVerifier {
  readonly id = "sigstore";
  readonly #verification: SigstoreVerification;
  readonly #roots: SigstoreVerifierOptions["roots"];
  readonly #managedKeys: SigstoreVerifierOptions["managedKeys"];
  readonly #registryKeys: RegistryKeySource;

  constructor({ managedKeys, registryKeys, ...options }: SigstoreVerifierOptions) {
    this.#verification = new SigstoreVerification(options);
    this.#roots = options.roots;
    this.#managedKeys = managedKeys;
    this.#registryKeys = registryKeys;
  }

  restsOn(upstream: Upstream): RestsOn {
    const root = `root ${this.#roots.get(trustOf(upstream))?.sha256 ?? "none"}`;
    const byKey = `${root}, keys ${keyFingerprint(this.#managedKeys())} ${this.#registryKeys.fingerprint(upstream)}`;
    return (outcome) => (outcome.kind === "absent" ? undefined : isAboutKey(outcome) ? byKey : root);
  }

  /** Throws what `registryKeys` throws, but for an upstream's failures: those are `unavailable`. */
  async verify(candidate: HeldCandidate): Promise<Outcomes> {
    const bundles = await judgeEach(itemsOf("sigstore", candidate.published), (item) => this.#judge(item, candidate));
    return orAbsent([...candidate.published.flatMap(notAnswered), ...bundles]);
  }

  waiting(): number {
    return this.#verification.waiting();
  }

  close(): Promise<void> {
    return this.#verification.close();
  }

  async #judge(item: SigstoreItem, candidate: HeldCandidate): Promise<Outcome> {
    const result = await this.#verifyBundle(item, candidate);
    if ("kind" in result) return result;
    if (!result.ok) return invalid(result.finding);
    const { signer, content } = result.value;
    const signed = content.kind === "statement" ? { signer, statement: content.statement } : { signer };
    const finding = notAbout(candidate, item, signed) ?? contradiction(signed);
    return finding ? invalid(finding) : { kind: "pass", ...signed, claims: claimsOf(result.value) };
  }

  /** Under the root that is bound to the upstream: a bundle never chooses its own. */
  async #verifyBundle({ bundle }: SigstoreItem, candidate: HeldCandidate): Promise<SigstoreResult> {
    const { resolution, blob } = candidate;
    const managed = this.#managedKeys();
    const request = { bundle, trust: trustOf(resolution.upstream), artifact: { digests: blob.digests } };
    const result = await this.#verification.verify({ ...request, keys: managed });
    const asksForKey = "ok" in result && !result.ok && result.finding.code === "KEY_UNKNOWN";
    if (!asksForKey) return result;
    const keys = await askForKeys(this.#registryKeys, candidate);
    if (!keys.ok) return keys.outcome;
    // A registry may call its key what it likes, also what the policy calls another one.
    const own = attestationKeys(keys.value).filter(({ name }) => !managed.some((key) => key.name === name));
    return this.#verification.verify({ ...request, keys: [...managed, ...own] });
  }
}

function trustOf({ trust = PUBLIC_TRUST }: Upstream): string {
  return trust;
}

function isAboutKey(outcome: Outcome): boolean {
  return outcome.kind === "pass" ? outcome.signer?.kind === "key" : outcome.kind === "invalid" && outcome.code.startsWith("KEY_");
}

function notAnswered({ label, ...source }: SignedSource): readonly Outcome[] {
  switch (source.kind) {
    case "published":
      return [];
    case "absent":
      return source.detail === undefined ? [] : [{ kind: "absent", label, detail: source.detail }];
    case "unavailable":
      return [{ kind: "unavailable", label, detail: source.detail }];
    case "malformed":
      return [{ kind: "invalid", label, code: source.code ?? "BUNDLE_MALFORMED", detail: source.detail }];
    default:
      return source satisfies never;
  }
}

function claimsOf({ content, signedAt, log, trustRootSha256 }: VerifiedBundle) {
  return {
    signed_at: signedAt,
    log_index: log.logIndex,
    trust_root_sha256: trustRootSha256,
    ...(content.kind === "statement" ? { predicate_type: content.statement.predicateType } : {}),
  };
}
