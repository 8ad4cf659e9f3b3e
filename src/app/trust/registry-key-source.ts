import type { EcosystemServices } from "../../core/ports/ecosystem.ts";
import type { Upstream } from "../../core/ports/upstream-client.ts";
import { meansNothing } from "../../core/signed-source.ts";
import { keysRequests } from "../../ecosystems/npm/document-requests.ts";
import { keyFingerprint } from "../../verify/key-fingerprint.ts";
import type { RegistryKeySource } from "../../verify/registry-signature/ask-for-keys.ts";
import { parseRegistryKeys, type RegistryKey } from "../../verify/registry-signature/registry-keys.ts";
import type { LiveTrust } from "./live-trust.ts";
import { PUBLIC } from "./load-trust.ts";

type Trust = Pick<LiveTrust, "operatorKeys" | "registries">;

/**
 * The keys that an upstream's registry signs with: those that the policy names with a file (`pinned`), then the operator's file, else those that Sigstore's TUF repository vouches for, else what the registry itself answers.
 * That is only the registry's word for its own keys; but with them it can no more than it could anyway: what it signs is what it serves.
 */
export function registryKeySource(
  { trust, pinned }: { readonly trust: Trust; readonly pinned: () => readonly RegistryKey[] },
  services: EcosystemServices,
): RegistryKeySource {
  const vouched = (upstream: Upstream): readonly RegistryKey[] | undefined =>
    trust.operatorKeys(upstream.trust ?? PUBLIC) ?? trust.registries.find(({ registry }) => registry.origin === upstream.url.origin)?.keys;
  const ask = async (repository: string, upstream: Upstream): Promise<readonly RegistryKey[]> => {
    const requests = keysRequests({ name: repository, ecosystem: "npm", upstreams: [upstream] }, services);
    const document = await services.documents.get(requests).catch(noneWhereUnknown);
    return document ? parseRegistryKeys(document.body, { source: `the signing keys of ${upstream.id}` }) : [];
  };
  return {
    fingerprint: (upstream) => {
      const known = vouched(upstream);
      return `${keyFingerprint(pinned())} ${known ? keyFingerprint(known) : "asked"}`;
    },
    keysOf: async (repository, upstream) => {
      const own = pinned();
      const others = vouched(upstream) ?? (await ask(repository, upstream));
      // Anybody can give a key any id. Where the policy says which key goes by one, no other does.
      return [...own, ...others.filter(({ keyId }) => !own.some((key) => key.keyId === keyId))];
    },
  };
}

/** A registry that hands on another's signatures, and no keys, has none: its packages are as good as unsigned, not unavailable for ever. */
function noneWhereUnknown(error: unknown): undefined {
  if (!meansNothing(error)) throw error;
}
