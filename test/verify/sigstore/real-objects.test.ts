import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseTrustRoot, publicTrustRoot } from "../../../src/verify/sigstore/trust-root.ts";
import { verifyBundle } from "../../../src/verify/sigstore/verify-bundle.ts";
import { sharedData } from "../../support/shared-data.ts";
import type { Loose } from "../../support/sigstore-instance.ts";

const PYPI = sharedData("pypi");
const NPM = sharedData("npm");

const read = (folder: string, path: string): Loose => JSON.parse(readFileSync(join(folder, path), "utf8"));
const production = publicTrustRoot();
const NO_SHA256 = "0".repeat(64);

/** PEP 740 as the bundle that its `to_bundle` makes. */
function toBundle({ verification_material: material, envelope }: Loose): Buffer {
  const canonical = (text: string): string => Buffer.from(text, "base64").toString("base64");
  return Buffer.from(
    JSON.stringify({
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: {
        certificate: { rawBytes: canonical(material.certificate) },
        tlogEntries: material.transparency_entries,
      },
      dsseEnvelope: {
        payload: canonical(envelope.statement),
        payloadType: "application/vnd.in-toto+json",
        signatures: [{ sig: canonical(envelope.signature) }],
      },
    }),
  );
}

test.skipIf(!PYPI)("every real PEP 740 attestation verifies under its own instance's root and under no other", () => {
  const folder = PYPI ?? "";
  const staging = parseTrustRoot(readFileSync(join(folder, "trusted_root.staging.json")), "staging");
  expect(production.sha256).toBe(parseTrustRoot(readFileSync(join(folder, "trusted_root.production.json")), "production").sha256);
  let verified = 0;
  for (const { file, attestations } of read(folder, "manifest.json").entries) {
    const json = read(folder, file);
    const objects = json.attestation_bundles?.flatMap((group: Loose) => group.attestations) ?? [json];
    for (const [index, object] of objects.entries()) {
      const { sha256, san, predicateType, subject, claims } = attestations[index];
      // These two were made for the tests of their own project.
      const [own, other] = file.includes("rfc8785") ? [staging, production] : [production, staging];
      const bundle = toBundle(object);
      expect(verifyBundle({ bundle, root: own, artifact: { digests: { sha256 } } }), file).toMatchObject({
        ok: true,
        value: {
          signer: { kind: "sigstore", identity: { value: san[0] }, issuer: claims["8:issuer"] ?? claims["1:issuer_v1"] },
          content: { kind: "statement", statement: { predicateType, subjects: [{ name: subject, digest: { sha256 } }] } },
        },
      });
      expect(verifyBundle({ bundle, root: other, artifact: { digests: { sha256 } } }), file).toMatchObject({
        ok: false,
        finding: { code: "LOG_ENTRY_UNTRUSTED" },
      });
      expect(verifyBundle({ bundle, root: own, artifact: { digests: { sha256: NO_SHA256 } } }), file).toMatchObject({
        ok: false,
        finding: { code: "SUBJECT_MISMATCH" },
      });
      verified++;
    }
  }
  expect(verified).toBeGreaterThanOrEqual(14);
});

test.skipIf(!NPM)("every real npm attestation verifies, and every altered one is refused", () => {
  const folder = NPM ?? "";
  const manifest = read(folder, "manifest.json");
  const keys = manifest.keys
    .filter(({ keyUsage }: Loose) => keyUsage === "npm:attestations")
    .map(({ keyId, publicKey: { rawBytes, validFor } }: Loose) => ({
      name: keyId,
      hint: keyId,
      pem: `-----BEGIN PUBLIC KEY-----\n${rawBytes}\n-----END PUBLIC KEY-----\n`,
      validFrom: Date.parse(validFor.start),
      ...(validFor.end === undefined ? {} : { validUntil: Date.parse(validFor.end) }),
    }));
  const refused: string[] = [];
  let verified = 0;
  for (const { file, attestations } of manifest.bundles) {
    const json = read(folder, file);
    for (const [index, { bundle }] of (json.attestations ?? [{ bundle: json }]).entries()) {
      const { sha512, libraryVerdict, san, keyid, keyHint } = attestations[index];
      const verdict = verifyBundle({
        bundle: Buffer.from(JSON.stringify(bundle)),
        root: production,
        artifact: { digests: { sha256: NO_SHA256, sha512 } },
        keys,
      });
      // The library does not look at the key that the envelope names, and npm's client at no other.
      const oneKey = !keyid || keyid === keyHint;
      expect(verdict.ok, `${file} ${index}`).toBe(libraryVerdict === "ok" && oneKey);
      if (!verdict.ok) refused.push(`${file.replace(/^.*__/, "")} ${verdict.finding.code}`);
      else {
        verified++;
        const { signer } = verdict.value;
        expect(signer.kind === "sigstore" ? signer.identity.value : signer.kind === "key" && signer.keyId).toBe(san ?? keyHint);
      }
    }
  }
  expect(verified).toBeGreaterThanOrEqual(12);
  expect(refused).toEqual([
    "invalid-attestations.json BUNDLE_MALFORMED",
    "mismatched-keyid-attestations.json CLAIM_CONFLICT",
    "mismatched-subject-digest-attestations.json LOG_ENTRY_INVALID",
    "mismatched-subject-name-attestations.json LOG_ENTRY_INVALID",
    "no-keyid-attestations.json BUNDLE_MALFORMED",
  ]);
});
