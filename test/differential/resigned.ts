import { createHash } from "node:crypto";
import type { TrustRoot } from "../../src/verify/sigstore/trust-root.ts";
import { boolean, element, oid, sequence } from "../support/der-writer.ts";
import type { Random } from "../support/random.ts";
import {
  ecKeys,
  ed25519Keys,
  emailName,
  extension,
  ISSUER,
  type LeafOptions,
  type Loose,
  REPOSITORY,
  rsaKeys,
  type SignOptions,
  type SigstoreInstance,
  type StampOptions,
  uriName,
  WORKFLOW,
} from "../support/sigstore-instance.ts";
import { placesIn, removePlace, replacePlace } from "./json-places.ts";
import type { Mutant } from "./mutants.ts";
import { pickOf, type Way } from "./mutation.ts";
import { FILE, statementAbout } from "./specimen.ts";

const ARTIFACT = Buffer.from("the archive");
const SHA256 = createHash("sha256").update(ARTIFACT).digest("hex");
const HOUR_MS = 3_600_000;
/** Made once: they take longer than all else. */
const KEYS = [
  ["P-384", ecKeys("P-384")],
  ["P-521", ecKeys("P-521")],
  ["secp256k1", ecKeys("secp256k1")],
  ["Ed25519", ed25519Keys()],
  ["RSA 2048", rsaKeys(2048)],
  ["RSA 1024", rsaKeys(1024)],
] as const;

const ODD_LEAVES: readonly Way<LeafOptions>[] = [
  ["no name", { names: [] }],
  ["two names", { names: [uriName(WORKFLOW), uriName("https://github.com/evil/tool")] }],
  ["two kinds of names", { names: [uriName(WORKFLOW), emailName("a@b.example")] }],
  ["a host as its name", { names: [element(0x82, Buffer.from("host.example"))] }],
  ["an e-mail address as its name", { names: [emailName("a@b.example")], claims: { 1: "https://accounts.example" } }],
  ["a NUL in its name", { names: [uriName(`${WORKFLOW}\0.evil.example`)] }],
  ["no issuer", { claims: {} }],
  ["two issuers", { claims: { 1: "https://evil.example", 8: ISSUER, 12: REPOSITORY } }],
  ["no use", { extendedKeyUsage: "" }],
  ["a server's use", { extendedKeyUsage: "1.3.6.1.5.5.7.3.1" }],
  ["every use", { extendedKeyUsage: "2.5.29.37.0" }],
  ["no use of its key", { keyUsage: 0 }],
  ["a key for certificates", { keyUsage: 0x06 }],
  ["an authority's mark", { authority: true }],
  ["no transparency log", { recorded: false }],
  ["an unknown critical extension", { more: [extension("1.2.3.4", boolean(true), true)] }],
  ["an extension twice", { more: [extension("2.5.29.35", sequence(element(0x80, Buffer.alloc(20))))] }],
  ...KEYS.map(([name, keys]): Way<LeafOptions> => [`a key of ${name}`, { keys }]),
];

const ODD_STAMPS: readonly Way<StampOptions>[] = [
  ["not granted", { status: 2 }],
  ["granted with changes", { status: 1 }],
  ["over something else", { contentType: "1.2.840.113549.1.7.1" }],
  ["signed in an unknown way", { signatureAlgorithm: sequence(oid("1.2.3")) }],
  ["with no certificate in its place", { certificates: [boolean(true)] }],
];

const ODD_STATEMENTS: readonly Way<(statement: Loose) => Loose | Buffer>[] = [
  ["no subject", (s) => ({ ...s, subject: [] })],
  ["a digest in capitals", (s) => ({ ...s, subject: [{ name: FILE, digest: { sha256: SHA256.toUpperCase() } }] })],
  ["a digest that is cut off", (s) => ({ ...s, subject: [{ name: FILE, digest: { sha256: SHA256.slice(0, 32) } }] })],
  ["a SHA-1 only", (s) => ({ ...s, subject: [{ name: FILE, digest: { sha1: "0".repeat(40) } }] })],
  ["a second, wrong digest", (s) => ({ ...s, subject: [{ name: FILE, digest: { sha256: SHA256, sha512: "0".repeat(128) } }] })],
  ["a second subject", (s) => ({ ...s, subject: [...s.subject, { name: "other", digest: { sha256: "0".repeat(64) } }] })],
  ["one subject twice", (s) => ({ ...s, subject: [...s.subject, ...s.subject] })],
  ["a subject without name", (s) => ({ ...s, subject: [{ digest: { sha256: SHA256 } }] })],
  ["an unknown type", (s) => ({ ...s, _type: "https://in-toto.io/Statement/v9" })],
  ["the older type", (s) => ({ ...s, _type: "https://in-toto.io/Statement/v0.1" })],
  ["no type", ({ _type, ...s }) => s],
  ["no predicate type", ({ predicateType, ...s }) => s],
  ["a predicate that is a list", (s) => ({ ...s, predicate: [] })],
  ["no predicate", ({ predicate, ...s }) => s],
  ["an unknown member", (s) => ({ ...s, extra: 1 })],
  ["a member twice", (s) => Buffer.from(JSON.stringify(s).replace("{", '{"predicateType":"x",'))],
  ["its subject twice", (s) => Buffer.from(JSON.stringify(s).replace("{", '{"subject":[],'))],
  ["a byte order mark", (s) => Buffer.from(`\ufeff${JSON.stringify(s)}`)],
  ["half a surrogate pair", (s) => Buffer.from(JSON.stringify(s).replace("{", '{"extra":"\\ud800",'))],
  ["bytes that are not UTF-8", (s) => Buffer.concat([Buffer.from('{"extra":"\xff",', "latin1"), Buffer.from(JSON.stringify(s).slice(1))])],
  ["text after its end", (s) => Buffer.from(`${JSON.stringify(s)}x`)],
  ["a list around it", (s) => [s]],
  ["no JSON", () => Buffer.from("statement")],
  ["nothing", () => Buffer.from(" ")],
];

/**
 * A document that the instance's authorities, logs and signers have made together, each perhaps wrongly: its cryptography holds, and what it says may be
 * odd. No change to a finished document comes this far.
 */
export function resigned(instance: SigstoreInstance, root: TrustRoot, random: Random): Mutant {
  const labels: string[] = [];
  const odd = <T>(what: string, ways: readonly Way<T>[]): T | undefined => {
    const way = random.below(4) === 0 ? pickOf(random, ways) : undefined;
    if (way) labels.push(`${what} ${way[0]}`);
    return way?.[1];
  };
  const at = instance.now;
  const options: SignOptions = {
    log: random.pick(["rekor1", "rekor2"]),
    statementEntry: random.pick(["dsse", "dsse", "intoto"]),
    timestamps: random.below(3),
    leaf: { ...odd("certificate with", ODD_LEAVES), ...odd<LeafOptions>("certificate", issueTimes(at)) },
    ...odd<SignOptions>("signed", [
      ["by another than the log was told", { recordedAs: instance.issue().der }],
      ["with the log told of its key alone", { recordedAs: ecKeys().spki }],
      ["an hour later", { at: at + HOUR_MS }],
      ["as another payload type", { payloadType: "application/json" }],
      ["with SHA-384", { hash: "sha384" }],
      ["with SHA-512", { hash: "sha512" }],
    ]),
  };
  // Ed25519 signs no digest, so an archive that streams by cannot be signed with it.
  const asStatement = options.leaf?.keys?.publicKey.asymmetricKeyType === "ed25519" || random.below(3) > 0;
  const statement = (odd("statement with", asStatement ? ODD_STATEMENTS : []) ?? ((same) => same))(statementAbout(SHA256));
  const json = asStatement ? instance.signStatement(statement, options) : instance.signMessage(ARTIFACT, options);
  restamp(json, instance, odd("timestamp", ODD_STAMPS), odd("timestamp", stampTimes(at)));
  if (random.below(3) === 0) labels.push(relog(json, instance, random));
  const specimen = { name: "resigned", kind: "bundle", json, root, digests: { sha256: SHA256 }, file: FILE, keys: [] } as const;
  return { specimen, label: labels.join(", ") || "nothing odd", document: Buffer.from(JSON.stringify(json)) };
}

const issueTimes = (now: number): readonly Way<LeafOptions>[] => [
  ["of a day ago", { at: now - 24 * HOUR_MS }],
  ["of tomorrow", { at: now + 24 * HOUR_MS }],
];

const stampTimes = (now: number): readonly Way<number>[] => [
  ["of a day ago", now - 24 * HOUR_MS],
  ["of tomorrow", now + 24 * HOUR_MS],
  ["of ten years ago", now - 10 * 365 * 24 * HOUR_MS],
];

function restamp(json: Loose, instance: SigstoreInstance, options: StampOptions | undefined, at: number | undefined): void {
  const stamps = json.verificationMaterial.timestampVerificationData.rfc3161Timestamps;
  if (stamps.length === 0 || (!options && at === undefined)) return;
  const signature = Buffer.from(json.messageSignature?.signature ?? json.dsseEnvelope.signatures[0].sig, "base64");
  stamps[0] = { signedTimestamp: instance.timestamp(signature, at, options).toString("base64") };
}

/** Changes what the log recorded and lets it sign that. */
function relog(json: Loose, instance: SigstoreInstance, random: Random): string {
  const [entry] = json.verificationMaterial.tlogEntries;
  const body = JSON.parse(Buffer.from(entry.canonicalizedBody, "base64").toString());
  const place = pickOf(random, placesIn(body));
  if (!place) return "log record as it was";
  const [how, change] = random.pick<Way<() => void>>([
    ["dropped", () => removePlace(place)],
    ["null", () => replacePlace(place, null)],
    ["another text", () => replacePlace(place, "x")],
    ["a list of it twice", () => replacePlace(place, [place.value, place.value])],
    ["twice as long", () => replacePlace(place, typeof place.value === "string" ? place.value + place.value : place.value)],
    ["with a member more", () => replacePlace(place, typeof place.value === "object" ? { ...place.value, extra: 1 } : place.value)],
    ["in capitals", () => replacePlace(place, typeof place.value === "string" ? place.value.toUpperCase() : place.value)],
  ]);
  change();
  const inFirst = entry.logId.keyId === instance.rekor1.id.toString("base64");
  const logged = inFirst ? instance.logInRekor1(body, instance.now) : instance.logInRekor2(body);
  json.verificationMaterial.tlogEntries = [{ ...logged, kindVersion: entry.kindVersion }];
  return `log record whose ${place.path} is ${how}`;
}
