import { type Config, config, enums, type PublicKey, type SignaturePacket, type Subkey } from "openpgp";

/** Some RSA-2048 keys have a modulus that begins with a zero bit. */
const MIN_RSA_BITS = 2047;
const WEAK_KEYS = new Set([enums.publicKey.elgamal, enums.publicKey.dsa]);
const WEAK_CURVES = new Set([enums.curve.secp256k1]);
const WEAK_MESSAGE_HASHES = new Set([enums.hash.md5, enums.hash.sha1, enums.hash.ripemd, enums.hash.sha224]);
const STRONG_HASHES = new Set([enums.hash.sha256, enums.hash.sha384, enums.hash.sha512, enums.hash.sha3_256, enums.hash.sha3_512]);

/** What the library must hold to, whatever its defaults become. It is never loosened. */
export const OPENPGP_CONFIG: Config = {
  ...config,
  minRSABits: MIN_RSA_BITS,
  rejectHashAlgorithms: new Set([enums.hash.md5, enums.hash.ripemd]),
  rejectMessageHashAlgorithms: WEAK_MESSAGE_HASHES,
  rejectPublicKeyAlgorithms: WEAK_KEYS,
  rejectCurves: WEAK_CURVES,
  allowInsecureVerificationWithReformattedKeys: false,
  enableParsingV5Entities: false,
  ignoreMalformedPackets: false,
  knownNotations: [],
};

/** Why a signature proves nothing though it may verify; undefined where its hash is strong. */
export function weakHash(packet: SignaturePacket): string | undefined {
  const { hashAlgorithm } = packet;
  if (hashAlgorithm !== null && STRONG_HASHES.has(hashAlgorithm)) return undefined;
  return `it is made over a hash that is too weak (${nameOf(enums.hash, hashAlgorithm)})`;
}

/** Why a key's signatures prove nothing; undefined where it is strong. */
export function weakKey(key: PublicKey | Subkey): string | undefined {
  const { algorithm, bits, curve } = key.getAlgorithmInfo();
  const isRsa = algorithm === "rsaEncryptSign" || algorithm === "rsaSign" || algorithm === "rsaEncrypt";
  if (isRsa && (bits ?? 0) < MIN_RSA_BITS) return `RSA of ${bits ?? 0} bits is too weak`;
  if (WEAK_KEYS.has(enums.publicKey[algorithm])) return `${algorithm} keys are too weak`;
  if (curve !== undefined && WEAK_CURVES.has(curve as enums.curve)) return `keys on the curve ${curve} are not accepted`;
  return undefined;
}

function nameOf(names: object, value: number | null): string {
  return Object.entries(names).find(([, each]) => each === value)?.[0] ?? `algorithm ${value ?? "unknown"}`;
}
