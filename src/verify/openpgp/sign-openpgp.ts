import { createMessage, decryptKey, enums, type PrivateKey, readPrivateKey, sign } from "openpgp";
import { AssayError } from "../../core/errors.ts";
import { quote } from "../../core/quote.ts";
import { OPENPGP_CONFIG, weakKey } from "./strength.ts";

/** A private key that is ready to sign. */
export interface OpenpgpSigner {
  /** Of the primary key: 40 or 64 lowercase hexadecimal characters. */
  readonly fingerprint: string;
  /** A detached, armored signature over `bytes`. */
  sign(bytes: Buffer): Promise<string>;
}

export interface SigningKeyFile {
  /** The armored private key. */
  readonly armored: string;
  readonly passphrase: string | undefined;
  /** What the file is called in messages. */
  readonly source: string;
}

/**
 * Reads one armored OpenPGP private key. Throws CONFIG_INVALID for a file that is none, a passphrase that is missing or wrong, and a key whose signatures nobody would accept: too weak,
 * expired or revoked.
 */
export async function readOpenpgpSigner({ armored, passphrase, source }: SigningKeyFile, now: number): Promise<OpenpgpSigner> {
  const fail = (why: string, help?: string): AssayError =>
    new AssayError("CONFIG_INVALID", `${source} cannot sign: ${why}`, help === undefined ? {} : { help });
  const read = await readPrivateKey({ armoredKey: armored, config: OPENPGP_CONFIG }).catch((error: unknown) => {
    throw fail(
      `it is not an armored OpenPGP private key (${quote(messageOf(error))})`,
      "gpg --armor --export-secret-keys FINGERPRINT writes one",
    );
  });
  const weak = weakKey(read);
  if (weak !== undefined) throw fail(weak);
  const key = await unlocked(read, passphrase, fail);
  await key.getSigningKey(undefined, new Date(now), undefined, OPENPGP_CONFIG).catch((error: unknown) => {
    throw fail(quote(messageOf(error)));
  });
  const config = { ...OPENPGP_CONFIG, preferredHashAlgorithm: enums.hash.sha512 };
  return {
    fingerprint: key.getFingerprint(),
    sign: async (bytes) =>
      String(
        await sign({
          message: await createMessage({ binary: bytes }),
          signingKeys: key,
          detached: true,
          format: "armored",
          date: new Date(now),
          config,
        }),
      ),
  };
}

async function unlocked(
  key: PrivateKey,
  passphrase: string | undefined,
  fail: (why: string, help?: string) => AssayError,
): Promise<PrivateKey> {
  if (key.isDecrypted()) return key;
  const help = "give it in a file or an environment variable: --gpg-passphrase-file, --gpg-passphrase-env";
  if (passphrase === undefined) throw fail("it is locked with a passphrase", help);
  return decryptKey({ privateKey: key, passphrase, config: OPENPGP_CONFIG }).catch(() => {
    throw fail("the passphrase does not open it");
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
