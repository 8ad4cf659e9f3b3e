import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "../../../src/core/json.ts";
import { parseAttestation, parseProvenance } from "../../../src/ecosystems/pypi/attestations.ts";
import { publisherOf } from "../../../src/ecosystems/pypi/publisher.ts";
import { sharedData } from "../../support/shared-data.ts";

const OPTIONS = { source: "the provenance of demo-1.0.tar.gz", maxDepth: 32 };
const base64 = (text: string) => Buffer.from(text).toString("base64");

const ENTRY: JsonObject = {
  logIndex: "153454663",
  logId: { keyId: base64("log") },
  kindVersion: { kind: "dsse", version: "0.0.1" },
  integratedTime: "1733354041",
  inclusionPromise: { signedEntryTimestamp: base64("promise") },
  inclusionProof: {
    logIndex: "31550401",
    rootHash: base64("root"),
    treeSize: "31550402",
    hashes: [base64("hash")],
    checkpoint: { envelope: "log\n1\n" },
  },
  canonicalizedBody: base64("{}"),
};
const ATTESTATION: JsonObject = {
  version: 1,
  verification_material: { certificate: base64("certificate"), transparency_entries: [ENTRY] },
  envelope: { statement: base64('{"_type":"x"}'), signature: base64("signature") },
};
const PUBLISHER: JsonObject = { kind: "GitHub", repository: "acme/tool", workflow: "release.yml", environment: null };
const PROVENANCE: JsonObject = { version: 1, attestation_bundles: [{ publisher: PUBLISHER, attestations: [ATTESTATION] }] };

/** A copy with the value at a path changed, `a.0.b`; `undefined` takes it away. */
function changed(object: JsonObject, path: string, value: JsonValue | undefined): JsonObject {
  const copy = structuredClone(object);
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const target = keys.reduce<unknown>((place, key) => (place as Record<string, unknown>)[key], copy) as Record<string, unknown>;
  if (value === undefined) delete target[last];
  else target[last] = value;
  return copy;
}

const parse = (document: JsonValue | string) =>
  parseProvenance(Buffer.from(typeof document === "string" ? document : JSON.stringify(document)), OPTIONS);
const invalid = (code: string) => ({ ok: false, finding: { code } });
const attestation = (path: string, value: JsonValue | undefined) =>
  changed(PROVENANCE, `attestation_bundles.0.attestations.0.${path}`, value);
const ENTRIES = "verification_material.transparency_entries";

describe("what is no provenance is malformed", () => {
  test.each<[string, JsonValue | string]>([
    ["text that is no JSON", "{"],
    ["a list", []],
    ["no version", changed(PROVENANCE, "version", undefined)],
    ["a version that is a text", changed(PROVENANCE, "version", "1")],
    ["no attestation_bundles", changed(PROVENANCE, "attestation_bundles", undefined)],
    ["attestation_bundles that are no list", changed(PROVENANCE, "attestation_bundles", {})],
    ["a bundle that is no object", changed(PROVENANCE, "attestation_bundles.0", "x")],
    ["a bundle without attestations", changed(PROVENANCE, "attestation_bundles.0.attestations", undefined)],
    ["a publisher that is no object", changed(PROVENANCE, "attestation_bundles.0.publisher", "acme")],
    ["a publisher without kind", changed(PROVENANCE, "attestation_bundles.0.publisher.kind", undefined)],
    ["a GitHub publisher without workflow", changed(PROVENANCE, "attestation_bundles.0.publisher.workflow", undefined)],
    ["an attestation without version", attestation("version", undefined)],
    ["an attestation without certificate", attestation("verification_material.certificate", undefined)],
    ["an attestation without entries", attestation(ENTRIES, [])],
    ["an attestation whose entries are no list", attestation(ENTRIES, ENTRY)],
    ["an attestation without statement", attestation("envelope.statement", "")],
    ["an attestation without signature", attestation("envelope.signature", undefined)],
    ["a certificate that a lenient decoder would read", attestation("verification_material.certificate", `${base64("certificate")}!!`)],
    ["a statement with slack bits", attestation("envelope.statement", "eB==")],
    ["a statement in base64url", attestation("envelope.statement", "-_-_")],
    ["a statement without padding", attestation("envelope.statement", "eA")],
    ["a timestamp that is no base64", attestation("verification_material.timestamps", ["!"])],
    ["timestamps that are no texts", attestation("verification_material.timestamps", [{ x: 1 }])],
    ["a key twice", JSON.stringify(PROVENANCE).replace('"version":1', '"version":1,"version":1')],
  ])("%s", (_what, document) => {
    expect(parse(document)).toMatchObject(invalid("BUNDLE_MALFORMED"));
  });
});

describe("what cannot be checked is unsupported", () => {
  const withoutPromise = changed(ENTRY, "inclusionPromise", undefined);
  test.each<[string, JsonValue]>([
    ["a provenance of version 2", changed(PROVENANCE, "version", 2)],
    ["an attestation of version 2", attestation("version", 2)],
    ["two transparency entries, of which the reference tool looks at one", attestation(ENTRIES, [ENTRY, ENTRY])],
    ["a second transparency entry of garbage", attestation(ENTRIES, [ENTRY, {}])],
    ["an unknown publisher", changed(PROVENANCE, "attestation_bundles.0.publisher.kind", "Forgejo")],
    ["a Rekor v2 entry, which proves no time by itself", attestation(ENTRIES, [withoutPromise])],
    [
      "a Rekor v2 entry with no timestamp in its list",
      changed(attestation(ENTRIES, [withoutPromise]), "attestation_bundles.0.attestations.0.verification_material.timestamps", []),
    ],
    ["nine timestamps", attestation("verification_material.timestamps", Array(9).fill("eA=="))],
  ])("%s", (_what, document) => {
    expect(parse(document)).toMatchObject(invalid("BUNDLE_UNSUPPORTED"));
  });
});

describe("bounds", () => {
  test("65 attestations are too many, however they are bundled", () => {
    const bundle = (count: number) => ({ publisher: PUBLISHER, attestations: Array(count).fill(ATTESTATION) });
    expect(parse({ version: 1, attestation_bundles: [bundle(64)] })).toMatchObject({ ok: true });
    expect(parse({ version: 1, attestation_bundles: [bundle(64), bundle(1)] })).toMatchObject(invalid("BUNDLE_LIMIT"));
  });

  test("one byte past 4 MiB, and one level past the depth", () => {
    const body = JSON.stringify(PROVENANCE);
    expect(parse(body.padEnd(4 * 1024 * 1024))).toMatchObject({ ok: true });
    expect(parse(body.padEnd(4 * 1024 * 1024 + 1))).toMatchObject(invalid("BUNDLE_LIMIT"));
    expect(parse(`${"[".repeat(33)}${"]".repeat(33)}`)).toMatchObject(invalid("BUNDLE_LIMIT"));
  });
});

describe("an empty provenance has no items, and is not an error", () => {
  test.each<[string, JsonValue]>([
    ["no bundles", { version: 1, attestation_bundles: [] }],
    ["a bundle of none", { version: 1, attestation_bundles: [{ publisher: PUBLISHER, attestations: [] }] }],
  ])("%s", (_what, document) => {
    expect(parse(document)).toEqual({ ok: true, value: [] });
  });
});

describe("an attestation becomes a bundle", () => {
  const bundleOf = (document: JsonValue) => {
    const parsed = parse(document);
    if (!parsed.ok) throw new Error(parsed.finding.detail);
    return JSON.parse(parsed.value[0]?.bundle.toString() ?? "") as unknown;
  };
  const BUNDLE = {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { certificate: { rawBytes: base64("certificate") }, tlogEntries: [ENTRY] },
    dsseEnvelope: {
      payload: base64('{"_type":"x"}'),
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ sig: base64("signature") }],
    },
  };

  test("of version 0.3", () => {
    expect(bundleOf(PROVENANCE)).toEqual(BUNDLE);
  });

  test("line breaks in base64 go, unknown keys are left behind", () => {
    const statement = base64('{"_type":"x"}');
    expect(bundleOf(attestation("envelope.statement", `${statement.slice(0, 4)}\r\n${statement.slice(4)}\n`))).toEqual(BUNDLE);
    expect(bundleOf(attestation("verification_material.more", { x: 1 }))).toEqual(BUNDLE);
  });

  test("the log entry is handed on as it is, so that what does not belong into it is seen", () => {
    for (const [path, value] of [
      ["more", { x: 1 }],
      ["logId", "x"],
      ["inclusionProof.CHECKPOINT", null],
    ] as const) {
      const entry = changed(ENTRY, path, value);
      expect(bundleOf(attestation(ENTRIES, [entry]))).toMatchObject({ verificationMaterial: { tlogEntries: [entry] } });
    }
  });

  test("the draft's timestamps are handed on", () => {
    const entry = changed(changed(ENTRY, "inclusionPromise", undefined), "integratedTime", undefined);
    const document = changed(attestation(ENTRIES, [entry]), "attestation_bundles.0.attestations.0.verification_material.timestamps", [
      "eA==",
    ]);
    expect(bundleOf(document)).toMatchObject({
      verificationMaterial: { tlogEntries: [entry], timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: "eA==" }] } },
    });
  });

  test("with the publisher that the index names, or none", () => {
    expect(parse(PROVENANCE)).toMatchObject({
      value: [{ label: "PEP 740 attestation 1", publisher: { kind: "GitHub", environment: undefined } }],
    });
    for (const publisher of [null, undefined]) {
      expect(parse(changed(PROVENANCE, "attestation_bundles.0.publisher", publisher))).toMatchObject({ value: [{ publisher: undefined }] });
    }
  });

  test("with a context that gives the same publisher again", () => {
    for (const publisher of [
      PUBLISHER,
      { kind: "GitLab", repository: "a/b", workflow_filepath: "c.yml" },
      { kind: "Google", email: "a@b.example" },
      null,
    ]) {
      const read = parse(changed(PROVENANCE, "attestation_bundles.0.publisher", publisher));
      const [item] = read.ok ? read.value : [];
      expect(publisherOf(item?.context)).toEqual(item?.publisher);
      expect(item?.publisher === undefined).toBe(publisher === null);
    }
    expect(publisherOf(undefined)).toBeUndefined();
  });

  test("a single attestation object too", () => {
    expect(parseAttestation(Buffer.from(JSON.stringify(ATTESTATION)), OPTIONS)).toMatchObject({
      ok: true,
      value: { publisher: undefined },
    });
    expect(parseAttestation(Buffer.from(JSON.stringify(PROVENANCE)), OPTIONS)).toMatchObject(invalid("BUNDLE_MALFORMED"));
  });
});

const DATA = sharedData("pypi");
test.skipIf(!DATA)("every real provenance and attestation is read", () => {
  const folder = join(DATA ?? "", "valid");
  const files = readdirSync(folder);
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    const body = readFileSync(join(folder, file));
    const parsed = file.endsWith(".provenance") ? parseProvenance(body, OPTIONS) : parseAttestation(body, OPTIONS);
    expect(parsed, file).toMatchObject({ ok: true });
  }
});
