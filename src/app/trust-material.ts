import { readFile } from "node:fs/promises";
import { AssayError } from "../core/errors.ts";
import type { EcosystemServices } from "../core/ports/ecosystem.ts";
import { keysRequests } from "../ecosystems/npm/document-requests.ts";
import type { RegistryKeySource } from "../verify/registry-signature/ask-for-keys.ts";
import { type BuiltInRegistry, builtInRegistries } from "../verify/registry-signature/built-in-registries.ts";
import { parseRegistryKeys, type RegistryKey } from "../verify/registry-signature/registry-keys.ts";
import { parseTrustRoot, publicTrustRoot, type TrustRoot } from "../verify/sigstore/trust-root.ts";
import type { Config } from "./config.ts";

/** What evidence is checked against, by the name that an upstream is bound to. A bundle never chooses among them. */
export interface TrustMaterial {
  /** Sigstore roots; `public` is built in and works without a network for ever. */
  readonly roots: ReadonlyMap<string, TrustRoot>;
  /** Registry keys from the operator's files. */
  readonly registryKeys: ReadonlyMap<string, readonly RegistryKey[]>;
  /** The registries that Sigstore's TUF repository vouches for, with their keys. */
  readonly builtIn: readonly BuiltInRegistry[];
}

/** Reads the operator's files. Throws CONFIG_INVALID where one cannot be read or is not what it should be. */
export async function readTrustMaterial(config: Pick<Config, "trust">): Promise<TrustMaterial> {
  const roots = new Map([["public", publicTrustRoot()]]);
  const registryKeys = new Map<string, readonly RegistryKey[]>();
  for (const [name, { sigstorePath, npmKeysPath }] of Object.entries(config.trust)) {
    if (sigstorePath !== undefined) roots.set(name, parseTrustRoot(await read(name, sigstorePath), name, sigstorePath));
    if (npmKeysPath !== undefined) registryKeys.set(name, parseRegistryKeys(await read(name, npmKeysPath), { source: npmKeysPath }));
  }
  return { roots, registryKeys, builtIn: builtInRegistries() };
}

/**
 * The keys that an upstream's registry signs with: the operator's file, else those that Sigstore's TUF repository vouches for, else what the registry itself answers.
 * That is only the registry's word for its own keys; but with them it can no more than it could anyway: what it signs is what it serves.
 */
export function registryKeySource({ registryKeys, builtIn }: TrustMaterial, services: EcosystemServices): RegistryKeySource {
  return async (repository, upstream) => {
    const vouched =
      registryKeys.get(upstream.trust ?? "public") ?? builtIn.find(({ registry }) => registry.origin === upstream.url.origin)?.keys;
    if (vouched) return vouched;
    const requests = keysRequests({ name: repository, ecosystem: "npm", upstreams: [upstream] }, services);
    const document = await services.documents.get(requests).catch(noneWhereUnknown);
    return document ? parseRegistryKeys(document.body, { source: `the signing keys of ${upstream.id}` }) : [];
  };
}

/** What registries answer at an address that means nothing to them, beside 404. That of a proxy is not theirs. */
const MEANS_NOTHING: ReadonlySet<number | undefined> = new Set([400, 401, 403, 405, 406, 501]);

/** A registry that hands on another's signatures, and no keys, has none: its packages are as good as unsigned, not unavailable for ever. */
function noneWhereUnknown(error: unknown): undefined {
  const hasNone = error instanceof AssayError && (MEANS_NOTHING.has(error.upstreamStatus) || error.code === "UPSTREAM_CONTENT_TYPE");
  if (!hasNone) throw error;
}

async function read(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new AssayError("CONFIG_INVALID", `trust.${name}: ${path} cannot be read`, { cause: error });
  }
}
