import { AssayError } from "../core/errors.ts";
import type { Policy } from "../core/policy.ts";
import { quote } from "../core/quote.ts";
import { loadRegistryKey } from "../verify/registry-signature/load-registry-key.ts";
import type { RegistryKey } from "../verify/registry-signature/registry-keys.ts";
import { loadManagedKey } from "../verify/sigstore/load-managed-key.ts";
import type { ManagedKey } from "../verify/sigstore/managed-key.ts";

/** The keys that a policy names together with a file. */
export interface PolicyKeys {
  /** Of `key:` signers: for Sigstore bundles without a certificate. */
  readonly managed: readonly ManagedKey[];
  /** Of `registry_key:` signers. */
  readonly registry: readonly RegistryKey[];
}

/** Throws CONFIG_INVALID where a file cannot be used: then nobody would know whose signature it is that the policy asks for. */
export async function loadPolicyKeys({ signers }: Pick<Policy, "signers">): Promise<PolicyKeys> {
  const managed: ManagedKey[] = [];
  const registry: RegistryKey[] = [];
  const files = new Map<string, string>();
  for (const signer of signers.values()) {
    if ((signer.kind !== "key" && signer.kind !== "registry") || signer.keysPath === undefined) continue;
    const id = `${signer.kind} ${signer.keyId}`;
    const file = files.get(id) ?? signer.keysPath;
    // A signature is known by the id of its key: with two keys for one, each of them would pass for the other.
    if (file !== signer.keysPath)
      throw new AssayError(
        "CONFIG_INVALID",
        `${signer.at}: the key id ${quote(signer.keyId)} stands for ${file} already, and not for ${signer.keysPath}`,
      );
    if (files.has(id)) continue;
    files.set(id, file);
    if (signer.kind === "key") managed.push(await loadManagedKey(signer.keyId, signer.keysPath));
    else registry.push(...(await loadRegistryKey(signer.keyId, signer.keysPath)));
  }
  return { managed, registry };
}
