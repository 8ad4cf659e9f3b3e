import { createHash } from "node:crypto";
import type { JsonObject } from "../../src/core/json.ts";
import { buildWheel } from "./archives.ts";
import { type AttestedDistribution, publishDistributions } from "./attested-registry.ts";
import type { FakeUpstream } from "./fake-upstream.ts";
import { type Loose, REPOSITORY, type SignOptions, type SigstoreInstance } from "./sigstore-instance.ts";

export const PUBLISH_TYPE = "https://docs.pypi.org/attestations/publish/v1";
export const SLSA_TYPE = "https://slsa.dev/provenance/v1";

export interface AttestedWheel extends Pick<AttestedDistribution, "claims" | "uploadTime"> {
  readonly name: string;
  readonly version?: string;
  /** Who signs, and how. `none`: nobody. */
  readonly sign?: SignOptions | "none";
  /** A build provenance to sign in place of a publish attestation. */
  readonly predicate?: JsonObject;
  /** Bytes that the statement is about, where those are not the wheel's. */
  readonly about?: Buffer;
}

/** An index whose wheels are attested by a Sigstore instance, at `<prefix>/simple/` of an upstream. Its pages keep all that was published of a project. */
export class AttestedIndex {
  readonly #upstream: FakeUpstream;
  readonly #instance: SigstoreInstance;
  readonly #prefix: string;
  readonly #published: AttestedDistribution[] = [];

  constructor(upstream: FakeUpstream, instance: SigstoreInstance, prefix = "/pypi") {
    this.#upstream = upstream;
    this.#instance = instance;
    this.#prefix = prefix;
  }

  /** `path` is below the mirror's mount. */
  publish({ name, version = "1.0", sign = {}, predicate, about, ...more }: AttestedWheel): {
    readonly file: string;
    readonly bytes: Buffer;
    readonly purl: string;
    readonly path: string;
  } {
    const { file, bytes } = buildWheel({ name, version });
    const statement = {
      _type: "https://in-toto.io/Statement/v1",
      subject: [
        {
          name: file,
          digest: {
            sha256: createHash("sha256")
              .update(about ?? bytes)
              .digest("hex"),
          },
        },
      ],
      predicateType: predicate ? SLSA_TYPE : PUBLISH_TYPE,
      predicate: predicate ?? null,
    };
    const provenance = sign === "none" ? {} : { provenance: this.#provenance(statement, sign) };
    this.#published.push({ project: name, version, file, bytes, ...provenance, ...more });
    publishDistributions(
      this.#upstream,
      this.#prefix,
      this.#published.filter(({ project }) => project === name),
    );
    return { file, bytes, purl: `pkg:pypi/${name}@${version}?file_name=${file}`, path: `files/${name}/${file}` };
  }

  #provenance(statement: JsonObject, sign: SignOptions): Buffer {
    const attestation = attestationOf(this.#instance.signStatement(statement, sign));
    return Buffer.from(JSON.stringify({ version: 1, attestation_bundles: [{ publisher: null, attestations: [attestation] }] }));
  }
}

/** The attestation that PEP 740 makes of a bundle. */
export function attestationOf(bundle: Loose): JsonObject {
  const { certificate, tlogEntries } = bundle.verificationMaterial;
  const { payload, signatures } = bundle.dsseEnvelope;
  return {
    version: 1,
    verification_material: { certificate: certificate.rawBytes, transparency_entries: tlogEntries },
    envelope: { statement: payload, signature: signatures[0].sig },
  };
}

/** SLSA v1 provenance as GitHub's runners make it, for the certificates that `SigstoreInstance` issues. */
export function slsaPredicate(repository = REPOSITORY, commit = "a".repeat(40)): JsonObject {
  const ref = "refs/tags/v1.0.0";
  return {
    buildDefinition: {
      buildType: "https://actions.github.io/buildtypes/workflow/v1",
      externalParameters: { workflow: { ref, repository, path: ".github/workflows/release.yml" } },
      resolvedDependencies: [{ uri: `git+${repository}@${ref}`, digest: { gitCommit: commit } }],
    },
    runDetails: { builder: { id: "https://github.com/actions/runner/github-hosted" } },
  };
}
