import { readFile } from "node:fs/promises";
import { AssayError } from "../core/errors.ts";
import type { Documents } from "../core/ports/documents.ts";
import type { EcosystemServices, Repository } from "../core/ports/ecosystem.ts";
import { keysRequests } from "../ecosystems/npm/document-requests.ts";
import { parseRegistryKeys, type RegistryKey } from "../verify/registry-signature/registry-keys.ts";
import { parseTrustRoot, publicTrustRoot, type TrustRoot } from "../verify/sigstore/trust-root.ts";
import type { Config } from "./config.ts";

/** What evidence is checked against, by the name that an upstream is bound to. A bundle never chooses among them. */
export interface TrustMaterial {
  /** Sigstore roots; `public` is built in and works without a network for ever. */
  readonly roots: ReadonlyMap<string, TrustRoot>;
  /**
   * The keys that a repository's registry signs with: the operator's file where there is one, else what the registry itself answers. Empty where it has none.
   * Throws what `Documents` throws.
   */
  registryKeys(repository: Repository, trust: string): Promise<readonly RegistryKey[]>;
}

/** Reads the operator's files. Throws CONFIG_INVALID where one cannot be read or is not what it should be. */
export async function readTrustMaterial(config: Pick<Config, "trust">): Promise<Omit<TrustMaterial, "registryKeys"> & { keysOf(services: EcosystemServices): TrustMaterial["registryKeys"] }> {
  const roots = new Map([["public", publicTrustRoot()]]);
  const fixedKeys = new Map<string, readonly RegistryKey[]>();
  for (const [name, { sigstorePath, npmKeysPath }] of Object.entries(config.trust)) {
    if (sigstorePath !== undefined) roots.set(name, parseTrustRoot(await read(name, sigstorePath), name, sigstorePath));
    if (npmKeysPath !== undefined) fixedKeys.set(name, parseRegistryKeys(await read(name, npmKeysPath), { source: npmKeysPath }));
  }
  return {
    roots,
    keysOf: (services) => async (repository, trust) => fixedKeys.get(trust) ?? publishedKeys(repository, services),
  };
}

/** The registry's word for its own keys. It can no more than the registry could anyway: what it signs is what it serves. */
async function publishedKeys(repository: Repository, services: EcosystemServices): Promise<readonly RegistryKey[]> {
  const document = await (services.documents satisfies Documents).get(keysRequests(repository, services));
  return document ? parseRegistryKeys(document.body, { source: `the signing keys of ${repository.name}` }) : [];
}

async function read(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new AssayError("CONFIG_INVALID", `trust.${name}: ${path} cannot be read`, { cause: error });
  }
}
