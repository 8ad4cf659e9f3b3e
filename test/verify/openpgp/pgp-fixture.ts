import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createMessage,
  enums,
  generateKey,
  type PartialConfig,
  type PrivateKey,
  type PublicKey,
  readPrivateKey,
  sign,
  unarmor,
} from "openpgp";
import type { PinnedKey } from "../../../src/verify/openpgp/pinned-keys.ts";

export const DAY_MS = 86_400_000;
export const NOW = Date.UTC(2026, 5, 1);
export const ARCHIVE = Buffer.from("the bytes of an archive");

type KeyOptions = Partial<Parameters<typeof generateKey>[0]>;

export interface TestKey {
  readonly secret: PrivateKey;
  readonly public: PublicKey;
  readonly revocation: string;
}

/** What generates and uses keys that nobody should: the library would refuse to. */
export const CARELESS: PartialConfig = {
  minRSABits: 1024,
  rejectCurves: new Set(),
  rejectHashAlgorithms: new Set(),
  rejectMessageHashAlgorithms: new Set(),
};

/** Made 100 days before NOW. */
export async function makeKey(options: KeyOptions = {}): Promise<TestKey> {
  const made = await generateKey({
    userIDs: [{ name: "packager", email: "packager@registry.example" }],
    date: new Date(NOW - 100 * DAY_MS),
    ...options,
    format: "armored",
  });
  const secret = await readPrivateKey({ armoredKey: made.privateKey, config: CARELESS });
  return { secret, public: secret.toPublic(), revocation: made.revocationCertificate };
}

export function pin(key: PublicKey): PinnedKey {
  return { fingerprint: key.getFingerprint(), key, fileModifiedAt: NOW };
}

interface SignOptions {
  readonly keys: readonly TestKey[];
  readonly bytes?: Buffer;
  readonly date?: number;
  readonly config?: PartialConfig;
}

/** A detached armored signature over the archive, dated a day before NOW. */
export async function makeSignature({ keys, bytes = ARCHIVE, date = NOW - DAY_MS, config = {} }: SignOptions): Promise<Buffer> {
  const signature = await sign({
    message: await createMessage({ binary: new Uint8Array(bytes) }),
    signingKeys: keys.map(({ secret }) => secret),
    detached: true,
    date: new Date(date),
    config: { ...CARELESS, ...config },
  });
  return Buffer.from(signature);
}

/** The packets within the armor. */
export async function binaryOf(armored: Buffer): Promise<Buffer> {
  const { data } = await unarmor(armored.toString("latin1"));
  return Buffer.from(data as Uint8Array);
}

/** A signature that says of itself that it is of this version, or over this hash; otherwise as it was. */
export async function patched(armored: Buffer, change: { readonly version?: number; readonly hash?: enums.hash }): Promise<Buffer> {
  const packets = await binaryOf(armored);
  // Packet header of two or three bytes, then version, type, key algorithm, hash algorithm.
  const body = packets.findIndex((byte, at) => at > 1 && (byte === 4 || byte === 6) && packets[at + 1] === enums.signature.binary);
  if (change.version !== undefined) packets[body] = change.version;
  if (change.hash !== undefined) packets[body + 3] = change.hash;
  return packets;
}

export function makeFolder(): {
  readonly path: (name: string) => string;
  readonly write: (name: string, body: string | Uint8Array) => string;
  readonly remove: () => void;
} {
  const folder = mkdtempSync(join(tmpdir(), "assay-pgp-"));
  const path = (name: string) => join(folder, name);
  const write = (name: string, body: string | Uint8Array) => {
    writeFileSync(path(name), body);
    return path(name);
  };
  return { path, write, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
