import type { ArtifactRef } from "../../core/artifact.ts";
import { checkSubject } from "../../core/check-subject.ts";
import type { Digests } from "../../core/digest.ts";
import type { Evidence, Outcome, VerifierId } from "../../core/evidence.ts";
import { type Finding, found } from "../../core/finding.ts";
import type { Limits } from "../../core/limits.ts";
import type { SignerRule } from "../../core/policy.ts";
import type { QuarantinedBlob } from "../../core/ports/blob-store.ts";
import type { Ecosystem, SignedItem } from "../../core/ports/ecosystem.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Signer } from "../../core/signer.ts";
import type { Statement } from "../../core/statement.ts";
import type { Ruling } from "../../policy/decide/decide.ts";
import { decideFile, type FileDecision } from "../../policy/decide/decide-file.ts";
import { ArchiveVerifier } from "../../verify/archive.ts";
import type { PinnedKey } from "../../verify/openpgp/pinned-keys.ts";
import { verifyOpenpgp } from "../../verify/openpgp/verify-openpgp.ts";
import { contradiction } from "../../verify/provenance/contradiction.ts";
import { attestationKeys } from "../../verify/registry-signature/attestation-keys.ts";
import { builtInRegistries } from "../../verify/registry-signature/vouched-registries.ts";
import type { ManagedKey } from "../../verify/sigstore/managed-key.ts";
import type { TrustRoot } from "../../verify/sigstore/trust-root.ts";
import { verifyBundle } from "../../verify/sigstore/verify-bundle.ts";
import { levelOf } from "../level-of.ts";
import type { GivenBundle } from "./read-attestation.ts";

/** A document that somebody gave, or why it is none. `from` says what it was given as: npm's own documents name keys of its registry. */
export type GivenDocument = { readonly label: string } & (
  | { readonly kind: "bundles"; readonly items: readonly GivenBundle[] }
  | { readonly kind: "openpgp"; readonly signature: Buffer }
  | { readonly kind: "malformed"; readonly verifier: VerifierId; readonly finding: Finding }
);

export interface FileRequest {
  /** `path` is empty where only a digest is at hand. */
  readonly blob: QuarantinedBlob;
  readonly documents: readonly GivenDocument[];
  readonly root: TrustRoot;
  /** For bundles without a certificate. */
  readonly keys: readonly ManagedKey[];
  readonly pgpKeys: readonly PinnedKey[];
  /** The name that a statement must have the file under. */
  readonly subjectName?: string;
  /** What the file claims to be, with the rules of its ecosystem. */
  readonly claimed?: { readonly ref: ArtifactRef; readonly ecosystem: Ecosystem };
  readonly signedBy: readonly SignerRule[];
  readonly ruling: Omit<Ruling, "levelOf">;
  readonly limits: Limits;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface FileReport extends FileDecision {
  readonly evidence: readonly Evidence[];
}

/** Verifies what was given with a file, looks into the file where it can be, and decides. Asks nobody. Throws STORE_IO where the file can no longer be read. */
export async function verifyFile(request: FileRequest): Promise<FileReport> {
  const { blob, documents, claimed, signedBy, ruling, now } = request;
  const archive = claimed !== undefined && blob.path !== "";
  const found: [VerifierId, Outcome][] = [];
  if (archive) found.push(["archive", await lookInto(request, claimed)]);
  for (const document of documents) found.push(...(await judgeDocument(document, request)));
  const evidence = found.map(([verifier, outcome]): Evidence => ({ verifier, subject: blob.digest, checkedAt: now, outcome }));
  const oddities = evidence.flatMap(odditiesOf);
  const question = { digest: blob.digest, evidence, oddities, archive, signedBy, now, ...(claimed ? { ref: claimed.ref } : {}) };
  return { ...decideFile(question, { ...ruling, levelOf }), evidence };
}

async function lookInto({ blob, limits, log }: FileRequest, { ref, ecosystem }: NonNullable<FileRequest["claimed"]>): Promise<Outcome> {
  const verifier = new ArchiveVerifier({ limits, log });
  try {
    const upstream = { id: "file", url: new URL("file:///") };
    const resolution = { ref, upstream, url: upstream.url, claims: [] };
    return await verifier.verify({ ref, resolution, blob, ecosystem, published: [], admittedBefore: undefined });
  } finally {
    await verifier.close();
  }
}

async function judgeDocument(document: GivenDocument, request: FileRequest): Promise<readonly [VerifierId, Outcome][]> {
  const { label } = document;
  switch (document.kind) {
    case "malformed":
      return [[document.verifier, { kind: "invalid", ...document.finding, label }]];
    case "openpgp": {
      const outcome = await judgeOpenpgp({ kind: "openpgp", label, signature: document.signature }, request);
      return [["openpgp", { ...outcome, label }]];
    }
    case "bundles":
      return document.items.map((item) => ["sigstore", { ...judgeBundle(item, request), label: `${label}: ${item.label}` }]);
    default:
      return document satisfies never;
  }
}

function judgeBundle(item: GivenBundle, request: FileRequest): Outcome {
  const { blob, root, keys, limits, claimed } = request;
  const registries = claimed?.ref.ecosystem === "npm" ? builtInRegistries() : [];
  const known = [...keys, ...registries.flatMap((each) => attestationKeys(each.keys))];
  const verified = verifyBundle({ bundle: item.bundle, root, artifact: { digests: blob.digests }, keys: known, limits });
  if (!verified.ok) return { kind: "invalid", ...verified.finding };
  const { signer, content, signedAt, log, trustRootSha256 } = verified.value;
  const signed: Signed = content.kind === "statement" ? { signer, statement: content.statement } : { signer };
  // A bundle on its own has nobody around it who calls it anything.
  const called = signed.statement ? { predicateType: signed.statement.predicateType } : {};
  const context = { ...called, registries: registries.map(({ registry }) => registry.href), ...item.context };
  const finding = notAbout({ ...item, context }, signed, request) ?? (claimed && contradiction(signed));
  if (finding) return { kind: "invalid", ...finding };
  const claims = { signed_at: signedAt, log_index: log.logIndex, trust_root_sha256: trustRootSha256 };
  return { kind: "pass", ...signed, claims };
}

interface Signed {
  readonly signer: Signer;
  readonly statement?: Statement;
}

/** A statement may say anything of a file that claims to be no package. What it says wrongly makes no level, and is worth a warning. */
function odditiesOf({ outcome }: Evidence): readonly Finding[] {
  if (outcome.kind !== "pass" || !outcome.signer || !outcome.statement) return [];
  const finding = contradiction({ signer: outcome.signer, statement: outcome.statement });
  return finding && finding.code !== "PREDICATE_UNSUPPORTED" ? [{ ...finding, detail: `${outcome.label}: ${finding.detail}` }] : [];
}

function notAbout(item: SignedItem, signed: Signed, { subjectName, claimed, blob }: FileRequest): Finding | undefined {
  if (claimed) {
    const finding = claimed.ecosystem.checkSigned(claimed.ref, item, signed, blob.digests);
    if (finding) return finding;
  }
  if (subjectName === undefined) return undefined;
  if (!signed.statement) return found("SUBJECT_MISMATCH", "it is a signature over the bytes alone, which gives them no name").finding;
  return nameFinding(signed.statement, subjectName, blob.digests);
}

function nameFinding(statement: Statement, subjectName: string, digests: Digests): Finding | undefined {
  const subject = checkSubject(statement, { digests, nameMatches: (name) => name === subjectName });
  return subject.ok ? undefined : subject.finding;
}

async function judgeOpenpgp(item: Extract<SignedItem, { kind: "openpgp" }>, request: FileRequest): Promise<Outcome> {
  const { blob, pgpKeys, now } = request;
  const verified = await verifyOpenpgp({ signature: item.signature, archivePath: blob.path, keys: pgpKeys, now });
  if (!verified.ok) return { kind: "invalid", ...verified.finding };
  const { signer, signedAt } = verified.value;
  const finding = notAbout(item, { signer }, request);
  return finding ? { kind: "invalid", ...finding } : { kind: "pass", signer, claims: { signed_at: signedAt } };
}
