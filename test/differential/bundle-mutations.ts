import { p256 } from "@noble/curves/nist.js";
import type { Loose } from "../support/sigstore-instance.ts";
import { base64, parsed, placesNamed } from "./bundle-parts.ts";
import { ENTRY_MUTATIONS } from "./entry-mutations.ts";
import { bytesAt } from "./json-places.ts";
import { type Mutation, pickOf, type Way } from "./mutation.ts";

// What only makes sense in a Sigstore bundle, or in the attestation that stands for one.

const MEDIA_TYPES = [
  "application/vnd.dev.sigstore.bundle+json;version=0.1",
  "application/vnd.dev.sigstore.bundle+json;version=0.2",
  "application/vnd.dev.sigstore.bundle+json;version=0.3",
  "application/vnd.dev.sigstore.bundle.v0.3+json",
  "application/vnd.dev.sigstore.bundle.v0.4+json",
  "application/vnd.dev.sigstore.bundle.v0.3.1+json",
  "application/vnd.dev.sigstore.bundle.v0.3+json;charset=utf-8",
  "Application/vnd.dev.sigstore.bundle.v0.3+json",
] as const;

const changeMediaType: Mutation = (tree, { random }) => {
  const mediaType = random.pick(MEDIA_TYPES);
  if (tree.mediaType === undefined || tree.mediaType === mediaType) return undefined;
  tree.mediaType = mediaType;
  return `media type ${mediaType}`;
};

/** Between the two ways of naming the signer's certificate, with and without what does not belong into a chain. */
const rechain: Mutation = (tree, { random, donor }) => {
  const material = tree.verificationMaterial;
  const leaf = material?.certificate ?? material?.x509CertificateChain?.certificates?.[0];
  if (!leaf) return undefined;
  const other = donor.verificationMaterial?.certificate ?? donor.verificationMaterial?.x509CertificateChain?.certificates?.[0];
  const [how, key] = random.pick<Way<Loose>>([
    ["as a chain of one", { x509CertificateChain: { certificates: [leaf] } }],
    ["alone", { certificate: leaf }],
    ["as a chain with a stranger", { x509CertificateChain: { certificates: [leaf, other ?? leaf] } }],
    ["as a chain behind a stranger", { x509CertificateChain: { certificates: [other ?? leaf, leaf] } }],
    ["both ways", { certificate: leaf, x509CertificateChain: { certificates: [leaf] } }],
    ["as a chain of nothing", { x509CertificateChain: { certificates: [] } }],
  ]);
  delete material.certificate;
  delete material.x509CertificateChain;
  Object.assign(material, structuredClone(key));
  return `certificate ${how}`;
};

/** The statement, changed and written anew without a new signature. */
const changeStatement: Mutation = (tree, { random }) => {
  const place = pickOf(random, placesNamed(tree, "payload", "statement"));
  const statement = parsed(place?.value);
  if (!place || statement?.subject?.[0] === undefined) return undefined;
  const [subject] = statement.subject;
  const [how, change] = random.pick<Way<() => void>>([
    ["another digest", () => (subject.digest = { sha256: "0".repeat(64) })],
    ["one more subject", () => statement.subject.push({ name: "other", digest: { sha256: "0".repeat(64) } })],
    ["another name", () => (subject.name = "other-1.0.tar.gz")],
    ["no subject", () => (statement.subject = [])],
    ["another predicate type", () => (statement.predicateType = "https://slsa.dev/provenance/v1")],
    ["nothing else than other white space", () => {}],
  ]);
  change();
  const text = JSON.stringify(statement, null, random.below(2));
  if (base64(text) === place.value) return undefined;
  place.parent[place.key] = base64(text);
  return `statement with ${how}`;
};

const changePayloadType: Mutation = (tree, { random }) => {
  if (tree.dsseEnvelope === undefined) return undefined;
  tree.dsseEnvelope.payloadType = random.pick([
    "application/json",
    "application/vnd.in-toto+json ",
    "Application/vnd.in-toto+json",
    "application/vnd.in-toto+json; charset=utf-8",
    "",
  ]);
  return `payload type ${JSON.stringify(tree.dsseEnvelope.payloadType)}`;
};

const changeTimestamps: Mutation = (tree, { random, donor }) => {
  const material = tree.verificationMaterial;
  if (material === undefined) return undefined;
  const own: readonly Loose[] = material.timestampVerificationData?.rfc3161Timestamps ?? [];
  const strange: readonly Loose[] = donor.verificationMaterial?.timestampVerificationData?.rfc3161Timestamps ?? [];
  const junk = { signedTimestamp: base64("no timestamp at all") };
  const [how, stamps] = random.pick<Way<readonly Loose[]>>([
    ["none", []],
    ["a stranger's more", [...own, ...strange.slice(0, 1)]],
    ["a stranger's only", strange],
    ["junk more", [...own, junk]],
    ["junk before", [junk, ...own]],
    ["each twice", [...own, ...own]],
  ]);
  if (JSON.stringify(stamps) === JSON.stringify(own)) return undefined;
  material.timestampVerificationData = { rfc3161Timestamps: structuredClone(stamps) };
  return `timestamps: ${how}`;
};

const addContent: Mutation = (tree, { donor }) => {
  const other = tree.dsseEnvelope === undefined ? "dsseEnvelope" : "messageSignature";
  if (tree.mediaType === undefined) return undefined;
  tree[other] = structuredClone(donor[other]) ?? {};
  return `a ${other} beside the other content`;
};

/** The other ECDSA signature that verifies like the one there is: anybody can compute it. */
const mirrorSignature: Mutation = (tree, { random }) => {
  const place = pickOf(random, placesNamed(tree, "sig", "signature", "signedEntryTimestamp").filter(bytesAt));
  const bytes = place && bytesAt(place);
  if (!bytes) return undefined;
  try {
    const { r, s } = p256.Signature.fromBytes(bytes, "der");
    place.parent[place.key] = base64(Buffer.from(new p256.Signature(r, p256.Point.Fn.neg(s)).toBytes("der")));
  } catch {
    return undefined;
  }
  return `mirrored ${place.key} at ${place.path}`;
};

const changeKeyId: Mutation = (tree, { random }) => {
  const signature = tree.dsseEnvelope?.signatures?.[0];
  if (signature === undefined) return undefined;
  signature.keyid = random.pick(["", "other"]);
  return `envelope's keyid ${JSON.stringify(signature.keyid)}`;
};

export const BUNDLE_MUTATIONS: readonly Mutation[] = [
  changeMediaType,
  rechain,
  ...ENTRY_MUTATIONS,
  changeStatement,
  changePayloadType,
  changeTimestamps,
  addContent,
  mirrorSignature,
  mirrorSignature,
  changeKeyId,
];
