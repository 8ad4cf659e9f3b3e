import { AssayError } from "./errors.ts";

/**
 * Hash algorithms that an index, a lock file or an attestation may claim a digest in.
 * BLAKE2b-256, which PyPI also knows, is not among them: Node's OpenSSL computes BLAKE2b only at its full 512 bits.
 */
export const ALGORITHMS = ["sha256", "sha512", "sha384", "sha1", "md5"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Bytes in a digest, by algorithm. A claim of another length is malformed. */
const DIGEST_BYTES: Readonly<Record<Algorithm, number>> = {
  sha256: 32,
  sha512: 64,
  sha384: 48,
  sha1: 20,
  md5: 16,
};

/**
 * Collisions can be made to order for these two, so a match says little about who made the bytes.
 * They are still checked: a mismatch is a mismatch.
 */
export const WEAK_ALGORITHMS: ReadonlySet<Algorithm> = new Set(["sha1", "md5"]);

declare const digestBrand: unique symbol;

/** A blob's identity: its SHA-256 as 64 lowercase hexadecimal characters. Made only by `parseDigest`. */
export type Digest = string & { readonly [digestBrand]: "sha256" };

/** A digest that somebody says an archive has. `hex` is lowercase and of the algorithm's length. */
export interface Checksum {
  readonly algorithm: Algorithm;
  readonly hex: string;
  /** Who says so, in words for people: "the simple index of requests". */
  readonly claimedBy: string;
}

/** Digests that we computed ourselves, lowercase hexadecimal. SHA-256 is always among them. */
export type Digests = Readonly<Partial<Record<Algorithm, string>>> & { readonly sha256: string };

/** Throws BAD_REQUEST unless `text` is a SHA-256 in hexadecimal. */
export function parseDigest(text: string): Digest {
  const hex = text.toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new AssayError("BAD_REQUEST", `expected a sha256 of 64 hexadecimal characters, got ${JSON.stringify(text.slice(0, 80))}`);
  }
  return hex as Digest;
}

function isAlgorithm(name: string): name is Algorithm {
  return (ALGORITHMS as readonly string[]).includes(name);
}

/**
 * One claimed digest in hexadecimal, as PyPI indexes write it.
 * Returns undefined for an algorithm we do not compute; throws UPSTREAM_MALFORMED for a digest that cannot be one.
 */
export function parseHexChecksum(algorithm: string, hex: string, claimedBy: string): Checksum | undefined {
  const name = algorithm.toLowerCase();
  if (!isAlgorithm(name)) return undefined;
  const text = hex.toLowerCase();
  if (text.length !== DIGEST_BYTES[name] * 2 || !/^[0-9a-f]+$/.test(text)) {
    throw new AssayError("UPSTREAM_MALFORMED", `${claimedBy} claims a ${name} that is not one: ${JSON.stringify(hex.slice(0, 150))}`);
  }
  return { algorithm: name, hex: text, claimedBy };
}

/**
 * The claims in a Subresource Integrity string: `sha512-<base64>`, several separated by white space, options after `?`.
 * AAM files also write the digest in hexadecimal; the length tells the two apart.
 * Unknown algorithms are left out. Throws UPSTREAM_MALFORMED for a digest of the wrong length.
 * https://www.w3.org/TR/SRI/#the-integrity-attribute
 */
export function parseIntegrity(text: string, claimedBy: string): Checksum[] {
  const checksums: Checksum[] = [];
  for (const token of text.trim().split(/\s+/).filter(Boolean)) {
    const dash = token.search(/[-:]/);
    const algorithm = token.slice(0, Math.max(dash, 0)).toLowerCase();
    const value = token.slice(dash + 1).replace(/\?.*$/, "");
    if (!isAlgorithm(algorithm)) continue;
    const hex = value.length === DIGEST_BYTES[algorithm] * 2 ? value : Buffer.from(value, "base64").toString("hex");
    const checksum = parseHexChecksum(algorithm, hex, claimedBy);
    if (checksum) checksums.push(checksum);
  }
  return checksums;
}

/** `sha512-<base64>`, as npm packuments and lock files write it. */
export function formatIntegrity(algorithm: Algorithm, hex: string): string {
  return `${algorithm}-${Buffer.from(hex, "hex").toString("base64")}`;
}
