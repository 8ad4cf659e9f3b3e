import type { Loose } from "../../support/sigstore-instance.ts";

/** An attack on a real provenance object, and the reason that it must be refused for. */
export interface Alteration {
  readonly attack: string;
  /** Changes the provenance object in place; `other` is that of another archive. */
  readonly alter: (provenance: Loose, other: Loose) => void;
  readonly code: string;
}

const firstBundle = (provenance: Loose): Loose => provenance.attestation_bundles[0];
const firstAttestation = (provenance: Loose): Loose => firstBundle(provenance).attestations[0];
const entryOf = (provenance: Loose): Loose => firstAttestation(provenance).verification_material.transparency_entries[0];

/** The same base64 with one bit of its last byte changed. */
function flipped(text: string): string {
  const bytes = Buffer.from(text, "base64");
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  return bytes.toString("base64");
}

function editStatement(provenance: Loose, edit: (statement: Loose) => void): void {
  const { envelope } = firstAttestation(provenance);
  const statement = JSON.parse(Buffer.from(envelope.statement, "base64").toString("utf8"));
  edit(statement);
  envelope.statement = Buffer.from(JSON.stringify(statement)).toString("base64");
}

export const ALTERATIONS: readonly Alteration[] = [
  {
    attack: "another archive's attestation",
    alter: (provenance, other) => Object.assign(firstAttestation(provenance), firstAttestation(other)),
    code: "SUBJECT_MISMATCH",
  },
  {
    attack: "another archive's attestation beside the right one",
    alter: (provenance, other) => firstBundle(provenance).attestations.push(firstAttestation(other)),
    code: "SUBJECT_MISMATCH",
  },
  {
    // The log recorded another signature, which is found before this one is computed.
    attack: "a changed signature",
    alter: (provenance) => {
      const { envelope } = firstAttestation(provenance);
      envelope.signature = flipped(envelope.signature);
    },
    code: "LOG_ENTRY_INVALID",
  },
  {
    attack: "a statement edited to name another digest",
    alter: (provenance) =>
      editStatement(provenance, (statement) => {
        statement.subject[0].digest.sha256 = "0".repeat(64);
      }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    attack: "a statement edited to be of another type",
    alter: (provenance) =>
      editStatement(provenance, (statement) => {
        statement.predicateType = "https://slsa.dev/provenance/v1";
      }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    attack: "the certificate of another signing",
    alter: (provenance, other) => {
      firstAttestation(provenance).verification_material.certificate = firstAttestation(other).verification_material.certificate;
    },
    code: "LOG_ENTRY_INVALID",
  },
  {
    attack: "a certificate with a changed signature",
    alter: (provenance) => {
      const material = firstAttestation(provenance).verification_material;
      material.certificate = flipped(material.certificate);
    },
    code: "LOG_ENTRY_INVALID",
  },
  {
    attack: "the log entry of another signing",
    alter: (provenance, other) => {
      firstAttestation(provenance).verification_material.transparency_entries = [entryOf(other)];
    },
    code: "LOG_ENTRY_INVALID",
  },
  {
    attack: "another time of logging",
    alter: (provenance) => {
      entryOf(provenance).integratedTime = String(Number(entryOf(provenance).integratedTime) + 1);
    },
    code: "LOG_ENTRY_INVALID",
  },
  {
    attack: "an edited inclusion proof",
    alter: (provenance) => {
      const { inclusionProof } = entryOf(provenance);
      inclusionProof.hashes[0] = flipped(inclusionProof.hashes[0]);
    },
    code: "LOG_ENTRY_INVALID",
  },
  {
    attack: "a root hash that is not the checkpoint's",
    alter: (provenance) => {
      const { inclusionProof } = entryOf(provenance);
      inclusionProof.rootHash = flipped(inclusionProof.rootHash);
    },
    code: "LOG_ENTRY_INVALID",
  },
  {
    attack: "no proof of the time",
    alter: (provenance) => {
      delete entryOf(provenance).inclusionPromise;
    },
    code: "BUNDLE_UNSUPPORTED",
  },
  {
    attack: "no log entry",
    alter: (provenance) => {
      firstAttestation(provenance).verification_material.transparency_entries = [];
    },
    code: "BUNDLE_MALFORMED",
  },
  {
    attack: "a second log entry that nobody looks at",
    alter: (provenance) => {
      firstAttestation(provenance).verification_material.transparency_entries.push({ garbage: true });
    },
    code: "BUNDLE_UNSUPPORTED",
  },
  {
    attack: "text that lenient base64 skips",
    alter: (provenance) => {
      const { envelope } = firstAttestation(provenance);
      envelope.statement = `!!${envelope.statement}`;
    },
    code: "BUNDLE_MALFORMED",
  },
  {
    attack: "another version of the format",
    alter: (provenance) => {
      firstAttestation(provenance).version = 2;
    },
    code: "BUNDLE_UNSUPPORTED",
  },
  {
    attack: "a publisher of an unknown kind",
    alter: (provenance) => {
      firstBundle(provenance).publisher = { kind: "Forge", repository: "woodruffw/abi3info" };
    },
    code: "BUNDLE_UNSUPPORTED",
  },
  {
    attack: "a publisher who is not the certificate's",
    alter: (provenance) => {
      firstBundle(provenance).publisher = { kind: "GitHub", repository: "mallory/abi3info", workflow: "release.yml", environment: null };
    },
    code: "PUBLISHER_MISMATCH",
  },
  {
    attack: "a publisher with another workflow",
    alter: (provenance) => {
      firstBundle(provenance).publisher = { kind: "GitHub", repository: "woodruffw/abi3info", workflow: "other.yml", environment: null };
    },
    code: "PUBLISHER_MISMATCH",
  },
  {
    attack: "a publisher of another kind",
    alter: (provenance) => {
      firstBundle(provenance).publisher = { kind: "Google", email: "woodruffw@example.com" };
    },
    code: "PUBLISHER_MISMATCH",
  },
];
