import type { Policy, SignerRule } from "../core/policy.ts";
import { readKeyFile } from "../verify/public-key-file.ts";
import { type VsaKey, vsaKeyIn } from "../verify/vsa/vsa-key.ts";

type MirrorRule = Extract<SignerRule, { kind: "vsa" }> & { readonly keysPath: string };

/** The ids of the keys of other Assays that a policy names with a file to take them from. */
export function mirrorKeyIds(policy: Pick<Policy, "signers">): ReadonlySet<string> {
  return new Set(rulesWithKeys(policy).map(({ keyId }) => keyId));
}

/** Those keys. The id in the policy says which key is meant, so another one that was put into the file is not taken. Throws CONFIG_INVALID where a file cannot be used. */
export async function mirrorKeysOf(policy: Pick<Policy, "signers">): Promise<readonly VsaKey[]> {
  const loads = rulesWithKeys(policy).map(async ({ keyId, keysPath }) =>
    vsaKeyIn(keysPath, (await readKeyFile(keysPath)).toString(), keyId),
  );
  return Promise.all(loads);
}

function rulesWithKeys({ signers }: Pick<Policy, "signers">): readonly MirrorRule[] {
  return [...signers.values()].filter((rule): rule is MirrorRule => rule.kind === "vsa" && rule.keysPath !== undefined);
}
