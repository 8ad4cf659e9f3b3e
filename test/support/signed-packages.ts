import { createHash } from "node:crypto";
import { type BuiltArchive, buildAam, buildWheel } from "./archives.ts";
import { publishDistributions } from "./attested-registry.ts";
import type { FakeUpstream } from "./fake-upstream.ts";
import { type Loose, REPOSITORY, type SigstoreInstance } from "./sigstore-instance.ts";

const STATEMENT = "https://in-toto.io/Statement/v1";
const SOURCE = { uri: `git+${REPOSITORY}@refs/tags/v1.0.0`, digest: { sha1: "a".repeat(40) } };

/** Publishes a wheel at `/pypi/simple/`, with a PEP 740 attestation by the instance's workflow, or with none. */
export function publishSignedWheel(upstream: FakeUpstream, name: string, signing: SigstoreInstance | undefined): BuiltArchive {
  const version = "1.0.0";
  const wheel = buildWheel({ name, version });
  const provenance = signing && provenanceOf(signing, wheel);
  publishDistributions(upstream, "/pypi", [{ project: name, version, ...wheel, ...(provenance ? { provenance } : {}) }]);
  return wheel;
}

/** Publishes an AAM package at `/aam/`, with the build provenance that the specification defines, or with none. */
export function publishSignedAam(upstream: FakeUpstream, name: string, signing: SigstoreInstance | undefined): BuiltArchive {
  const version = "1.0.0";
  const built = buildAam({ name, version });
  const json = (path: string, body: object): void => upstream.serve(path, { contentType: "application/json", body: JSON.stringify(body) });
  const integrity = `sha256-${createHash("sha256").update(built.bytes).digest("base64")}`;
  json(`/aam/packages/${name}`, { name, versions: { [version]: { integrity } }, "dist-tags": { latest: version } });
  upstream.serve(`/aam/packages/${name}/${version}/tarball`, { body: built.bytes });
  const bundle = signing?.signStatement({
    _type: STATEMENT,
    subject: [{ name: `${name}-${version}.aam`, digest: { sha256: sha256(built.bytes) } }],
    predicateType: "https://uaaps.github.io/provenance/v1",
    predicate: {
      builder: { id: "https://github.com/actions/runner" },
      buildType: "https://uaaps.github.io/build/aam-pack/v1",
      invocation: { configSource: { ...SOURCE, entryPoint: ".github/workflows/release.yml" } },
      metadata: { reproducible: false },
      materials: [SOURCE],
    },
  });
  json(`/aam/packages/${name}/${version}/signature`, { name, version, signatures: [], attestations: bundle ? [{ bundle }] : [] });
  return built;
}

function provenanceOf(signing: SigstoreInstance, { file, bytes }: BuiltArchive): Buffer {
  const { verificationMaterial, dsseEnvelope }: Loose = signing.signStatement({
    _type: STATEMENT,
    subject: [{ name: file, digest: { sha256: sha256(bytes) } }],
    predicateType: "https://docs.pypi.org/attestations/publish/v1",
    predicate: null,
  });
  const attestation = {
    version: 1,
    verification_material: {
      certificate: verificationMaterial.certificate.rawBytes,
      transparency_entries: verificationMaterial.tlogEntries,
    },
    envelope: { statement: dsseEnvelope.payload, signature: dsseEnvelope.signatures[0].sig },
  };
  const publisher = { kind: "GitHub", repository: "acme/tool", workflow: "release.yml", environment: null };
  return Buffer.from(JSON.stringify({ version: 1, attestation_bundles: [{ publisher, attestations: [attestation] }] }));
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
