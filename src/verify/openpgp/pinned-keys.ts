import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type PublicKey, readKeys } from "openpgp";
import { AssayError } from "../../core/errors.ts";
import { parseFingerprint } from "../../core/fingerprint.ts";
import { quote } from "../../core/quote.ts";
import { OPENPGP_CONFIG } from "./strength.ts";

/** Bytes of one key file. A key with a hundred signatures of others has about 50 KiB. */
const MAX_KEY_FILE_BYTES = 64 * 1024;
/** Files of one key folder. */
const MAX_KEY_FILES = 1000;

const KEY_FILE = /\.(?:asc|gpg|pgp|key)$/i;
const BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
/** A secret has no business here, and would be kept for longer than it should. */
const HOLDS_PRIVATE = "it holds a private key";
const PRIVATE = "-----BEGIN PGP PRIVATE KEY BLOCK-----";

/** A primary key that the operator trusts by its full fingerprint. */
export interface PinnedKey {
  /** 40 or 64 lowercase hexadecimal characters. */
  readonly fingerprint: string;
  readonly key: PublicKey;
  /**
   * When the newest file that holds it was written, in milliseconds since the epoch. A revocation is known only once that file is refreshed,
   * so its age is worth showing.
   */
  readonly fileModifiedAt: number;
}

interface KeyFile {
  readonly path: string;
  readonly modifiedAt: number;
  readonly keys: readonly PublicKey[];
}

/**
 * The keys with these fingerprints from an armored or binary key file, or from a folder of such files (`.asc`, `.gpg`, `.pgp`, `.key`; not below it).
 * Other keys in them are left out: nobody said that they are trusted. A key that is in several files has the revocations of all.
 * Throws CONFIG_INVALID for a fingerprint that is not a full one, one that no file has as a primary key, and a file that cannot be read.
 */
export async function loadPinnedKeys(fileOrFolder: string, fingerprints: readonly string[]): Promise<readonly PinnedKey[]> {
  const wanted = new Set(fingerprints.map(requireFingerprint));
  const files = await Promise.all((await keyFiles(fileOrFolder)).map(readKeyFile));
  const pinned = new Map<string, PinnedKey>();
  for (const { modifiedAt, keys } of files) {
    for (const key of keys) {
      const fingerprint = key.getFingerprint();
      if (!wanted.has(fingerprint)) continue;
      const known = pinned.get(fingerprint);
      pinned.set(fingerprint, {
        fingerprint,
        key: known ? await known.key.update(key, undefined, OPENPGP_CONFIG) : key,
        fileModifiedAt: Math.max(modifiedAt, known?.fileModifiedAt ?? 0),
      });
    }
  }
  return [...wanted].map((fingerprint) => pinned.get(fingerprint) ?? notFound(fingerprint, fileOrFolder, files));
}

/**
 * Every primary key of one file, for whoever hands over the file itself as the word for whom to trust.
 * Throws CONFIG_INVALID for a file that cannot be read, or has no key.
 */
export async function loadKeyFile(path: string): Promise<readonly PinnedKey[]> {
  const { keys } = await readKeyFile(path);
  const fingerprints = keys.map((key) => key.getFingerprint());
  if (fingerprints.length === 0) throw notAKeyFile(path, "it holds no key");
  return loadPinnedKeys(path, fingerprints);
}

function requireFingerprint(text: string): string {
  const fingerprint = parseFingerprint(text);
  if (fingerprint !== undefined) return fingerprint;
  throw new AssayError("CONFIG_INVALID", `expected a full OpenPGP fingerprint of 40 or 64 hexadecimal characters, got ${quote(text)}`, {
    help: "gpg --fingerprint prints it; short key ids can be forged",
  });
}

async function keyFiles(fileOrFolder: string): Promise<readonly string[]> {
  const what = await ask(fileOrFolder, stat(fileOrFolder));
  if (!what.isDirectory()) return [fileOrFolder];
  const names = (await ask(fileOrFolder, readdir(fileOrFolder))).filter((name) => KEY_FILE.test(name)).sort();
  if (names.length <= MAX_KEY_FILES) return names.map((name) => join(fileOrFolder, name));
  throw new AssayError("CONFIG_INVALID", `the key folder ${fileOrFolder} has ${names.length} key files, more than ${MAX_KEY_FILES}`);
}

async function readKeyFile(path: string): Promise<KeyFile> {
  const file = await ask(path, open(path));
  try {
    // One byte past the bound is read at most, whatever the file turns into in the meantime.
    const body = Buffer.alloc(MAX_KEY_FILE_BYTES + 1);
    const { bytesRead } = await ask(path, file.read(body, 0, body.length, 0));
    if (bytesRead > MAX_KEY_FILE_BYTES) {
      throw new AssayError("CONFIG_INVALID", `the key file ${path} has more than ${MAX_KEY_FILE_BYTES} bytes`, {
        help: "export keys with --export-options export-minimal, one file each",
      });
    }
    return { path, modifiedAt: (await file.stat()).mtimeMs, keys: await publicKeys(path, body.subarray(0, bytesRead)) };
  } finally {
    await file.close();
  }
}

async function publicKeys(path: string, body: Buffer): Promise<readonly PublicKey[]> {
  const text = body.toString("latin1");
  if (text.includes(PRIVATE)) throw notAKeyFile(path, HOLDS_PRIVATE);
  try {
    // The library reads only the first armor block of a text.
    const blocks = text.split(BEGIN).slice(1);
    const read =
      blocks.length === 0
        ? await readKeys({ binaryKeys: body, config: OPENPGP_CONFIG })
        : (await Promise.all(blocks.map((block) => readKeys({ armoredKeys: BEGIN + block, config: OPENPGP_CONFIG })))).flat();
    if (read.some((key) => key.isPrivate())) throw new Error(HOLDS_PRIVATE);
    return read;
  } catch (error) {
    throw notAKeyFile(path, error instanceof Error ? error.message : "", error);
  }
}

function notAKeyFile(path: string, why: string, cause?: unknown): AssayError {
  return new AssayError("CONFIG_INVALID", `${path} is not a file of OpenPGP public keys: ${quote(why)}`, { cause });
}

function notFound(fingerprint: string, place: string, files: readonly KeyFile[]): never {
  const primary = files
    .flatMap(({ keys }) => keys)
    .find((key) => key.getSubkeys().some((subkey) => subkey.getFingerprint() === fingerprint));
  throw new AssayError("CONFIG_INVALID", `${place} has no key with the fingerprint ${fingerprint}`, {
    // A subkey alone says nothing about who may replace it.
    help: primary
      ? `it is a subkey; pin its primary key ${primary.getFingerprint()}`
      : "put the public key there, or correct the fingerprint",
  });
}

async function ask<T>(path: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new AssayError("CONFIG_INVALID", `the OpenPGP keys at ${path} cannot be read`, { cause: error });
  }
}
