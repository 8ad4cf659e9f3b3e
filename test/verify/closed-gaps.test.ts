import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/**
 * What a library or a reference tool was measured to accept and Assay must refuse, and the test that shows it refusing. A row whose test was renamed or taken away
 * fails here, so that no gap opens again unseen.
 */
interface Gap {
  readonly accepted: string;
  readonly by: string;
  /** Below `test/`. */
  readonly file: string;
  /** The title of the test or of its row, as it is written there. */
  readonly title: string;
}

const BUNDLE = "verify/sigstore/verify-bundle.test.ts";
const SIGSTORE_JS = "@sigstore/verify";
const PACOTE = "pacote";
const REFERENCE = "pypi-attestations";
const GPG = "gpg, by its exit status";

const GAPS: readonly Gap[] = [
  // The Sigstore library, as a verifier of bundles.
  {
    accepted: "a trusted log without a start",
    by: SIGSTORE_JS,
    file: "verify/sigstore/trust-root.test.ts",
    title: "a log whose key has no start",
  },
  {
    accepted: "a trusted log without a period",
    by: SIGSTORE_JS,
    file: "verify/sigstore/trust-root.test.ts",
    title: "a log whose key has no period",
  },
  { accepted: "a statement about other bytes", by: SIGSTORE_JS, file: BUNDLE, title: "a statement about other bytes" },
  { accepted: "a payload of another type", by: SIGSTORE_JS, file: BUNDLE, title: "a payload of another type" },
  { accepted: "a payload that is not JSON", by: SIGSTORE_JS, file: BUNDLE, title: "a payload that is not JSON" },
  { accepted: "a statement without a subject", by: SIGSTORE_JS, file: BUNDLE, title: "no subject" },
  {
    accepted: "a statement of a made-up version",
    by: "@sigstore/verify, sigstore-go",
    file: BUNDLE,
    title: "a statement type there is not",
  },
  { accepted: "a log entry that records another certificate", by: SIGSTORE_JS, file: BUNDLE, title: "that records another certificate" },
  { accepted: "the same, as a statement", by: SIGSTORE_JS, file: BUNDLE, title: "that records another certificate, as a statement" },
  { accepted: "the same, as intoto", by: SIGSTORE_JS, file: BUNDLE, title: "that records another certificate, as intoto" },
  {
    accepted: "the same, in a log of the second generation",
    by: SIGSTORE_JS,
    file: BUNDLE,
    title: "that records another certificate, second generation",
  },
  {
    accepted: "a certificate that is for no code signing",
    by: "@sigstore/verify, sigstore-go",
    file: BUNDLE,
    title: "without extended key usage",
  },
  { accepted: "one log entry counted twice", by: "@sigstore/verify 3", file: BUNDLE, title: "one twice, with another index" },
  {
    accepted: "a checkpoint by another log of the root",
    by: "@sigstore/verify 3",
    file: BUNDLE,
    title: "whose checkpoint another log of the root signed",
  },
  {
    accepted: "a root hash that is not the checkpoint's",
    by: SIGSTORE_JS,
    file: BUNDLE,
    title: "whose proof has another root than its checkpoint",
  },
  { accepted: "bytes after a certificate's end", by: "@sigstore/core 3", file: BUNDLE, title: "with bytes after its end" },
  { accepted: "a certificate nested to exhaust the stack", by: "@sigstore/core 3", file: BUNDLE, title: "that is 4,000 sequences deep" },
  { accepted: "two contents in one bundle", by: SIGSTORE_JS, file: BUNDLE, title: "both contents" },
  { accepted: "a format that there is not", by: SIGSTORE_JS, file: BUNDLE, title: "a media type of a version there is not" },
  { accepted: "a format with a suffix", by: SIGSTORE_JS, file: BUNDLE, title: "a media type with a suffix" },
  { accepted: "unknown fields", by: SIGSTORE_JS, file: BUNDLE, title: "an unknown field inside" },
  { accepted: "padding without an end", by: SIGSTORE_JS, file: BUNDLE, title: "one byte more than the limit" },
  { accepted: "lenient base64", by: SIGSTORE_JS, file: BUNDLE, title: "base64 with a line break" },
  {
    accepted: "a member twice, of which the last counts",
    by: SIGSTORE_JS,
    file: BUNDLE,
    title: "a member twice, of which readers take different ones",
  },
  {
    accepted: "a chain that brings its own root",
    by: "@sigstore/verify, by luck refused",
    file: BUNDLE,
    title: "a chain that brings its root",
  },
  { accepted: "a time that no promise vouches for", by: "@sigstore/verify before 3.1.1", file: BUNDLE, title: "claimed without a promise" },
  {
    accepted: "claims of a certificate that contradict each other",
    by: SIGSTORE_JS,
    file: BUNDLE,
    title: "whose old and new repository differ",
  },
  {
    accepted: "a hang by a checkpoint's signer",
    by: "@sigstore/verify 3",
    file: "process/crafted-checkpoint.test.ts",
    title: "is refused in under a second, while other requests are served",
  },
  // Who signed.
  {
    accepted: "an identity that only contains the wanted one",
    by: SIGSTORE_JS,
    file: "policy/match-signer.test.ts",
    title: "an address whose host goes on",
  },
  {
    accepted: "an identity in which a dot is any letter",
    by: SIGSTORE_JS,
    file: "policy/match-signer.test.ts",
    title: "a host that ends alike",
  },
  {
    accepted: "anybody, where no identity is asked for",
    by: SIGSTORE_JS,
    file: "policy/bad-policies.test.ts",
    title: "a signer without an issuer",
  },
  {
    accepted: "anybody, where the identity is empty or all stars",
    by: SIGSTORE_JS,
    file: "policy/bad-policies.test.ts",
    title: "an identity of stars",
  },
  {
    accepted: "a branch named like an address, in a URI",
    by: "untyped patterns",
    file: "policy/match-signer.test.ts",
    title: "a branch that is called like an e-mail address, at the end of a URI",
  },
  {
    accepted: "every caller of a reusable workflow",
    by: "patterns for the identity alone",
    file: "policy/match-signer.test.ts",
    title: "a reusable workflow that another repository calls",
  },
  {
    accepted: "a name that was registered again",
    by: "patterns for names",
    file: "policy/match-signer.test.ts",
    title: "a name that was registered again",
  },
  {
    accepted: "a private root's signature as a public one",
    by: "merged roots",
    file: BUNDLE,
    title: "roots never mix: what one instance signed is nothing under another's root",
  },
  // npm's client.
  {
    accepted: "another predicate than the registry names",
    by: PACOTE,
    file: "ecosystems/npm/attestations.test.ts",
    title: "another type than is signed",
  },
  { accepted: "further subjects", by: PACOTE, file: "ecosystems/npm/check-signed.test.ts", title: "of two packages" },
  {
    accepted: "a publish statement about another version",
    by: PACOTE,
    file: "ecosystems/npm/check-signed.test.ts",
    title: "of publishing another version",
  },
  {
    accepted: "a publish statement of another registry",
    by: PACOTE,
    file: "ecosystems/npm/check-signed.test.ts",
    title: "of publishing on another registry",
  },
  {
    accepted: "a publish statement by anybody with a certificate",
    by: PACOTE,
    file: "ecosystems/npm/check-signed.test.ts",
    title: "of publishing, by somebody with a certificate",
  },
  {
    accepted: "a key that the hint does not name",
    by: PACOTE,
    file: "verify/sigstore/managed-key.test.ts",
    title: "another key answers to the hint",
  },
  {
    accepted: "an envelope that names another key than the bundle",
    by: PACOTE,
    file: "clients/real-objects/npm-objects.ts",
    title: "npm+pacote__mismatched-keyid-attestations.json",
  },
  {
    accepted: "an ended key, by the packument's own clock",
    by: PACOTE,
    file: "verify/registry-signature/verify-registry-signature.test.ts",
    title: "a version whose publish time is not known",
  },
  {
    accepted: "no signatures at all, by a registry that has keys",
    by: PACOTE,
    file: "clients/real-objects/npm.test.ts",
    title: "without its signatures is refused where the policy asks for them",
  },
  {
    accepted: "a provenance that its certificate contradicts",
    by: PACOTE,
    file: "verify/provenance/compare-with-certificate.test.ts",
    title: "another repository",
  },
  // PyPI's reference tool, and mirrors that were read.
  {
    accepted: "a provenance without any attestation",
    by: REFERENCE,
    file: "clients/real-objects/pypi.test.ts",
    title: "without any attestation is not verified",
  },
  {
    accepted: "an environment that the certificate denies",
    by: REFERENCE,
    file: "ecosystems/pypi/publisher.test.ts",
    title: "GitHub: another environment",
  },
  {
    accepted: "an environment that the certificate does not prove",
    by: REFERENCE,
    file: "policy/match-signer.test.ts",
    title: "a certificate that names no environment",
  },
  {
    accepted: "a second log entry that nobody looks at",
    by: REFERENCE,
    file: "ecosystems/pypi/attestations.test.ts",
    title: "a second transparency entry of garbage",
  },
  {
    accepted: "text among base64",
    by: REFERENCE,
    file: "ecosystems/pypi/attestations.test.ts",
    title: "a certificate that a lenient decoder would read",
  },
  {
    accepted: "a publisher of an unknown kind, by anybody",
    by: "pulp_python",
    file: "ecosystems/pypi/attestations.test.ts",
    title: "an unknown publisher",
  },
  {
    accepted: "the staging instance, by the checkpoint's own text",
    by: "pulp_python",
    file: "clients/real-objects/pypi.test.ts",
    title: "under the other root",
  },
  {
    accepted: "the wrong archive's provenance, on sync",
    by: "pulp_python",
    file: "clients/real-objects/pypi-alterations.ts",
    title: "another archive's attestation",
  },
  {
    accepted: "an outage, taken for nothing attested",
    by: "pip-plugin-pep740 and others",
    file: "ecosystems/pypi/published.test.ts",
    title: "evidence that could not be had does not pass for evidence that is not there",
  },
  // OpenPGP.
  {
    accepted: "a key that has expired",
    by: GPG,
    file: "verify/openpgp/real-gpg.test.ts",
    title: "a key that has expired is refused, for which gpg exits with 0",
  },
  {
    accepted: "a key that is revoked",
    by: GPG,
    file: "verify/openpgp/real-gpg.test.ts",
    title: "a revoked key is refused, for which gpg exits with 0",
  },
  { accepted: "SHA-1", by: GPG, file: "verify/openpgp/verify-openpgp.test.ts", title: "hash algorithm %d is refused" },
  { accepted: "RSA of 1024 bits", by: GPG, file: "verify/openpgp/verify-openpgp.test.ts", title: "RSA of 1024 bits is refused" },
  { accepted: "a date in the future", by: GPG, file: "verify/openpgp/verify-openpgp.test.ts", title: "a date in the future is refused" },
  {
    accepted: "two signers, of whom one is right",
    by: "gpg, openpgp",
    file: "verify/openpgp/verify-openpgp.test.ts",
    title: "two signers in one block",
  },
  {
    accepted: "a second block that is not read",
    by: "openpgp",
    file: "verify/openpgp/verify-openpgp.test.ts",
    title: "two armored blocks",
  },
  {
    accepted: "an expired key by a signature's own date",
    by: "openpgp",
    file: "verify/openpgp/verify-openpgp.test.ts",
    title: "a key that has expired since is refused, unless the operator believes the signature's date",
  },
  { accepted: "a text-mode signature", by: "gpg, openpgp", file: "verify/openpgp/verify-openpgp.test.ts", title: "a text-mode signature" },
  { accepted: "a short key id", by: "gpg", file: "policy/bad-policies.test.ts", title: "a short key id" },
];

test.each(GAPS)("$accepted (accepted by $by) is refused: $file", ({ file, title }) => {
  expect(readFileSync(join(import.meta.dirname, "..", file), "utf8")).toContain(title);
});
