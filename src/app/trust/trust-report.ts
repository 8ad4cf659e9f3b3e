import type { TrustStatus } from "../../core/ports/trust.ts";
import type { RegistryKey } from "../../verify/registry-signature/registry-keys.ts";
import { type Authority, describeRoot } from "../../verify/sigstore/describe-root.ts";
import type { TufRole } from "../../verify/tuf/roles.ts";
import type { LoadedTrust } from "./load-trust.ts";
import { rolesOf, trustStatus } from "./trust-status.ts";

/** A registry's key, as it is told of. */
export interface ReportedKey extends Pick<RegistryKey, "keyId" | "usage" | "validFrom" | "validUntil"> {
  /** Whose key it is: the registry's address, or `any upstream of this name` for keys of the operator's file. */
  readonly registry: string;
}

/** All that is known of the material of one name. */
export interface TrustReport {
  readonly status: TrustStatus;
  readonly authorities: readonly Authority[];
  readonly keys: readonly ReportedKey[];
  /** The TUF metadata that the root rests on. */
  readonly metadata: readonly TufRole[];
}

export function trustReport(loaded: LoadedTrust, now: number): TrustReport {
  const { root, registries, registryKeys = [], tuf } = loaded;
  const reported = (registry: string, keys: readonly RegistryKey[]): ReportedKey[] =>
    keys.map(({ keyId, usage, validFrom, validUntil }) => ({ registry, keyId, usage, validFrom, validUntil }));
  return {
    status: trustStatus(loaded, now),
    authorities: root ? describeRoot(root) : [],
    keys: [
      ...reported("any upstream of this name", registryKeys),
      ...registries.flatMap(({ registry, keys }) => reported(registry.href, keys)),
    ],
    metadata: tuf ? rolesOf(loaded) : [],
  };
}
