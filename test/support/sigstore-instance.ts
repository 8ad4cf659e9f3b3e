import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { JsonValue } from "../../src/core/json.ts";
import { preAuthEncoding } from "../../src/verify/sigstore/signed-content.ts";
import { parseTrustRoot, type TrustRoot } from "../../src/verify/sigstore/trust-root.ts";
import { bits, boolean, element, generalizedTime, integer, octets, oid, sequence, set, utcTime, utf8 } from "./der-writer.ts";

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"));
const TIMESTAMP_INFO = "1.2.840.113549.1.9.16.1.4";
const FULCIO = "1.3.6.1.4.1.57264.1";
export const ISSUER = "https://token.actions.githubusercontent.com";
export const REPOSITORY = "https://github.com/acme/tool";
export const WORKFLOW = `${REPOSITORY}/.github/workflows/release.yml@refs/tags/v1.0.0`;

/** JSON that a test may change before it is handed on. */
// biome-ignore lint/suspicious/noExplicitAny: attacks reach into every corner of a bundle, and types would only stand in their way.
export type Loose = any;

interface Keys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly spki: Buffer;
}

export interface LeafOptions {
  /** General names of the subject alternative name. */
  readonly names?: readonly Buffer[];
  /** Values of Fulcio's extensions by last arc, below 8 raw and from 8 on as UTF8String. */
  readonly claims?: Readonly<Record<number, string>>;
  /** Object identifier; empty for a certificate without the extension. */
  readonly extendedKeyUsage?: string;
  readonly keyUsage?: number;
  /** Whole extensions to put after the others. */
  readonly more?: readonly Buffer[];
  readonly keys?: Keys;
  /** The public key to certify, where somebody else has its private one. */
  readonly spki?: Buffer;
  readonly at?: number;
  readonly authority?: boolean;
  /** False for a certificate that no certificate transparency log has recorded. */
  readonly recorded?: boolean;
}

export interface SignOptions {
  readonly leaf?: LeafOptions;
  /** rekor1 logs message signatures as hashedrekord 0.0.1 and statements as dsse 0.0.1 (or intoto 0.0.2), rekor2 both as hashedrekord 0.0.2. */
  readonly log?: "rekor1" | "rekor2";
  readonly statementEntry?: "dsse" | "intoto";
  readonly at?: number;
  readonly payloadType?: string;
  readonly hash?: "sha256" | "sha384" | "sha512";
  /** Sign with this key and name no certificate. */
  readonly managedKey?: Keys;
  readonly hint?: string;
  /** Who the log is told has signed, where that is another than who did. */
  readonly recordedAs?: Buffer;
  readonly timestamps?: number;
}

/** What a time-stamping authority may do wrongly. */
export interface StampOptions {
  readonly status?: number;
  /** What the signed attributes say that was signed. */
  readonly contentType?: string;
  readonly signatureAlgorithm?: Buffer;
  readonly certificates?: readonly Buffer[];
  /** Signed attributes beside the two that there must be. */
  readonly more?: readonly Buffer[];
}

export const uriName = (uri: string): Buffer => element(0x86, Buffer.from(uri));
export const emailName = (address: string): Buffer => element(0x81, Buffer.from(address));
export const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));

/** What a certificate says of a release of `acme/tool` on GitHub, by the last arc of each extension. */
export const githubClaims = (commit: string): Readonly<Record<number, string>> => ({
  1: ISSUER,
  2: "release",
  3: commit,
  4: "Release",
  5: "acme/tool",
  6: "refs/tags/v1.0.0",
  8: ISSUER,
  9: WORKFLOW,
  10: commit,
  11: "github-hosted",
  12: REPOSITORY,
  13: commit,
  14: "refs/tags/v1.0.0",
  15: "1234567",
  16: "https://github.com/acme",
  17: "7654321",
  18: WORKFLOW,
  20: "release",
  21: `${REPOSITORY}/actions/runs/1/attempts/1`,
  23: "pypi",
});
const GITHUB_CLAIMS = githubClaims("a".repeat(40));

export function ecKeys(namedCurve = "P-256"): Keys {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
  return { privateKey, publicKey, spki: publicKey.export({ type: "spki", format: "der" }) };
}

export function ed25519Keys(): Keys {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { privateKey, publicKey, spki: publicKey.export({ type: "spki", format: "der" }) };
}

export function rsaKeys(modulusLength: number): Keys {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength });
  return { privateKey, publicKey, spki: publicKey.export({ type: "spki", format: "der" }) };
}

/**
 * A Sigstore instance of one's own: certificate authority with an intermediate, certificate transparency log, both generations of transparency log
 * and a time-stamping authority, all made on the spot and offline. It signs whatever a test wants signed, rightly or wrongly.
 */
export class SigstoreInstance {
  readonly now: number;
  readonly rootAuthority: Authority;
  readonly authority: Authority;
  readonly ctLog = ecKeys();
  readonly rekor1: { readonly host: string; readonly keys: Keys; readonly id: Buffer };
  readonly rekor2: { readonly host: string; readonly keys: Keys; readonly id: Buffer };
  readonly timestampRoot: Authority;
  readonly timestampAuthority: Authority;

  /** `curve` is that of the authorities' keys; the public-good instance has P-384. */
  constructor(now = Date.UTC(2026, 5, 1), curve = "P-256") {
    const keys = (): Keys => ecKeys(curve);
    this.now = now;
    this.rootAuthority = makeAuthority("root", undefined, now, { keys: keys() });
    this.authority = makeAuthority("intermediate", this.rootAuthority, now, { keys: keys() });
    this.timestampRoot = makeAuthority("timestamp root", undefined, now, { keys: keys() });
    this.timestampAuthority = makeAuthority("timestamp", this.timestampRoot, now, { keys: keys(), issues: false });
    this.rekor1 = makeLog("rekor.example", ecKeys());
    this.rekor2 = makeTiledLog("log2026.example", ed25519Keys());
  }

  /** The instance's `trusted_root.json`, to change or to serialise. */
  trustedRoot(): Loose {
    const start = new Date(this.now - YEAR_MS).toISOString();
    const log = ({ host, keys, id }: { host: string; keys: Keys; id: Buffer }) => ({
      baseUrl: `https://${host}`,
      hashAlgorithm: "SHA2_256",
      publicKey: {
        rawBytes: base64(keys.spki),
        keyDetails: keys.publicKey.asymmetricKeyType === "ed25519" ? "PKIX_ED25519" : "PKIX_ECDSA_P256_SHA_256",
        validFor: { start },
      },
      logId: { keyId: base64(id) },
    });
    const authority = (uri: string, chain: readonly Authority[]) => ({
      subject: { organization: "example", commonName: "example" },
      uri,
      certChain: { certificates: chain.map(({ der }) => ({ rawBytes: base64(der) })) },
      validFor: { start },
    });
    return {
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [log(this.rekor1), log(this.rekor2)],
      certificateAuthorities: [authority("https://fulcio.example", [this.authority, this.rootAuthority])],
      ctlogs: [log({ host: "ct.example", keys: this.ctLog, id: sha256(this.ctLog.spki) })],
      timestampAuthorities: [authority("https://timestamp.example", [this.timestampAuthority, this.timestampRoot])],
    };
  }

  trustRoot(name = "private"): TrustRoot {
    return parseTrustRoot(Buffer.from(JSON.stringify(this.trustedRoot())), name);
  }

  signMessage(artifact: Buffer, options: SignOptions = {}): Loose {
    const { hash = "sha256", at = this.now } = options;
    const signer = this.#signer(options);
    const digest = createHash(hash).update(artifact).digest();
    const signature = sign(hash, artifact, signer.keys.privateKey);
    const verifier = options.recordedAs ?? signer.recorded;
    const entry =
      options.log === "rekor2"
        ? this.logInRekor2(hashedRekord2(hash, digest, signature, verifier))
        : this.logInRekor1(
            {
              apiVersion: "0.0.1",
              kind: "hashedrekord",
              spec: {
                data: { hash: { algorithm: hash, value: digest.toString("hex") } },
                signature: { content: base64(signature), publicKey: { content: base64(pemOf(verifier)) } },
              },
            },
            at,
          );
    const messageDigest = { algorithm: `SHA2_${hash.slice(3)}`, digest: base64(digest) };
    return this.#bundle(signer.material, entry, signature, options, { messageSignature: { messageDigest, signature: base64(signature) } });
  }

  /** `statement` is signed as it is, be it JSON or not. */
  signStatement(statement: JsonValue | Buffer, options: SignOptions = {}): Loose {
    const { payloadType = "application/vnd.in-toto+json", at = this.now, hash = "sha256" } = options;
    const payload = Buffer.isBuffer(statement) ? statement : Buffer.from(JSON.stringify(statement));
    const signer = this.#signer(options);
    const encoded = preAuthEncoding(payloadType, payload);
    const signature = sign(signer.keys.publicKey.asymmetricKeyType === "ed25519" ? null : hash, encoded, signer.keys.privateKey);
    const verifier = options.recordedAs ?? signer.recorded;
    const dsseEnvelope = { payload: base64(payload), payloadType, signatures: [{ sig: base64(signature) }] };
    const payloadHash = hashOf(payload);
    const entry =
      options.log === "rekor2"
        ? this.logInRekor2(hashedRekord2(hash, createHash(hash).update(encoded).digest(), signature, verifier))
        : options.statementEntry === "intoto"
          ? this.logInRekor1(
              {
                apiVersion: "0.0.2",
                kind: "intoto",
                spec: {
                  content: {
                    envelope: {
                      payloadType,
                      signatures: [{ publicKey: base64(pemOf(verifier)), sig: base64(Buffer.from(base64(signature))) }],
                    },
                    payloadHash,
                  },
                },
              },
              at,
            )
          : this.logInRekor1(
              {
                apiVersion: "0.0.1",
                kind: "dsse",
                spec: {
                  envelopeHash: hashOf(Buffer.from(JSON.stringify(dsseEnvelope))),
                  payloadHash,
                  signatures: [{ signature: base64(signature), verifier: base64(pemOf(verifier)) }],
                },
              },
              at,
            );
    return this.#bundle(signer.material, entry, signature, options, { dsseEnvelope });
  }

  /** A signer's certificate. */
  issue({
    names = [uriName(WORKFLOW)],
    claims = GITHUB_CLAIMS,
    extendedKeyUsage = "1.3.6.1.5.5.7.3.3",
    keyUsage = 0x80,
    more = [],
    keys = ecKeys(),
    spki = keys.spki,
    at = this.now,
    authority = false,
    recorded = true,
  }: LeafOptions = {}): { readonly der: Buffer; readonly keys: Keys } {
    const extensions = [
      extension("2.5.29.15", element(0x03, Buffer.from([7, keyUsage])), true),
      ...(extendedKeyUsage === "" ? [] : [extension("2.5.29.37", sequence(oid(extendedKeyUsage)))]),
      ...(authority ? [extension("2.5.29.19", sequence(boolean(true)), true)] : []),
      extension("2.5.29.35", sequence(element(0x80, this.authority.keyId))),
      ...(names.length === 0 ? [] : [extension("2.5.29.17", sequence(...names), true)]),
      ...Object.entries(claims).map(([arc, value]) => extension(`${FULCIO}.${arc}`, Number(arc) < 8 ? Buffer.from(value) : utf8(value))),
      ...more,
    ];
    const toBeSigned = (all: readonly Buffer[]): Buffer =>
      certificateBody({
        issuer: this.authority.name,
        subject: sequence(),
        from: at - 60_000,
        to: at + 540_000,
        spki,
        extensions: all,
      });
    const all = recorded ? [...extensions, this.#signedCertificateTimestamp(toBeSigned(extensions), at)] : extensions;
    return { der: signCertificate(toBeSigned(all), this.authority.keys), keys };
  }

  logInRekor1(body: JsonValue, at: number): Loose {
    const { host, keys, id } = this.rekor1;
    const canonicalizedBody = Buffer.from(JSON.stringify(body));
    const integratedTime = Math.floor(at / 1000);
    const logIndex = 1_000_000;
    const promised = JSON.stringify({ body: base64(canonicalizedBody), integratedTime, logID: id.toString("hex"), logIndex });
    return {
      logIndex: String(logIndex),
      logId: { keyId: base64(id) },
      kindVersion: kindVersionOf(body),
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: base64(sign("sha256", Buffer.from(promised), keys.privateKey)) },
      inclusionProof: prove(canonicalizedBody, (note) => sign("sha256", note, keys.privateKey), `${host} - 42`, host, id),
      canonicalizedBody: base64(canonicalizedBody),
    };
  }

  /** `origin` is what the log's checkpoint calls itself. */
  logInRekor2(body: JsonValue, origin = this.rekor2.host): Loose {
    const { host, keys, id } = this.rekor2;
    const canonicalizedBody = Buffer.from(JSON.stringify(body));
    const inclusionProof = prove(canonicalizedBody, (note) => sign(null, note, keys.privateKey), origin, host, id);
    return {
      logIndex: inclusionProof.logIndex,
      logId: { keyId: base64(id) },
      kindVersion: kindVersionOf(body),
      inclusionProof,
      canonicalizedBody: base64(canonicalizedBody),
    };
  }

  /** An RFC 3161 response over `data`. */
  timestamp(data: Buffer, at = this.now, options: StampOptions = {}): Buffer {
    return this.timestampOf(sha256(data), at, options);
  }

  /** The same over data with this SHA-256. */
  timestampOf(imprint: Buffer, at = this.now, options: StampOptions = {}): Buffer {
    const { status = 0, contentType = TIMESTAMP_INFO, signatureAlgorithm = ECDSA_SHA256, certificates = [], more = [] } = options;
    const { keys, serial } = this.timestampAuthority;
    const info = sequence(integer(1), oid("1.3.6.1.4.1.57264.2"), sequence(SHA256, octets(imprint)), integer(7), generalizedTime(at));
    const attributes = [
      sequence(oid("1.2.840.113549.1.9.3"), set(oid(contentType))),
      sequence(oid("1.2.840.113549.1.9.4"), set(octets(sha256(info)))),
      ...more,
    ];
    const signature = sign("sha256", set(...attributes), keys.privateKey);
    const signer = sequence(
      integer(1),
      sequence(this.timestampRoot.name, serial),
      SHA256,
      element(0xa0, ...attributes),
      signatureAlgorithm,
      octets(signature),
    );
    const signed = sequence(
      integer(3),
      set(SHA256),
      sequence(oid(TIMESTAMP_INFO), element(0xa0, octets(info))),
      ...(certificates.length > 0 ? [element(0xa0, ...certificates)] : []),
      set(signer),
    );
    return sequence(sequence(integer(status)), sequence(oid("1.2.840.113549.1.7.2"), element(0xa0, signed)));
  }

  #signer({ leaf, managedKey, hint = "", at = this.now }: SignOptions): {
    readonly keys: Keys;
    readonly recorded: Buffer;
    readonly material: Loose;
  } {
    if (managedKey) return { keys: managedKey, recorded: managedKey.spki, material: { publicKey: { hint } } };
    const { der, keys } = this.issue({ at, ...leaf });
    return { keys, recorded: der, material: { certificate: { rawBytes: base64(der) } } };
  }

  #bundle(material: Loose, entry: Loose, signature: Buffer, options: SignOptions, content: Loose): Loose {
    const { at = this.now, timestamps = options.log === "rekor2" ? 1 : 0 } = options;
    const rfc3161Timestamps = Array.from({ length: timestamps }, (_, index) => ({
      signedTimestamp: base64(this.timestamp(signature, at + index * 1000)),
    }));
    return {
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: { ...material, tlogEntries: [entry], timestampVerificationData: { rfc3161Timestamps } },
      ...content,
    };
  }

  /** RFC 6962 section 3.2. */
  #signedCertificateTimestamp(toBeSigned: Buffer, at: number): Buffer {
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(at));
    const length = Buffer.alloc(3);
    length.writeUIntBE(toBeSigned.length, 0, 3);
    const signed = Buffer.concat([
      Buffer.from([0, 0]),
      time,
      Buffer.from([0, 1]),
      sha256(this.authority.keys.spki),
      length,
      toBeSigned,
      Buffer.from([0, 0]),
    ]);
    const signature = sign("sha256", signed, this.ctLog.privateKey);
    const timestamp = Buffer.concat([Buffer.from([0]), sha256(this.ctLog.spki), time, Buffer.from([0, 0, 4, 3]), withLength(signature)]);
    return extension("1.3.6.1.4.1.11129.2.4.2", octets(withLength(withLength(timestamp))));
  }
}

export interface Authority {
  readonly der: Buffer;
  readonly name: Buffer;
  readonly serial: Buffer;
  readonly keys: Keys;
  readonly keyId: Buffer;
}

interface AuthorityOptions {
  readonly keys: Keys;
  /** Whether it may issue certificates. */
  readonly issues?: boolean;
}

function makeAuthority(
  commonName: string,
  parent: Authority | undefined,
  now: number,
  { keys, issues = true }: AuthorityOptions,
): Authority {
  const name = sequence(set(sequence(oid("2.5.4.3"), utf8(commonName))));
  const keyId = createHash("sha1").update(keys.spki).digest();
  const serial = element(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)]));
  const body = certificateBody({
    issuer: parent?.name ?? name,
    subject: name,
    from: now - YEAR_MS,
    to: now + YEAR_MS,
    spki: keys.spki,
    serial,
    extensions: [
      ...(issues
        ? [extension("2.5.29.19", sequence(boolean(true)), true), extension("2.5.29.15", element(0x03, Buffer.from([1, 0x06])), true)]
        : [extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.8")), true)]),
      extension("2.5.29.14", octets(keyId)),
      ...(parent ? [extension("2.5.29.35", sequence(element(0x80, parent.keyId)))] : []),
    ],
  });
  return { der: signCertificate(body, parent?.keys ?? keys), name, serial, keys, keyId };
}

interface CertificateBody {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly from: number;
  readonly to: number;
  readonly spki: Buffer;
  readonly serial?: Buffer;
  readonly extensions: readonly Buffer[];
}

function certificateBody({ issuer, subject, from, to, spki, serial = integer(9), extensions }: CertificateBody): Buffer {
  const validity = sequence(utcTime(from), utcTime(to));
  const list = element(0xa3, sequence(...extensions));
  return sequence(element(0xa0, integer(2)), serial, ECDSA_SHA256, issuer, validity, subject, spki, list);
}

function signCertificate(body: Buffer, keys: Keys): Buffer {
  return sequence(body, ECDSA_SHA256, bits(sign("sha256", body, keys.privateKey)));
}

function makeLog(host: string, keys: Keys): { readonly host: string; readonly keys: Keys; readonly id: Buffer } {
  return { host, keys, id: sha256(keys.spki) };
}

/** A log of the second generation has its id from its name too. https://github.com/C2SP/C2SP/blob/main/signed-note.md#signatures */
function makeTiledLog(host: string, keys: Keys): ReturnType<typeof makeLog> {
  const { x = "" } = keys.publicKey.export({ format: "jwk" });
  return { host, keys, id: sha256(Buffer.concat([Buffer.from(`${host}\n\x01`), Buffer.from(x, "base64url")])) };
}

function hashedRekord2(hash: string, digest: Buffer, signature: Buffer, verifier: Buffer): JsonValue {
  const key = isCertificate(verifier) ? { x509Certificate: { rawBytes: base64(verifier) } } : { publicKey: { rawBytes: base64(verifier) } };
  return {
    apiVersion: "0.0.2",
    kind: "hashedrekord",
    spec: {
      hashedRekordV002: {
        data: { algorithm: `SHA2_${hash.slice(3)}`, digest: base64(digest) },
        signature: { content: base64(signature), verifier: { keyDetails: keyDetails(verifier, hash), ...key } },
      },
    },
  };
}

function keyDetails(verifier: Buffer, hash: string): string {
  const key = createPublicKey({ key: pemOf(verifier), format: "pem" });
  const { namedCurve = "", modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "rsa") return `PKIX_RSA_PKCS1V15_${modulusLength}_SHA256`;
  if (key.asymmetricKeyType === "ed25519") return "PKIX_ED25519";
  const curve = { prime256v1: "P256", secp384r1: "P384", secp521r1: "P521" }[namedCurve] ?? "K256";
  return `PKIX_ECDSA_${curve}_SHA_${hash.slice(3)}`;
}

/** The entry as the fifth leaf of a tree of seven, with the log's signature over the tree. RFC 9162 section 2.1. */
function prove(body: Buffer, signNote: (note: Buffer) => Buffer, origin: string, name: string, logId: Buffer): Loose {
  const index = 4;
  const leaves = Array.from({ length: 7 }, (_, position) => leafHash(position === index ? body : randomBytes(16)));
  const rootHash = treeHash(leaves);
  const note = `${origin}\n${leaves.length}\n${base64(rootHash)}\n`;
  const signature = Buffer.concat([logId.subarray(0, 4), signNote(Buffer.from(note))]);
  return {
    logIndex: String(index),
    rootHash: base64(rootHash),
    treeSize: String(leaves.length),
    hashes: auditPath(leaves, index).map(base64),
    checkpoint: { envelope: `${note}\n\u2014 ${name} ${base64(signature)}\n` },
  };
}

const leafHash = (leaf: Buffer): Buffer => sha256(Buffer.concat([Buffer.from([0]), leaf]));

function treeHash(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only !== undefined && leaves.length === 1) return only;
  const left = splitOf(leaves.length);
  return sha256(Buffer.concat([Buffer.from([1]), treeHash(leaves.slice(0, left)), treeHash(leaves.slice(left))]));
}

function auditPath(leaves: readonly Buffer[], index: number): readonly Buffer[] {
  if (leaves.length === 1) return [];
  const left = splitOf(leaves.length);
  return index < left
    ? [...auditPath(leaves.slice(0, left), index), treeHash(leaves.slice(left))]
    : [...auditPath(leaves.slice(left), index - left), treeHash(leaves.slice(0, left))];
}

/** The largest power of two below `size`. */
function splitOf(size: number): number {
  return 2 ** (Math.ceil(Math.log2(size)) - 1);
}

function kindVersionOf(body: JsonValue): Loose {
  const { kind, apiVersion } = body as { kind: string; apiVersion: string };
  return { kind, version: apiVersion };
}

/** By the version that stands at the start of a certificate's body. */
const isCertificate = (der: Buffer): boolean => der.subarray(0, 16).includes(element(0xa0, integer(2)));

export function pemOf(der: Buffer): Buffer {
  const label = isCertificate(der) ? "CERTIFICATE" : "PUBLIC KEY";
  const lines = base64(der).match(/.{1,64}/g) ?? [];
  return Buffer.from(`-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`);
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const hashOf = (bytes: Buffer): JsonValue => ({ algorithm: "sha256", value: sha256(bytes).toString("hex") });
const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();
const base64 = (bytes: Buffer): string => bytes.toString("base64");
