import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { createMessage, type PublicKey, type Subkey, verify } from "openpgp";
import { AssayError } from "../../core/errors.ts";
import type { FindingCode } from "../../core/evidence.ts";
import { type Checked, found, passed } from "../../core/finding.ts";
import { quote } from "../../core/quote.ts";
import type { Signer } from "../../core/signer.ts";
import { type DetachedSignature, readDetachedSignature } from "./detached-signature.ts";
import type { PinnedKey } from "./pinned-keys.ts";
import { OPENPGP_CONFIG, weakHash, weakKey } from "./strength.ts";

export interface OpenpgpRequest {
  /** Detached, armored or binary. */
  readonly signature: Buffer;
  /** The archive, which is read as a stream. */
  readonly archivePath: string;
  /** The only keys that count. */
  readonly keys: readonly PinnedKey[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /**
   * `refuse` (the default): a key that has expired signs nothing, since the date in a signature is the signer's own and a stolen old key can
   * say any. `valid-at-signing`: believe that date.
   */
  readonly expiredKeys?: "refuse" | "valid-at-signing";
}

export interface OpenpgpSignature {
  readonly signer: Extract<Signer, { readonly kind: "openpgp" }>;
  /** As the signer says. Milliseconds since the epoch. */
  readonly signedAt: number;
}

/**
 * Checks a detached OpenPGP signature over an archive's bytes. KEY_UNKNOWN means that nobody pinned its key; it says nothing about the signature.
 * KEY_EXPIRED, KEY_REVOKED, ALGORITHM_WEAK, SIGNATURE_INVALID, BUNDLE_MALFORMED, BUNDLE_UNSUPPORTED and BUNDLE_LIMIT mean that it proves nothing.
 * Throws STORE_IO when the archive cannot be read. Safe to call concurrently.
 */
export async function verifyOpenpgp(request: OpenpgpRequest): Promise<Checked<OpenpgpSignature>> {
  const read = await readDetachedSignature(request.signature);
  if (!read.ok) return read;
  const candidates = request.keys.filter((pinned) => signingKey(pinned.key, read.value) !== undefined);
  const keyId = read.value.packet.issuerKeyID.toHex();
  if (candidates.length === 0)
    return found("KEY_UNKNOWN", `it is made by the key ${keyId}, which is none of the ${request.keys.length} trusted ones`);
  let answer: Checked<OpenpgpSignature> = found("KEY_UNKNOWN", `it is made by the key ${keyId}`);
  // Key ids have 64 bits and can collide: whichever of the pinned keys verifies is the signer.
  for (const pinned of candidates) {
    answer = await verifyWith(pinned, read.value, request);
    if (answer.ok) return answer;
  }
  return answer;
}

/** The primary key or subkey that the signature names. A name only: whether it made it is still to be shown. */
function signingKey(key: PublicKey, { packet }: DetachedSignature): PublicKey | Subkey | undefined {
  const named = packet.issuerFingerprint === null ? undefined : Buffer.from(packet.issuerFingerprint).toString("hex");
  return key.getKeys(packet.issuerKeyID).find((each) => named === undefined || each.getFingerprint() === named);
}

async function verifyWith(pinned: PinnedKey, read: DetachedSignature, request: OpenpgpRequest): Promise<Checked<OpenpgpSignature>> {
  const { packet } = read;
  const signing = signingKey(pinned.key, read);
  const signedAt = packet.created?.getTime();
  if (signing === undefined || signedAt === undefined) return found("SIGNATURE_INVALID", "it does not say when it was made");
  if (signedAt > request.now) {
    return found("SIGNATURE_INVALID", `it is dated ${new Date(signedAt).toISOString()}, which is in the future`);
  }
  const weak = weakHash(packet) ?? weakKey(pinned.key) ?? weakKey(signing);
  if (weak !== undefined) return found("ALGORITHM_WEAK", weak);
  const problem = await keyProblem(pinned, signing, { ...request, signedAt });
  if (problem) return problem;
  const wrong = await cryptographyProblem(pinned.key, read, request);
  if (wrong !== undefined)
    return found("SIGNATURE_INVALID", `the key ${pinned.fingerprint} did not make it over these bytes: ${quote(wrong)}`);
  return passed({ signer: { kind: "openpgp", fingerprint: pinned.fingerprint }, signedAt });
}

async function keyProblem(
  { key, fingerprint }: PinnedKey,
  signing: PublicKey | Subkey,
  { now, signedAt, expiredKeys = "refuse" }: OpenpgpRequest & { readonly signedAt: number },
): Promise<ReturnType<typeof found> | undefined> {
  const problem = (code: FindingCode, what: string) => found(code, `the key ${fingerprint} ${what}`);
  const subkey = isSubkey(signing) ? signing : undefined;
  const today = new Date(now);
  if (await key.isRevoked(undefined, undefined, today, OPENPGP_CONFIG)) return problem("KEY_REVOKED", "is revoked");
  const [binding] = subkey?.bindingSignatures ?? [];
  if (subkey && binding && (await subkey.isRevoked(binding, key.keyPacket, today, OPENPGP_CONFIG))) {
    return problem("KEY_REVOKED", `has revoked its subkey ${subkey.getFingerprint()}, which made the signature`);
  }
  const at = expiredKeys === "refuse" ? now : signedAt;
  const expiries = [await key.getExpirationTime(undefined, OPENPGP_CONFIG), await subkey?.getExpirationTime(today, OPENPGP_CONFIG)];
  const expired = expiries.find((time): time is Date => time instanceof Date && time.getTime() <= at);
  return expired && problem("KEY_EXPIRED", `${subkey ? "or its subkey " : ""}expired on ${expired.toISOString()}`);
}

function isSubkey(key: PublicKey | Subkey): key is Subkey {
  return "bindingSignatures" in key;
}

/** What the library has against it, in its own words; undefined where the signature verifies. */
async function cryptographyProblem(key: PublicKey, { signature }: DetachedSignature, request: OpenpgpRequest): Promise<string | undefined> {
  const file = createReadStream(request.archivePath, { highWaterMark: 256 * 1024 });
  let failure: Error | undefined;
  file.on("error", (error) => {
    failure = error;
  });
  try {
    const { data, signatures } = await verify({
      message: await createMessage({ binary: Readable.toWeb(file) }),
      signature,
      // Only this key: with a whole keyring, any key in it would do.
      verificationKeys: [key],
      format: "binary",
      date: new Date(request.now),
      config: OPENPGP_CONFIG,
    });
    const reader = data.getReader();
    // The library hashes what it hands on, so all of it must be taken.
    while (!(await reader.read()).done);
    const [only, ...others] = signatures;
    if (only === undefined || others.length > 0) return "no single signature was found";
    return (await only.verified) ? undefined : "it does not verify";
  } catch (error) {
    if (failure) throw new AssayError("STORE_IO", "an archive in quarantine could not be read", { cause: failure });
    return error instanceof Error ? error.message : "it cannot be verified";
  } finally {
    file.destroy();
  }
}
