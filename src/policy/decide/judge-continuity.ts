import { explain as explainPep440 } from "@renovatebot/pep440";
import semver from "semver";
import type { ArtifactRef } from "../../core/artifact.ts";
import type { PolicyQuestion, Precedent } from "../../core/ports/policy.ts";
import type { Signer } from "../../core/signer.ts";
import type { EffectiveRule } from "../select-rule.ts";
import { type Judgement, judge } from "./judgement.ts";
import { describeNone, describeSigner, ownSignatures, type Signatures, signaturesOf, type VerifiedSignature } from "./signatures.ts";
import { compareUploads, type Upload, uploadOf } from "./upload-time.ts";

/**
 * Whether the archive goes on as its package was before. Compared by upload time, not by version order: a backport is newer than what it fixes, and what was uploaded
 * earlier owes nothing to what came later. Only verified evidence counts as something to be kept: what an index merely says can be made up and taken back.
 *
 * What is held is refused only for what was known when it was admitted. What came to light later, because an older archive was asked for, is a warning: or whoever
 * asks for an old version could take a newer one away from everybody.
 */
export function judgeContinuity(question: PolicyQuestion, signatures: Signatures, rule: EffectiveRule): readonly Judgement[] {
  const earlier = earlierSigned(question);
  const judgements = judgeAgainst(earlier, question.ref, signatures, rule);
  const { heldSince } = question;
  if (heldSince === undefined) return judgements;
  const knownThen = earlier.filter(({ precedent }) => precedent.admittedAt < heldSince);
  const then = new Set(judgeAgainst(knownThen, question.ref, signatures, rule).map(({ reason }) => reason.code));
  return judgements.map((judgement) => (then.has(judgement.reason.code) ? judgement : cameToLight(judgement)));
}

function judgeAgainst(
  earlier: readonly SignedPrecedent[],
  ref: ArtifactRef,
  signatures: Signatures,
  rule: EffectiveRule,
): readonly Judgement[] {
  return [...judgeFirstUse(earlier, signatures, rule), ...judgeDowngrade(ref, earlier, signatures, rule)];
}

function cameToLight({ check, reason }: Judgement): Judgement {
  const text = `${reason.text}; that came to light only after this one was admitted, and takes nothing away`;
  return { effect: "warn", check, reason: { ...reason, text } };
}

/** Who signed the package first, to be named beside whoever signs it now; empty where nobody did. */
export function firstSigners(question: PolicyQuestion): readonly Signer[] {
  return earlierSigned(question)[0]?.signatures.map(({ signer }) => signer) ?? [];
}

interface SignedPrecedent {
  readonly precedent: Precedent;
  readonly upload: Upload;
  readonly signatures: readonly VerifiedSignature[];
}

/** Signed archives of the package that were uploaded before this one, oldest first. Two of one upload do not bind each other. */
function earlierSigned(question: PolicyQuestion): readonly SignedPrecedent[] {
  const { ref, packageFirstSeenAt, heldSince, now, precedents } = question;
  const own = uploadOf({ ...question, knownAt: heldSince ?? now });
  return precedents
    .filter(({ version, file }) => file !== ref.file && version !== ref.version)
    .map((precedent) => ({
      precedent,
      upload: uploadOf({ ...precedent, packageFirstSeenAt, knownAt: precedent.admittedAt }),
      signatures: ownSignatures(signaturesOf(precedent.evidence).verified),
    }))
    .filter(({ upload, signatures }) => signatures.length > 0 && compareUploads(upload, own) < 0)
    .sort((left, right) => compareUploads(left.upload, right.upload));
}

function judgeFirstUse(
  earlier: readonly SignedPrecedent[],
  { verified }: Signatures,
  { settings, origins }: EffectiveRule,
): readonly Judgement[] {
  const [first] = earlier;
  const own = ownSignatures(verified);
  // A signer whom the policy names needs no pin: the operator's word is stronger than what happened to come first.
  if (settings.firstUse === "off" || settings.signedBy || !first || own.length === 0) return [];
  const pinned = first.signatures.map(({ signer }) => signer);
  if (own.some(({ signer }) => pinned.some((each) => isSameSigner(each, signer)))) return [];
  const text =
    `expected the signer of ${first.precedent.version}, ${pinned.map(describeSigner).join(", ")}, who signed this package first, ` +
    `got ${own.map(({ signer }) => describeSigner(signer)).join(", ")}`;
  return judge(settings.signature.onUntrusted, { code: "SIGNER_CHANGED", text, rule: origins.first_use, check: "first_use" });
}

/**
 * The same project, whatever it is called by now: repository ids survive renames and defeat names that somebody else registered again, and owners change in
 * a transfer that the repository's id outlives. Where certificates have no ids, their names must be equal.
 */
function isSameSigner(left: Signer, right: Signer): boolean {
  if (left.kind === "openpgp" && right.kind === "openpgp") return left.fingerprint === right.fingerprint;
  if (left.kind !== "sigstore" || right.kind !== "sigstore") return false;
  if (left.trust !== right.trust || left.issuer !== right.issuer) return false;
  const [ours, theirs] = [left.source, right.source];
  if (ours.repositoryId !== undefined && theirs.repositoryId !== undefined) return ours.repositoryId === theirs.repositoryId;
  if (ours.repository !== undefined && theirs.repository !== undefined) return ours.repository === theirs.repository;
  return (
    ours.repository === theirs.repository && left.identity.type === right.identity.type && left.identity.value === right.identity.value
  );
}

function judgeDowngrade(
  ref: ArtifactRef,
  earlier: readonly SignedPrecedent[],
  signatures: Signatures,
  { settings, origins }: EffectiveRule,
): readonly Judgement[] {
  const { verified } = signatures;
  if (settings.noDowngrade === "off" || ownSignatures(verified).length > 0) return [];
  const line = majorOf(ref, ref.version);
  const had = earlier.findLast(({ precedent }) => majorOf(ref, precedent.version) === line && kindOf(precedent.file) === kindOf(ref.file));
  if (!had) return [];
  const signers = had.signatures.map(({ signer }) => describeSigner(signer)).join(", ");
  const text = `expected verified evidence as ${had.precedent.file} of ${had.precedent.version} had it, by ${signers}, got ${describeNone(signatures, "none")}`;
  return judge("error", { code: "EVIDENCE_LOST", text, rule: origins.no_downgrade, check: "no_downgrade" });
}

/** Releases of one line: an old major that is still patched by hand is not a step back from a newer one that is built by a robot. */
function majorOf({ ecosystem }: ArtifactRef, version: string): string {
  if (ecosystem === "pypi") {
    const parsed = explainPep440(version);
    return parsed ? `${parsed.epoch}!${parsed.release[0] ?? 0}` : version;
  }
  const parsed = semver.parse(version, { loose: true });
  return parsed ? String(parsed.major) : version;
}

/** Many releases have an attested source archive beside wheels that are not: each kind is held to its own kind. */
function kindOf(file: string): "wheel" | "other" {
  return file.endsWith(".whl") ? "wheel" : "other";
}
