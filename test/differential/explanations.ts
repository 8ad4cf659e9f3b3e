import type { Finding } from "../../src/core/finding.ts";
import type { OracleName } from "./oracle.ts";

/** Why another verifier may refuse what Assay accepts while a third accepts it too: by a piece of its own reason. */
interface Lenience {
  readonly oracle: OracleName;
  readonly reason: string;
  readonly why: string;
}

export const LENIENCES: readonly Lenience[] = [
  {
    oracle: "pypi-attestations",
    reason: "Expected protobuf uint64 as string",
    why: "protobuf's JSON has 64 bits as text or as a number; only writers must use text",
  },
  {
    oracle: "pypi-attestations",
    reason: "ConversionError: invalid transparency log entry",
    why: "the same in a PEP 740 entry, where the tool does not say what is wrong",
  },
  {
    oracle: "pypi-attestations",
    reason: "tlogEntries.0.inclusionProof",
    why: "it knows no entries without a proof, as npm's of format 0.1",
  },
  {
    oracle: "pypi-attestations",
    reason: "publisher\n  Field required",
    why: "an index may name nobody; the certificate decides who signed",
  },
  { oracle: "sigstore-go", reason: "invalid attestation: decoding json", why: "in-toto asks verifiers to ignore members they do not know" },
  {
    oracle: "sigstore-go",
    reason: "invalid value for bytes field",
    why: "PEP 740's own fields may have line breaks in their base64; the reference tool takes them",
  },
  {
    oracle: "sigstore-go",
    reason: "signature on checkpoint did not verify",
    why: "lines of keys that are not the log's are witnesses', which a verifier must ignore (C2SP signed notes)",
  },
];

/** What Assay refuses although every other verifier accepts: on purpose, for a reader could take it for something else. */
interface Strictness {
  readonly code: Finding["code"];
  /** A piece of the finding's text. */
  readonly detail: string;
  readonly why: string;
}

export const STRICTNESSES: readonly Strictness[] = [
  { code: "BUNDLE_MALFORMED", detail: " twice", why: "of two members with one name, readers take different ones" },
  {
    code: "BUNDLE_MALFORMED",
    detail: "unknown field",
    why: "exact field names: protobuf's readers also take snake case, which nobody writes",
  },
  { code: "BUNDLE_MALFORMED", detail: "base64", why: "one spelling of each value" },
  { code: "BUNDLE_MALFORMED", detail: "surrogate", why: "not a character" },
  { code: "BUNDLE_MALFORMED", detail: "has no version", why: "PEP 740 requires it" },
  { code: "BUNDLE_MALFORMED", detail: "is not a string", why: "present fields have their type" },
  { code: "BUNDLE_UNSUPPORTED", detail: "transparency entries", why: "the others look at the first only, so the rest proves nothing" },
  { code: "BUNDLE_UNSUPPORTED", detail: "media type", why: "a version that is not known" },
  {
    code: "LOG_ENTRY_INVALID",
    detail: "not signed by the log",
    why: "the signer's name on a checkpoint is part of it, and one key signs it once",
  },
  { code: "LOG_ENTRY_INVALID", detail: "tree size", why: "proof and checkpoint must speak of one tree" },
  { code: "LOG_ENTRY_INVALID", detail: "two indexes", why: "one entry has one place" },
  { code: "LOG_ENTRY_INVALID", detail: "has an unknown field", why: "a log's entry types have no other fields" },
  { code: "LOG_ENTRY_INVALID", detail: "digest is not one", why: "every digest in the record must be one" },
  { code: "LOG_ENTRY_INVALID", detail: "in use", why: "each time that is stated counts, not only one that suits" },
  { code: "TIMESTAMP_INVALID", detail: "", why: "one timestamp that is wrong spoils the bundle, also beside one that is right" },
  { code: "CERTIFICATE_UNTRUSTED", detail: "made a timestamp", why: "one timestamp that is nobody's spoils the bundle" },
  { code: "CERTIFICATE_INVALID", detail: "signers, not one", why: "with two names, it depends on the reader who signed" },
  { code: "CERTIFICATE_INVALID", detail: "names no issuer", why: "a name without who vouches for it is nobody's" },
  { code: "CERTIFICATE_INVALID", detail: "not valid", why: "each time that is stated counts" },
  { code: "CLAIM_CONFLICT", detail: "two values", why: "policies may read either" },
  { code: "STATEMENT_MALFORMED", detail: "", why: "a statement has a known type, a predicate type and named subjects" },
];
