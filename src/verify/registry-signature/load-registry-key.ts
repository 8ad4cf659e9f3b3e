import { AssayError } from "../../core/errors.ts";
import { quote } from "../../core/quote.ts";
import { parsePublicKey, readKeyFile } from "../public-key-file.ts";
import { parseRegistryKeys, type RegistryKey } from "./registry-keys.ts";

/**
 * The registry's key of this id, from a file of the operator: a PEM file with that key, or a document of registry keys in either shape, of which the others are
 * left out. Several where a document lists it once for each use. Throws CONFIG_INVALID where the file has no such key.
 */
export async function loadRegistryKey(keyId: string, path: string): Promise<readonly RegistryKey[]> {
  const body = await readKeyFile(path);
  const keys = body.includes("-----BEGIN ") ? [fromPem(keyId, body.toString("latin1"), path)] : fromDocument(keyId, body, path);
  if (keys.length > 0) return keys;
  throw new AssayError("CONFIG_INVALID", `${path} has no ECDSA P-256 key with the id ${quote(keyId)}`, {
    help: "give what the registry answers at /-/npm/v1/keys, or the key itself in PEM",
  });
}

function fromPem(keyId: string, pem: string, path: string): RegistryKey {
  const key = parsePublicKey(pem, path);
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1")
    throw new AssayError("CONFIG_INVALID", `the key in ${path} is not ECDSA over P-256, which registries sign with`);
  return { keyId, key, usage: undefined, validFrom: undefined, validUntil: undefined };
}

function fromDocument(keyId: string, body: Buffer, path: string): readonly RegistryKey[] {
  try {
    return parseRegistryKeys(body, { source: path }).filter((key) => key.keyId === keyId);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new AssayError("CONFIG_INVALID", error.message, { cause: error });
  }
}
