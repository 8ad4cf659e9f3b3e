import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "../../../src/core/json.ts";
import { isSubjectName, parseAttestations } from "../../../src/ecosystems/npm/attestations.ts";
import { sharedData } from "../../support/shared-data.ts";

const OPTIONS = { source: "the attestations of tool@1.3.0", maxDepth: 32 };
const TYPE = "https://slsa.dev/provenance/v1";
const statement = (text: string) => Buffer.from(text).toString("base64");
const STATEMENT = statement(JSON.stringify({ predicateType: TYPE }));

interface Changes {
  readonly predicateType?: JsonValue;
  readonly payload?: JsonValue;
  readonly keyid?: JsonValue;
  readonly material?: JsonObject;
  readonly bundle?: JsonValue;
}

function entry({ predicateType = TYPE, payload = STATEMENT, keyid = "", material = {}, bundle }: Changes = {}): JsonObject {
  const envelope = { payload, payloadType: "application/vnd.in-toto+json", signatures: [{ sig: "eA==", keyid }] };
  return { predicateType, bundle: bundle ?? { mediaType: "m", verificationMaterial: material, dsseEnvelope: envelope } };
}

const parse = (document: JsonValue | string) =>
  parseAttestations(Buffer.from(typeof document === "string" ? document : JSON.stringify(document)), OPTIONS);
const one = (changes: Changes) => parse({ attestations: [entry(changes)] });
const invalid = (code: string) => ({ ok: false, finding: { code } });

describe("what is no attestation is refused", () => {
  test.each<[string, JsonValue | string, string]>([
    ["text that is no JSON", "{", "BUNDLE_MALFORMED"],
    ["a list", [], "BUNDLE_MALFORMED"],
    ["no attestations", {}, "BUNDLE_MALFORMED"],
    ["attestations that are no list", { attestations: {} }, "BUNDLE_MALFORMED"],
    ["an attestation that is no object", { attestations: ["x"] }, "BUNDLE_MALFORMED"],
    ["attestations twice", '{"attestations":[],"attestations":[]}', "BUNDLE_MALFORMED"],
    ["65 attestations", { attestations: Array(65).fill(entry()) }, "BUNDLE_LIMIT"],
    ["one byte past 8 MiB", '{"attestations":[]}'.padEnd(8 * 1024 * 1024 + 1), "BUNDLE_LIMIT"],
    ["33 levels", `${"[".repeat(33)}${"]".repeat(33)}`, "BUNDLE_LIMIT"],
  ])("%s", (_what, document, code) => {
    expect(parse(document)).toMatchObject(invalid(code));
  });

  test.each<[string, Changes, string]>([
    ["no predicate type", { predicateType: null }, "BUNDLE_MALFORMED"],
    ["a bundle that is no object", { bundle: "x" }, "BUNDLE_MALFORMED"],
    ["a bundle without envelope", { bundle: { verificationMaterial: {} } }, "BUNDLE_MALFORMED"],
    ["a payload that is no text", { payload: 7 }, "BUNDLE_MALFORMED"],
    ["a payload with a line break", { payload: `${STATEMENT}\n` }, "BUNDLE_MALFORMED"],
    ["a payload that is no JSON", { payload: statement("x") }, "STATEMENT_MALFORMED"],
    ["a payload with its type twice", { payload: statement(`{"predicateType":"x","predicateType":"${TYPE}"}`) }, "STATEMENT_MALFORMED"],
    ["a payload without type", { payload: statement("{}") }, "STATEMENT_MALFORMED"],
    ["another type than is signed", { predicateType: "https://slsa.dev/provenance/v0.2" }, "PREDICATE_MISMATCH"],
  ])("%s", (_what, changes, code) => {
    expect(one(changes)).toMatchObject(invalid(code));
  });

  test("one that is wrong spoils the document", () => {
    expect(parse({ attestations: [entry(), entry({ predicateType: "x" })] })).toMatchObject(invalid("PREDICATE_MISMATCH"));
  });
});

test("attestations are handed on as they are, in their order", () => {
  const [first, second] = [entry(), entry({ keyid: "SHA256:x", material: { publicKey: { hint: "SHA256:x" } } })];
  expect(parse({ attestations: [first, second] })).toEqual({
    ok: true,
    value: [
      { label: "npm attestation 1", predicateType: TYPE, bundle: Buffer.from(JSON.stringify(first["bundle"])) },
      { label: "npm attestation 2", predicateType: TYPE, bundle: Buffer.from(JSON.stringify(second["bundle"])) },
    ],
  });
});

test("an empty list has no items", () => {
  expect(parse({ attestations: [] })).toEqual({ ok: true, value: [] });
});

describe("the subject's name", () => {
  test.each([
    ["tool", "1.3.0", "pkg:npm/tool@1.3.1"],
    ["tool", "1.3.0", "pkg:npm/tool@1.3.0?x=y"],
    ["tool", "1.3.0", "pkg:npm/tool"],
    ["tool", "1.3.0", "pkg:pypi/tool@1.3.0"],
    ["tool", "1.3.0", "tool@1.3.0"],
    ["tool", "1.3.0", "pkg:npm/%40acme/tool@1.3.0"],
    ["@acme/tool", "1.3.0", "pkg:npm/@acme/tool@1.3.0"],
    ["@acme/tool", "1.3.0", "pkg:npm/tool@1.3.0"],
    ["@acme/tool", "1.3.0", "pkg:npm/%40Acme/tool@1.3.0"],
    ["@acme/tool", "1.3.0", "pkg:npm/%40acme%2Ftool@1.3.0"],
  ])("of %s %s is not %s", (name, version, subject) => {
    expect(isSubjectName(subject, { name, version })).toBe(false);
  });

  test.each([
    ["tool", "1.3.0", "pkg:npm/tool@1.3.0"],
    ["@acme/tool", "1.3.0-rc.1", "pkg:npm/%40acme/tool@1.3.0-rc.1"],
    ["tool", "1.3.0+build", "pkg:npm/tool@1.3.0+build"],
  ])("of %s %s is %s", (name, version, subject) => {
    expect(isSubjectName(subject, { name, version })).toBe(true);
  });
});

const DATA = sharedData("npm");
describe.skipIf(!DATA)("real attestations", () => {
  const folder = join(DATA ?? "", "bundles");
  const files = DATA ? readdirSync(folder).filter((file) => file.endsWith("-attestations.json")) : [];
  test("there are some", () => expect(files.length).toBeGreaterThan(5));

  test.each(files)("%s", (file) => {
    const parsed = parseAttestations(readFileSync(join(folder, file)), OPTIONS);
    expect(parsed).toMatchObject({ ok: true, value: [expect.anything(), expect.anything()] });
  });
});
