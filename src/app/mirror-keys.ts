import { open } from "node:fs/promises";
import { AssayError } from "../core/errors.ts";
import type { Policy, SignerRule } from "../core/policy.ts";
import { type VsaKey, vsaKeyIn } from "../verify/vsa/vsa-key.ts";

/** Bytes of one key file. A key in PEM has some 200. */
const MAX_KEY_FILE_BYTES = 64 * 1024;

type MirrorRule = Extract<SignerRule, { kind: "vsa" }> & { readonly keysPath: string };

/** The ids of the keys of other Assays that a policy names with a file to take them from. */
export function mirrorKeyIds(policy: Pick<Policy, "signers">): ReadonlySet<string> {
  return new Set(rulesWithKeys(policy).map(({ keyId }) => keyId));
}

/** Those keys. The id in the policy says which key is meant, so another one that was put into the file is not taken. Throws CONFIG_INVALID where a file cannot be used. */
export async function mirrorKeysOf(policy: Pick<Policy, "signers">): Promise<readonly VsaKey[]> {
  const loads = rulesWithKeys(policy).map(async ({ keyId, keysPath }) => vsaKeyIn(keysPath, await readKeyFile(keysPath), keyId));
  return Promise.all(loads);
}

function rulesWithKeys({ signers }: Pick<Policy, "signers">): readonly MirrorRule[] {
  return [...signers.values()].filter((rule): rule is MirrorRule => rule.kind === "vsa" && rule.keysPath !== undefined);
}

async function readKeyFile(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      // One byte past the bound is read at most, whatever the file turns into in the meantime.
      const body = Buffer.alloc(MAX_KEY_FILE_BYTES + 1);
      const { bytesRead } = await file.read(body, 0, body.length, 0);
      if (bytesRead > MAX_KEY_FILE_BYTES)
        throw new AssayError("CONFIG_INVALID", `the key file ${path} has more than ${MAX_KEY_FILE_BYTES} bytes`);
      return body.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw new AssayError("CONFIG_INVALID", `the key file ${path} cannot be read`, { cause: error });
  }
}
