import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkSubject } from "../../../src/core/check-subject.ts";
import type { Digests } from "../../../src/core/digest.ts";
import type { SigstoreSigner } from "../../../src/core/signer.ts";
import { isSubjectName, parseAttestations } from "../../../src/ecosystems/npm/attestations.ts";
import { checkPublishStatement } from "../../../src/ecosystems/npm/publish-statement.ts";
import { parseAttestation, parseProvenance } from "../../../src/ecosystems/pypi/attestations.ts";
import { sameDistribution } from "../../../src/ecosystems/pypi/distribution-name.ts";
import { checkPublisher } from "../../../src/ecosystems/pypi/publisher.ts";
import { compareWithCertificate } from "../../../src/verify/provenance/compare-with-certificate.ts";
import { provenanceLevel } from "../../../src/verify/provenance/provenance-level.ts";
import { readPredicate } from "../../../src/verify/provenance/read-predicate.ts";
import { readSigningCertificate } from "../../../src/verify/sigstore/certificate.ts";
import { readStatement } from "../../../src/verify/sigstore/statement.ts";
import { sharedData } from "../../support/shared-data.ts";

// The statements of real bundles, without their signatures: those are the Sigstore verifier's.

const OPTIONS = { source: "a real document", maxDepth: 64 };
const CONFIRMED = { repository: "confirmed", ref: "confirmed", commit: "confirmed", workflow: "confirmed" };

interface RealBundle {
  readonly dsseEnvelope: { readonly payload: string };
  readonly verificationMaterial: {
    readonly certificate?: { readonly rawBytes: string };
    readonly x509CertificateChain?: { readonly certificates: readonly [{ readonly rawBytes: string }] };
  };
}

/** `signer` is undefined for a bundle that is signed with a key. */
function open(bundle: Buffer) {
  const { dsseEnvelope, verificationMaterial } = JSON.parse(bundle.toString()) as RealBundle;
  const der = verificationMaterial.certificate ?? verificationMaterial.x509CertificateChain?.certificates[0];
  const certificate = der && readSigningCertificate(Buffer.from(der.rawBytes, "base64"));
  const signer: SigstoreSigner | undefined = certificate && { kind: "sigstore", trust: "public", ...certificate };
  return { signer, statement: readStatement(Buffer.from(dsseEnvelope.payload, "base64")) };
}

function resultOf<T>(
  checked: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly finding: { readonly detail: string } },
): T {
  if (!checked.ok) throw new Error(checked.finding.detail);
  return checked.value;
}

const onGitHub = (id: string) => id.startsWith("https://github.com/actions/runner");
const OTHER: Digests = {
  sha256: createHash("sha256").update("other").digest("hex"),
  sha512: createHash("sha512").update("other").digest("hex"),
};

const NPM = sharedData("npm");
describe.skipIf(!NPM)("npm", () => {
  interface Package {
    readonly name: string;
    readonly version: string;
    readonly sha512: readonly [string];
  }
  const folder = join(NPM ?? "", "bundles");
  const packages = NPM ? (JSON.parse(readFileSync(join(NPM, "manifest.json"), "utf8")).packages as Package[]) : [];
  const digestsOf = (name: string, version: string): Digests => ({
    sha256: OTHER.sha256,
    sha512: packages.find((each) => each.name === name && each.version === version)?.sha512[0] ?? "",
  });
  const read = (file: string) => resultOf(parseAttestations(readFileSync(join(folder, file)), OPTIONS)).map(({ bundle }) => open(bundle));

  test.each([
    ["npm+pacote__valid-attestations.json", "sigstore", "0.4.0"],
    ["npm+cli__valid-sigstore-attestations.json", "sigstore", "1.0.0"],
    ["npm+cli__valid-tuf-js-attestations.json", "tuf-js", "1.0.0"],
  ])("%s", (file, name, version) => {
    const [build, publish] = read(file);
    if (!build?.signer || !publish) throw new Error("there are not two attestations");
    const nameMatches = (subject: string) => isSubjectName(subject, { name, version });
    for (const { statement } of [build, publish]) {
      expect(checkSubject(statement, { digests: digestsOf(name, version), nameMatches, single: true })).toMatchObject({ ok: true });
      expect(checkSubject(statement, { digests: OTHER, nameMatches })).toMatchObject({ finding: { code: "SUBJECT_MISMATCH" } });
      expect(checkSubject(statement, { digests: digestsOf(name, version), nameMatches: () => false })).toMatchObject({ ok: false });
    }

    const predicate = resultOf(readPredicate(build.statement));
    expect(compareWithCertificate(predicate, build.signer)).toMatchObject({ ok: true, value: CONFIRMED });
    const elsewhere = { ...build.signer, source: { ...build.signer.source, repository: "https://github.com/attacker/x" } };
    expect(compareWithCertificate(predicate, elsewhere)).toMatchObject({ finding: { code: "PREDICATE_MISMATCH" } });
    // These certificates are from before 2023 and name no runner, so the level is the operator's judgement of npm's own builder.
    const verified = [{ signer: build.signer, statement: build.statement, predicate }];
    expect(provenanceLevel({ verified, builders: onGitHub, rebuilds: [] })).toMatchObject({
      level: "L1",
      why: expect.stringContaining("github.com/npm/cli@9."),
    });
    expect(provenanceLevel({ verified, builders: (id) => id.startsWith("https://github.com/npm/cli@"), rebuilds: [] })).toMatchObject({
      level: "L2",
    });

    const published = resultOf(readPredicate(publish.statement));
    if (published.kind !== "npm-publish") throw new Error("the second attestation is not npm's");
    const registry = new URL(published.registry);
    expect(checkPublishStatement(publish.statement, { name, version, registry })).toMatchObject({ ok: true });
    expect(checkPublishStatement(publish.statement, { name, version: "9.9.9", registry })).toMatchObject({
      finding: { code: "PREDICATE_MISMATCH" },
    });
  });

  test("SLSA v1 of sigstore 2.0.0 is L2", () => {
    const { signer, statement } = open(readFileSync(join(folder, "sigstore+sigstore-go__sigstore.js@2.0.0-provenance.sigstore.json")));
    if (!signer) throw new Error("it has no certificate");
    const predicate = resultOf(readPredicate(statement));
    expect(compareWithCertificate(predicate, signer)).toMatchObject({ ok: true, value: { ...CONFIRMED, warnings: [] } });
    expect(provenanceLevel({ verified: [{ signer, statement, predicate }], builders: onGitHub, rebuilds: [] })).toMatchObject({
      level: "L2",
    });
  });

  test.each(["npm+pacote__mismatched-subject-digest-attestations.json", "npm+pacote__mismatched-subject-name-attestations.json"])(
    "altered: %s",
    (file) => {
      const [, publish] = read(file);
      if (!publish) throw new Error("there are not two attestations");
      const nameMatches = (subject: string) => isSubjectName(subject, { name: "sigstore", version: "0.4.0" });
      const checked = checkSubject(publish.statement, { digests: digestsOf("sigstore", "0.4.0"), nameMatches });
      expect(checked).toMatchObject({ finding: { code: "SUBJECT_MISMATCH" } });
    },
  );
});

const PYPI = sharedData("pypi");
describe.skipIf(!PYPI)("PyPI", () => {
  const folder = join(PYPI ?? "", "valid");
  const files = PYPI ? readdirSync(folder) : [];

  test.each(files)("%s", (file) => {
    const body = readFileSync(join(folder, file));
    const attestations = file.endsWith(".provenance")
      ? resultOf(parseProvenance(body, OPTIONS))
      : [resultOf(parseAttestation(body, OPTIONS))];
    expect(attestations).toHaveLength(1);
    const archive = file.replace(/(?:\.publish|\.slsa)?\.(?:attestation|provenance)$/, "");
    for (const { bundle, publisher } of attestations) {
      const { signer, statement } = open(bundle);
      if (!signer) throw new Error("it has no certificate");
      const sha256 = statement.subjects[0]?.digest["sha256"] ?? "";
      const nameMatches = (subject: string) => sameDistribution(subject, archive);
      expect(checkSubject(statement, { digests: { sha256 }, nameMatches, single: true })).toMatchObject({ ok: true });
      expect(checkSubject(statement, { digests: OTHER, nameMatches, single: true })).toMatchObject({
        finding: { code: "SUBJECT_MISMATCH" },
      });
      expect(checkPublisher(publisher, signer)).toMatchObject({ ok: true });

      const predicate = resultOf(readPredicate(statement));
      const level = provenanceLevel({ verified: [{ signer, statement, predicate }], builders: onGitHub, rebuilds: [] });
      const isBuild = file.endsWith(".slsa.attestation");
      expect(level).toMatchObject({ level: isBuild ? "L2" : "L1" });
      if (isBuild) expect(compareWithCertificate(predicate, signer)).toMatchObject({ ok: true, value: CONFIRMED });
    }
  });

  test("a publisher that the index puts in another's place is found out", () => {
    const document = readFileSync(join(folder, "sampleproject-4.0.0.tar.gz.provenance"), "utf8").replace(
      "pypa/sampleproject",
      "attacker/sampleproject",
    );
    const [attestation] = resultOf(parseProvenance(Buffer.from(document), OPTIONS));
    const { signer } = open(attestation?.bundle ?? Buffer.alloc(0));
    if (!signer) throw new Error("it has no certificate");
    expect(checkPublisher(attestation?.publisher, signer)).toMatchObject({ finding: { code: "PUBLISHER_MISMATCH" } });
  });
});
