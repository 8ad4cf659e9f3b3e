import type { SigningKey } from "../../core/ports/signing-keys.ts";
import type { Level } from "../../core/statement.ts";
import { preAuthEncoding } from "../sigstore/signed-content.ts";
import { STATEMENT_PAYLOAD_TYPE } from "../sigstore/statement.ts";
import { statedLevels } from "./levels.ts";
import { STATEMENT_TYPE, VSA_PREDICATE_TYPE } from "./vsa-types.ts";

/** The version of SLSA whose levels are meant. */
const SLSA_VERSION = "1.1";

/** An archive that was admitted, and by whose judgement. */
export interface AdmittedArchive {
  readonly purl: string;
  readonly file: string;
  /** Lowercase hexadecimal. Only digests that were compared with the bytes. */
  readonly digests: Readonly<Record<"sha256", string> & Partial<Record<"sha512", string>>>;
  /** Milliseconds since the epoch. */
  readonly verifiedAt: number;
  readonly level: Level;
  /** URI of the Assay that judged. */
  readonly verifierId: string;
  readonly policySha256: string;
}

/**
 * A summary of an archive that was admitted: PASSED, in a DSSE envelope with one signature, as `verifyVsa` reads it. The same archive and verdict make the same text.
 * `inputAttestations` is left out: it must name every attestation that was used, by digest. https://slsa.dev/spec/v1.1/verification_summary
 */
export function makeVsa(archive: AdmittedArchive, { keyId, sign }: SigningKey): Buffer {
  const { purl, file, digests, verifiedAt, level, verifierId, policySha256 } = archive;
  const statement = {
    _type: STATEMENT_TYPE,
    subject: [{ name: file, digest: digests }],
    predicateType: VSA_PREDICATE_TYPE,
    predicate: {
      verifier: { id: verifierId },
      timeVerified: new Date(verifiedAt).toISOString(),
      resourceUri: purl,
      policy: { uri: `${verifierId}#policy`, digest: { sha256: policySha256 } },
      verificationResult: "PASSED",
      verifiedLevels: statedLevels(level),
      slsaVersion: SLSA_VERSION,
    },
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const signature = sign(preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload));
  const envelope = {
    payloadType: STATEMENT_PAYLOAD_TYPE,
    payload: payload.toString("base64"),
    signatures: [{ keyid: keyId, sig: signature.toString("base64") }],
  };
  return Buffer.from(`${JSON.stringify(envelope)}\n`);
}
