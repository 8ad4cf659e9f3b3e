import type { ManagedKey } from "../sigstore/managed-key.ts";
import type { RegistryKey } from "./registry-keys.ts";

/** A registry's keys as Sigstore bundles ask for them: npm's publish attestations name its key by id. Keys for signatures alone are left out. */
export function attestationKeys(keys: readonly RegistryKey[]): readonly ManagedKey[] {
  return keys
    .filter(({ usage }) => usage !== "npm:signatures")
    .map(({ keyId, key, validFrom, validUntil }) => ({
      name: keyId,
      hint: keyId,
      pem: key.export({ type: "spki", format: "pem" }).toString(),
      ...(validFrom === undefined ? {} : { validFrom }),
      // A registry key ends just before its end, a managed key with it.
      ...(validUntil === undefined ? {} : { validUntil: validUntil - 1 }),
    }));
}
