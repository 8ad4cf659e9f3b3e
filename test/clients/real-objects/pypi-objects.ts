import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AttestedDistribution } from "../../support/attested-registry.ts";
import type { RealArchives } from "../../support/real-archives.ts";
import { sharedData } from "../../support/shared-data.ts";
import type { Loose } from "../../support/sigstore-instance.ts";

/** What must come of a real PEP 740 object, served beside the archive that it attests. */
export interface PypiObject {
  /** File name in the data, below `valid/`. */
  readonly object: string;
  /** The signer's subject alternative name, without the ref that a workflow's ends in. */
  readonly identity: string;
  readonly level: "L1" | "L2";
  /** The trust root that its upstream is bound to. Under any other it is refused. */
  readonly trust: "public" | "staging";
}

const workflowOf = (repository: string): string => `https://github.com/${repository}/.github/workflows/release.yml`;
const COMPUTE = "919436158236-compute@developer.gserviceaccount.com";
const ABI3INFO = { identity: workflowOf("woodruffw/abi3info"), level: "L1", trust: "public" } as const;
const PYPI_ATTESTATIONS = { identity: workflowOf("trailofbits/pypi-attestations"), level: "L1", trust: "public" } as const;
const SAMPLEPROJECT = { identity: workflowOf("pypa/sampleproject"), level: "L1", trust: "public" } as const;
// Made for the tests of its own project, with the staging instance.
const RFC8785 = { identity: "william@yossarian.net", level: "L1", trust: "staging" } as const;

/** Every real object. A publish attestation makes L1: it says who uploaded, not how it was built. */
export const PYPI_OBJECTS: readonly PypiObject[] = [
  { object: "abi3info-2024.10.3-py3-none-any.whl.provenance", ...ABI3INFO },
  { object: "abi3info-2024.10.8-py3-none-any.whl.provenance", ...ABI3INFO },
  { object: "abi3info-2024.10.8.tar.gz.provenance", ...ABI3INFO },
  { object: "gcb_attestation_test-0.0.0.tar.gz.provenance", identity: COMPUTE, level: "L1", trust: "public" },
  { object: "pypi_attestations-0.0.16.tar.gz.attestation", ...PYPI_ATTESTATIONS },
  { object: "pypi_attestations-0.0.19.tar.gz.provenance", ...PYPI_ATTESTATIONS },
  { object: "pypi_attestations-0.0.19.tar.gz.publish.attestation", ...PYPI_ATTESTATIONS },
  { object: "pypi_attestations-0.0.19.tar.gz.slsa.attestation", ...PYPI_ATTESTATIONS, level: "L2" },
  { object: "pypi_attestations-0.0.28.tar.gz.publish.attestation", ...PYPI_ATTESTATIONS, identity: workflowOf("pypi/pypi-attestations") },
  { object: "rfc8785-0.1.2-py3-none-any.whl.attestation", ...RFC8785 },
  { object: "rfc8785-0.1.2-py3-none-any.whl.publish.attestation", ...RFC8785 },
  // Signed by somebody who has nothing to do with the project: right as cryptography, wrong by any policy that names signers.
  { object: "sampleproject-3.0.0.tar.gz.publish.attestation", identity: COMPUTE, level: "L1", trust: "public" },
  { object: "sampleproject-4.0.0-py3-none-any.whl.publish.attestation", ...SAMPLEPROJECT },
  { object: "sampleproject-4.0.0.tar.gz.provenance", ...SAMPLEPROJECT },
];

export const PYPI_DATA = sharedData("pypi");

/** `trust` of a configuration that knows the staging instance too, and asks nobody for newer roots. */
export const STAGING_TRUST = `{public: {tuf: off}, staging: {sigstore: "${PYPI_DATA}/trusted_root.staging.json"}}`;

export interface RealDistribution extends AttestedDistribution {
  readonly provenance: Buffer;
}

/** The archive of each object, fetched by its digest, with a provenance object around attestations that stand alone. To be asked by the object's name. */
export async function realDistributions(archives: RealArchives): Promise<(object: string) => RealDistribution> {
  const manifest: Loose = JSON.parse(readFileSync(join(PYPI_DATA ?? "", "manifest.json"), "utf8"));
  const distributions = new Map<string, RealDistribution>();
  for (const entry of manifest.entries) {
    const [{ project, version, subject: file, sha256, derived_publisher: publisher }] = entry.attestations;
    const body = readFileSync(join(PYPI_DATA ?? "", entry.file));
    const provenance = entry.object === "provenance" ? body : provenanceAround(JSON.parse(body.toString("utf8")), publisher);
    const bytes = await archives.distribution(project, file, sha256);
    distributions.set(entry.file.replace("valid/", ""), { project, version, file, bytes, provenance });
  }
  return (object) => {
    const found = distributions.get(object);
    if (!found) throw new Error(`the data has no ${object}`);
    return found;
  };
}

function provenanceAround(attestation: Loose, publisher: Loose): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, attestation_bundles: [{ publisher, attestations: [attestation] }] }));
}
