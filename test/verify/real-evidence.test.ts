import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseIntegrity } from "../../src/core/digest.ts";
import type { Outcome } from "../../src/core/evidence.ts";
import type { Checked } from "../../src/core/finding.ts";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";
import type { SignedItem, SignedSource } from "../../src/core/ports/ecosystem.ts";
import type { Verifier } from "../../src/core/ports/verifier.ts";
import { parseAttestations } from "../../src/ecosystems/npm/attestations.ts";
import { checkSigned as checkNpm } from "../../src/ecosystems/npm/check-signed.ts";
import { parseAttestation, parseProvenance } from "../../src/ecosystems/pypi/attestations.ts";
import { checkSigned as checkPypi } from "../../src/ecosystems/pypi/check-signed.ts";
import { parseRegistryKeys } from "../../src/verify/registry-signature/registry-keys.ts";
import { RegistrySignatureVerifier } from "../../src/verify/registry-signature.ts";
import { parseTrustRoot, publicTrustRoot, type TrustRoot } from "../../src/verify/sigstore/trust-root.ts";
import { SigstoreVerifier } from "../../src/verify/sigstore.ts";
import { type CandidateOptions, makeCandidate, SILENT_LOG } from "../support/candidate.ts";
import { keySource } from "../support/key-source.ts";
import { sharedData } from "../support/shared-data.ts";
import type { Loose } from "../support/sigstore-instance.ts";

// What real indexes published, from the document to the outcome, by the real rules of its ecosystem.

const NO_SHA256 = "0".repeat(64);
const OPTIONS = { source: "a real document", maxDepth: 64 };
const roots = new Map<string, TrustRoot>([["public", publicTrustRoot()]]);
const NPM = sharedData("npm");
const PYPI = sharedData("pypi");
const readNpm = (path: string): Loose => JSON.parse(readFileSync(join(NPM ?? "", path), "utf8"));
const npmKeys = NPM
  ? parseRegistryKeys(Buffer.from(JSON.stringify({ keys: readNpm("manifest.json").keys })), { source: "the real keys" })
  : [];
if (PYPI) roots.set("staging", parseTrustRoot(readFileSync(join(PYPI, "trusted_root.staging.json")), "staging"));

const sigstore = new SigstoreVerifier({
  roots,
  managedKeys: () => [],
  registryKeys: keySource(async () => npmKeys),
  limits: { ...DEFAULT_LIMITS, verifyBundleSeconds: 15 },
  log: SILENT_LOG,
});
afterAll(() => sigstore.close());

async function verify(verifier: Verifier, options: Omit<CandidateOptions, "bytes">): Promise<readonly Outcome[]> {
  const { candidate, remove } = makeCandidate({ bytes: Buffer.from("the archive itself is not at hand"), ...options });
  try {
    return [await verifier.verify(candidate)].flat();
  } finally {
    remove();
  }
}

function sourceOf(parsed: Checked<readonly SignedItem[]>): SignedSource {
  const label = "the attestations";
  return parsed.ok ? { label, kind: "published", items: parsed.value } : { label, kind: "malformed", ...parsed.finding };
}

describe.skipIf(!PYPI)("PEP 740", () => {
  interface RealFile {
    readonly file: string;
    readonly subject: string;
    readonly sha256: string;
    readonly trust: string;
    readonly items: readonly SignedItem[];
  }
  const files: readonly RealFile[] = PYPI
    ? JSON.parse(readFileSync(join(PYPI, "manifest.json"), "utf8")).entries.map(({ file, object, attestations }: Loose): RealFile => {
        const body = readFileSync(join(PYPI, file));
        const parsed = object === "provenance" ? parseProvenance(body, OPTIONS) : parseAttestation(body, OPTIONS);
        if (!parsed.ok) throw new Error(parsed.finding.detail);
        const items = [parsed.value].flat().map((item): SignedItem => ({ kind: "sigstore", ...item }));
        const [{ subject, sha256 }] = attestations;
        // These two were made for the tests of their own project.
        return { file, subject, sha256, trust: file.includes("rfc8785") ? "staging" : "public", items };
      })
    : [];
  const outcomesFor = ({ items, trust }: RealFile, { subject, sha256 }: Pick<RealFile, "subject" | "sha256">) =>
    verify(sigstore, { file: subject, digests: { sha256 }, items, trust, checkSigned: checkPypi });

  test("each passes for its own file, and as no other: not by digest, not by name, not under the other root", async () => {
    expect(files.length).toBeGreaterThanOrEqual(14);
    for (const real of files) {
      const kinds = async (outcomes: Promise<readonly Outcome[]>) =>
        (await outcomes).map((each) => ("code" in each ? each.code : each.kind));
      const each = (what: string) => real.items.map(() => what);
      expect(await kinds(outcomesFor(real, real)), real.file).toEqual(each("pass"));
      expect(await kinds(outcomesFor(real, { ...real, sha256: NO_SHA256 })), real.file).toEqual(each("SUBJECT_MISMATCH"));
      expect(await kinds(outcomesFor(real, { ...real, subject: "other-1.0.tar.gz" })), real.file).toEqual(each("SUBJECT_MISMATCH"));
      const trust = real.trust === "public" ? "staging" : "public";
      expect(await kinds(outcomesFor({ ...real, trust }, real)), real.file).toEqual(each("LOG_ENTRY_UNTRUSTED"));
    }
  });

  test("another file's attestation is refused, also beside the right one", async () => {
    for (const [index, real] of files.entries()) {
      const other = files.find(({ sha256, trust }, at) => at !== index && sha256 !== real.sha256 && trust === real.trust);
      if (!other) continue;
      const outcomes = await outcomesFor({ ...real, items: [...real.items, ...other.items] }, real);
      expect(outcomes.map(({ kind }) => kind)).toEqual([...real.items.map(() => "pass"), ...other.items.map(() => "invalid")]);
    }
  });
});

describe.skipIf(!NPM)("npm", () => {
  const bundles: readonly Loose[] = NPM ? readNpm("manifest.json").bundles : [];
  const documents = bundles
    .map(({ file, altered, attestations }) => ({ file, altered: altered === true, attestations, json: readNpm(file) }))
    .filter(({ json }) => json.attestations !== undefined);

  function candidateOf({ json, attestations }: Loose): Omit<CandidateOptions, "bytes"> {
    const [{ subject, sha512 }] = attestations;
    const [name = "", version = ""] = subject
      .replace("pkg:npm/", "")
      .replace("%40", "@")
      .split(/(?<!^)@/);
    const statements = json.attestations.map(({ bundle }: Loose) =>
      JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, "base64").toString()),
    );
    const registries = statements.flatMap(({ predicate }: Loose) => predicate.registry ?? []);
    const parsed = parseAttestations(Buffer.from(JSON.stringify(json)), OPTIONS);
    const items = parsed.ok
      ? parsed.value.map(
          ({ label, bundle, predicateType }): SignedItem => ({
            kind: "sigstore",
            label,
            bundle,
            context: { predicateType, registries },
          }),
        )
      : [];
    const published = [parsed.ok ? sourceOf({ ok: true, value: items }) : sourceOf(parsed)];
    return { name, version, digests: { sha256: NO_SHA256, sha512 }, published, checkSigned: checkNpm };
  }

  test("each real set passes: the registry's own attestation by its key, the provenance by its certificate", async () => {
    const real = documents.filter(({ altered }) => !altered);
    expect(real.length).toBeGreaterThanOrEqual(3);
    for (const document of real) {
      const outcomes = await verify(sigstore, candidateOf(document));
      expect(outcomes, document.file).toMatchObject([
        { kind: "pass", signer: { kind: "sigstore" } },
        { kind: "pass", signer: { kind: "key", keyId: expect.stringMatching(/^SHA256:/) } },
      ]);
    }
  });

  test("each altered set has something invalid in it", async () => {
    const altered = documents.filter((document) => document.altered);
    expect(altered.length).toBeGreaterThanOrEqual(4);
    for (const document of altered)
      expect(
        (await verify(sigstore, candidateOf(document))).some(({ kind }) => kind === "invalid"),
        document.file,
      ).toBe(true);
  });

  test("a real set is not another version's", async () => {
    for (const document of documents.filter(({ altered }) => !altered)) {
      const options = candidateOf(document);
      for (const other of [
        { ...options, version: "9.9.9" },
        { ...options, digests: { sha256: NO_SHA256, sha512: "0".repeat(128) } },
      ])
        expect(await verify(sigstore, other)).toMatchObject([
          { kind: "invalid", code: "SUBJECT_MISMATCH" },
          { kind: "invalid", code: "SUBJECT_MISMATCH" },
        ]);
    }
  });

  test("each real registry signature passes for its own bytes only", async () => {
    const verifier = new RegistrySignatureVerifier({
      registryKeys: keySource(async () => npmKeys),
      clock: { now: () => Date.UTC(2026, 5, 1) },
    });
    const signatures: readonly Loose[] = readNpm("manifest.json").registrySignatures;
    expect(signatures.length).toBeGreaterThanOrEqual(4);
    for (const { name, version, integrity, keyid, sig, message } of signatures) {
      const sha512 = parseIntegrity(integrity, "the packument")[0]?.hex ?? "";
      // The older key ended in January 2025; what it signed was published before.
      const publishedAt = Date.UTC(2024, 0, 1);
      const items = [{ kind: "registry-signature", label: "1", keyId: keyid, signature: sig, message, publishedAt }] as const;
      const options = { name, version, items, checkSigned: checkNpm };
      const own = { sha256: NO_SHA256, sha512 };
      expect(await verify(verifier, { ...options, digests: own }), message).toMatchObject([
        { kind: "pass", signer: { kind: "registry", keyId: keyid }, claims: { message } },
      ]);
      expect(await verify(verifier, { ...options, digests: { ...own, sha512: "0".repeat(128) } }), message).toMatchObject([
        { kind: "invalid", code: "SUBJECT_MISMATCH" },
      ]);
    }
  });
});
