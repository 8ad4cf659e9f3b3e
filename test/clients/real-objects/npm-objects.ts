import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AttestedPackage } from "../../support/attested-registry.ts";
import type { RealArchives } from "../../support/real-archives.ts";
import { sharedData } from "../../support/shared-data.ts";
import type { Loose } from "../../support/sigstore-instance.ts";

/** What must come of a real npm object, served with the archive that it is about. */
export interface NpmObject {
  /** File name in the data, below `bundles/`, or `NAME@VERSION` of a registry signature. */
  readonly object: string;
  readonly name: string;
  readonly version: string;
  readonly outcome:
    | { readonly kind: "admitted"; readonly level: "L1" | "L2"; readonly signers: readonly string[] }
    | { readonly kind: "refused"; readonly code: string };
}

/** npm's key until the beginning of 2025, which signed everything here. */
export const NPM_KEY = "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA";
const SIGSTORE_040 = { name: "sigstore", version: "0.4.0" } as const;
const workflowOf = (repository: string, workflow: string): string => `https://github.com/${repository}/.github/workflows/${workflow}`;
const SIGSTORE_JS = workflowOf("sigstore/sigstore-js", "publish.yml");

const refused = (code: string): NpmObject["outcome"] => ({ kind: "refused", code });
const signedByNpm = { kind: "admitted", level: "L1", signers: [NPM_KEY] } as const;

export const NPM_OBJECTS: readonly NpmObject[] = [
  {
    object: "npm+pacote__valid-attestations.json",
    ...SIGSTORE_040,
    outcome: { kind: "admitted", level: "L1", signers: [SIGSTORE_JS, NPM_KEY] },
  },
  {
    object: "npm+cli__valid-sigstore-attestations.json",
    name: "sigstore",
    version: "1.0.0",
    outcome: { kind: "admitted", level: "L1", signers: [SIGSTORE_JS, NPM_KEY] },
  },
  {
    object: "npm+cli__valid-tuf-js-attestations.json",
    name: "tuf-js",
    version: "1.0.0",
    outcome: { kind: "admitted", level: "L1", signers: [workflowOf("theupdateframework/tuf-js", "publish.yml"), NPM_KEY] },
  },
  {
    object: "sigstore+sigstore-go__sigstore.js@2.0.0-provenance.sigstore.json",
    name: "sigstore",
    version: "2.0.0",
    outcome: { kind: "admitted", level: "L2", signers: [workflowOf("sigstore/sigstore-js", "release.yml")] },
  },
  // The log recorded something else than the edited document, which is found before anything in the document is looked at.
  { object: "npm+pacote__mismatched-subject-digest-attestations.json", ...SIGSTORE_040, outcome: refused("LOG_ENTRY_INVALID") },
  { object: "npm+pacote__mismatched-subject-name-attestations.json", ...SIGSTORE_040, outcome: refused("LOG_ENTRY_INVALID") },
  // Their signatures were edited into text that is no base64, which other verifiers decode all the same.
  { object: "npm+pacote__invalid-attestations.json", ...SIGSTORE_040, outcome: refused("BUNDLE_MALFORMED") },
  { object: "npm+pacote__no-keyid-attestations.json", ...SIGSTORE_040, outcome: refused("BUNDLE_MALFORMED") },
  // Its envelope names a key for what a certificate signed: npm's client and Sigstore would verify it differently.
  { object: "npm+pacote__mismatched-keyid-attestations.json", ...SIGSTORE_040, outcome: refused("CLAIM_CONFLICT") },
  { object: "async@2.5.0", name: "async", version: "2.5.0", outcome: signedByNpm },
  { object: "node-fetch@1.7.1", name: "node-fetch", version: "1.7.1", outcome: signedByNpm },
  { object: "@npmcli/arborist@1.0.14", name: "@npmcli/arborist", version: "1.0.14", outcome: signedByNpm },
  // The archive of this one cannot be had any more, so its signature goes with another archive, which it does not cover.
  { object: "venv@0.1.0", name: "venv", version: "0.1.0", outcome: refused("SIGNATURE_INVALID") },
];

export const NPM_DATA = sharedData("npm");
const readData = (path: string): Loose => JSON.parse(readFileSync(join(NPM_DATA ?? "", path), "utf8"));

/** The registry's keys as its keys endpoint answers them. */
export function endpointKeys(): readonly Loose[] {
  return readData("manifest.json")
    .keys.filter(({ keyUsage }: Loose) => keyUsage === "npm:signatures")
    .map(({ keyId, publicKey }: Loose) => ({
      expires: publicKey.validFor.end ?? null,
      keyid: keyId,
      keytype: "ecdsa-sha2-nistp256",
      scheme: "ecdsa-sha2-nistp256",
      key: publicKey.rawBytes,
    }));
}

/** Every object's name in the data. */
export function npmObjectNames(): readonly string[] {
  const { bundles, registrySignatures } = readData("manifest.json");
  return [
    ...bundles.map(({ file }: Loose) => file.replace("bundles/", "")),
    ...registrySignatures.map(({ name, version }: Loose) => `${name}@${version}`),
  ];
}

/** Each object with the archive that it is about, fetched by its digest; with `standIn` where that cannot be had. To be asked by the object's name. */
export async function realPackages(
  archives: RealArchives,
  standIn: (name: string, version: string) => Buffer,
): Promise<(object: string) => AttestedPackage> {
  const { bundles, registrySignatures } = readData("manifest.json");
  const packages = new Map<string, AttestedPackage>();
  for (const { object, name, version } of NPM_OBJECTS) {
    const bundle = bundles.find(({ file }: Loose) => file === `bundles/${object}`);
    if (bundle) {
      const sha512 = bundle.attestations[0].sha512;
      packages.set(object, {
        name,
        version,
        bytes: await archives.tarball(name, version, sha512),
        attestations: documentOf(readData(bundle.file)),
      });
      continue;
    }
    const { integrity, keyid, sig, download } = registrySignatures.find((each: Loose) => `${each.name}@${each.version}` === object);
    const sha512 = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
    const bytes = download.downloadable ? await archives.tarball(name, version, sha512) : standIn(name, version);
    packages.set(object, { name, version, bytes, signatures: [{ keyid, sig }] });
  }
  return (object) => {
    const found = packages.get(object);
    if (!found) throw new Error(`the data has no ${object}`);
    return found;
  };
}

/** A bundle that stands alone, as the attestations endpoint would answer it. */
function documentOf(json: Loose): Loose {
  if (json.attestations) return json;
  const { predicateType } = JSON.parse(Buffer.from(json.dsseEnvelope.payload, "base64").toString("utf8"));
  return { attestations: [{ predicateType, bundle: json }] };
}
