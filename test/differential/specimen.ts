import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { attestationKeys } from "../../src/verify/registry-signature/attestation-keys.ts";
import { parseRegistryKeys } from "../../src/verify/registry-signature/registry-keys.ts";
import type { ManagedKey } from "../../src/verify/sigstore/managed-key.ts";
import type { TrustRoot } from "../../src/verify/sigstore/trust-root.ts";
import { sharedData } from "../support/shared-data.ts";
import { ecKeys, type Loose, type SignOptions, type SigstoreInstance } from "../support/sigstore-instance.ts";
import type { OracleRequest } from "./oracle.ts";

/** A signed document that everybody accepts, and what it is checked against. Mutants are made of it. */
export interface Specimen {
  readonly name: string;
  readonly kind: OracleRequest["kind"];
  readonly json: Loose;
  readonly root: TrustRoot;
  readonly digests: OracleRequest["digests"];
  readonly file: string;
  readonly keys: readonly ManagedKey[];
}

/** What real indexes and registries published; none where the data is not on this machine. */
export function realSpecimens(rootNamed: (name: "public" | "staging") => TrustRoot): readonly Specimen[] {
  return [...pypiSpecimens(rootNamed), ...npmSpecimens(rootNamed)];
}

function pypiSpecimens(rootNamed: (name: "public" | "staging") => TrustRoot): readonly Specimen[] {
  const folder = sharedData("pypi");
  if (folder === undefined) return [];
  return readJson(join(folder, "manifest.json")).entries.map(({ file, object, attestations }: Loose): Specimen => {
    const [{ subject, sha256 }] = attestations;
    // Two were made by the staging instance, for the tests of their own project.
    const root = rootNamed(file.includes("rfc8785") ? "staging" : "public");
    return { name: file, kind: object, json: readJson(join(folder, file)), root, digests: { sha256 }, file: subject, keys: [] };
  });
}

function npmSpecimens(rootNamed: (name: "public") => TrustRoot): readonly Specimen[] {
  const folder = sharedData("npm");
  if (folder === undefined) return [];
  const { bundles, keys } = readJson(join(folder, "manifest.json"));
  const known = attestationKeys(parseRegistryKeys(Buffer.from(JSON.stringify({ keys })), { source: "the real keys" }));
  return bundles
    .filter(({ altered }: Loose) => altered !== true)
    .flatMap(({ file, attestations }: Loose): readonly Specimen[] => {
      const document = readJson(join(folder, file));
      const listed: readonly Loose[] = document.attestations?.map(({ bundle }: Loose) => bundle) ?? [document];
      return listed.map((json, index) => {
        const { subject, sha512 } = attestations[index];
        const root = rootNamed("public");
        return {
          name: `${file} ${index}`,
          kind: "bundle",
          json,
          root,
          digests: { sha512: [sha512].flat()[0] },
          file: subject,
          keys: known,
        };
      });
    });
}

function readJson(path: string): Loose {
  return JSON.parse(readFileSync(path, "utf8"));
}

export const FILE = "tool-1.0.0.tar.gz";
const ARTIFACTS = [Buffer.from("the archive"), Buffer.from("another archive")] as const;
const MANAGED = ecKeys();
const MANAGED_KEY: ManagedKey = { name: "ours", hint: "ours", pem: MANAGED.publicKey.export({ type: "spki", format: "pem" }).toString() };

/** A private instance's bundles of all kinds, for two archives, so that parts of one can be put into another that the same authorities made. */
export function privateSpecimens(instance: SigstoreInstance, root: TrustRoot): readonly Specimen[] {
  const ways: readonly SignOptions[] = [
    {},
    { log: "rekor2" },
    { timestamps: 1 },
    { at: instance.now + 60_000, timestamps: 2 },
    { managedKey: MANAGED, hint: "ours" },
  ];
  return ARTIFACTS.flatMap((artifact) => {
    const sha256 = createHash("sha256").update(artifact).digest("hex");
    const about = { kind: "bundle", root, digests: { sha256 }, file: FILE, keys: [MANAGED_KEY] } as const;
    return ways.flatMap((options, way): readonly Specimen[] => [
      { ...about, name: `private message ${way}`, json: instance.signMessage(artifact, options) },
      { ...about, name: `private statement ${way}`, json: instance.signStatement(statementAbout(sha256), options) },
      {
        ...about,
        name: `private intoto ${way}`,
        json: instance.signStatement(statementAbout(sha256), { ...options, statementEntry: "intoto" }),
      },
    ]);
  });
}

export function statementAbout(sha256: string): Loose {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: FILE, digest: { sha256 } }],
    predicateType: "https://docs.pypi.org/attestations/publish/v1",
    predicate: {},
  };
}
