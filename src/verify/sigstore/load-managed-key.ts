import { AssayError } from "../../core/errors.ts";
import { parsePublicKey, readKeyFile } from "../public-key-file.ts";
import { BundleFinding } from "./bundle-finding.ts";
import { checkKeyStrength } from "./key-strength.ts";
import type { ManagedKey } from "./managed-key.ts";

/**
 * A key for bundles without a certificate, from a PEM file of the operator, under the name that the policy gives it. It serves bundles with any hint: hints are not
 * signed. Throws CONFIG_INVALID for a file that holds anything else, a private key too, and for a key that is too weak to count.
 */
export async function loadManagedKey(name: string, path: string): Promise<ManagedKey> {
  const pem = (await readKeyFile(path)).toString("latin1");
  try {
    checkKeyStrength(parsePublicKey(pem, path), `the key in ${path}`);
  } catch (error) {
    if (error instanceof BundleFinding) throw new AssayError("CONFIG_INVALID", error.finding.detail, { cause: error });
    throw error;
  }
  return { name, pem };
}
