import { ON_FAILURE, type OnFailure, type Policy, type Settings, type SignedBy, signatureKind } from "../../core/policy.ts";
import { matchSigner } from "../match-signer.ts";
import type { EffectiveRule } from "../select-rule.ts";
import { type Judgement, judge } from "./judgement.ts";
import {
  describeNone,
  describeSigner,
  type InvalidSignature,
  ownSignatures,
  type Signatures,
  type VerifiedSignature,
} from "./signatures.ts";

/**
 * Whether the archive is signed as the rule demands. A signature that does not verify counts by itself, beside however many good ones: who can add a bad one
 * could also have taken a good one away. A verified signature by somebody nobody speaks about is *unlisted*, and fine.
 */
export function judgeSignatures(signatures: Signatures, rule: EffectiveRule): readonly Judgement[] {
  const counting = countingSignatures(signatures.verified, rule.settings);
  return [
    ...signatures.invalid.flatMap((invalid) => judgeInvalid(invalid, rule)),
    ...judgeMissing(counting, signatures, rule),
    ...judgeSigners(counting, signatures, rule),
    ...judgeRegistry(counting, rule),
  ];
}

/** The signatures whose signers the rule lets count: all, where it names nobody. */
export function trustedSignatures(signatures: Signatures, { settings }: EffectiveRule): readonly VerifiedSignature[] {
  const counting = countingSignatures(signatures.verified, settings);
  const { signedBy } = settings;
  return signedBy ? counting.filter(({ signer }) => signedBy.signers.some((named) => matchSigner(signer, named).matches)) : counting;
}

/**
 * The trusted signatures that make a level: a registry's word for what it serves makes one only where the policy names its key, or says that registries' signatures
 * are accepted. Otherwise everything that a registry has would be as good as signed by its author.
 */
export function levelSignatures(
  trusted: readonly VerifiedSignature[],
  { signers }: Policy,
  { settings }: EffectiveRule,
): readonly VerifiedSignature[] {
  const own = new Set(ownSignatures(trusted));
  const named = [...signers.values()];
  return trusted.filter((signature) => {
    const { signer } = signature;
    if (own.has(signature) || settings.signature.accepted?.includes("registry")) return true;
    return named.some((rule) => matchSigner(signer, rule).matches);
  });
}

function countingSignatures(verified: readonly VerifiedSignature[], { signature: { accepted } }: Settings): readonly VerifiedSignature[] {
  if (!accepted) return verified;
  return verified.filter(({ signer }) => {
    const kind = signatureKind(signer);
    return kind !== undefined && accepted.includes(kind);
  });
}

function judgeInvalid({ verifier, code, detail }: InvalidSignature, { settings, origins }: EffectiveRule): readonly Judgement[] {
  return judge(settings.signature.onInvalid, { code, text: detail, rule: origins["signature.on_invalid"], verifier, check: "invalid" });
}

function judgeMissing(
  counting: readonly VerifiedSignature[],
  signatures: Signatures,
  { settings, origins }: EffectiveRule,
): readonly Judgement[] {
  const { require, onMissing } = settings.signature;
  if (!require || counting.length > 0) return [];
  const [foreign] = signatures.unknown;
  // Signed, but with a key that the policy does not know: foreign where it names signers, as good as unsigned where it does not.
  if (foreign && settings.signedBy) return [];
  const text = `expected a verified signature${by(settings.signedBy)}, got ${foreign ? foreign.detail : describeNone(signatures, "none: nobody signed it")}`;
  return judge(onMissing, { code: "SIGNATURE_MISSING", text, rule: origins["signature.require"], check: "signature" });
}

function judgeSigners(
  counting: readonly VerifiedSignature[],
  { unknown }: Signatures,
  { settings, origins }: EffectiveRule,
): readonly Judgement[] {
  const { signedBy, signature } = settings;
  if (!signedBy) return [];
  const complaint = { code: "SIGNER_UNTRUSTED", rule: origins.signed_by, check: "signed_by" } as const;
  const [foreign] = unknown;
  if (counting.length === 0) {
    if (!foreign) return [];
    // Anybody can write a signature that names a key nobody knows: where there must be one, it must not be taken more lightly than none.
    const { require, onMissing, onUntrusted } = signature;
    return judge(require ? stricter(onMissing, onUntrusted) : onUntrusted, {
      ...complaint,
      text: `expected a signature${by(signedBy)}: ${foreign.detail}`,
      verifier: foreign.verifier,
    });
  }
  const unmatched = signedBy.signers.filter((named) => !counting.some(({ signer }) => matchSigner(signer, named).matches));
  const satisfied = signedBy.quantifier === "all" ? unmatched.length === 0 : unmatched.length < signedBy.signers.length;
  if (satisfied) return [];
  const signers = counting.map(({ signer }) => describeSigner(signer)).join(", ");
  return judge(signature.onUntrusted, { ...complaint, text: `expected a signature${by(signedBy)}, got one by ${signers}` });
}

function judgeRegistry(counting: readonly VerifiedSignature[], { settings, origins }: EffectiveRule): readonly Judgement[] {
  const { requireRegistry, onMissing } = settings.signature;
  if (!requireRegistry || counting.some(({ signer }) => signer.kind === "registry" || signer.kind === "vsa")) return [];
  const text = "expected a registry's own signature, got none";
  return judge(onMissing, { code: "SIGNATURE_MISSING", text, rule: origins["signature.require_registry"], check: "signature" });
}

function stricter(left: OnFailure, right: OnFailure): OnFailure {
  return ON_FAILURE.indexOf(left) < ON_FAILURE.indexOf(right) ? left : right;
}

function by(signedBy: SignedBy | undefined): string {
  if (!signedBy) return "";
  if (signedBy.signers.length === 0) return " by somebody whom the policy names for this package (it names nobody)";
  return ` by ${signedBy.quantifier === "all" ? "each" : "one"} of ${signedBy.signers.map(({ name }) => name).join(", ")}`;
}
