import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AssayError } from "../../../src/core/errors.ts";
import { demoPage, FILES, fileEntry, METADATA, PypiBench, SDIST, sha256, WHEEL, WHEEL_BYTES } from "./pypi-fixture.ts";

const METADATA_PATH = `files/demo-pkg/${WHEEL}.metadata`;
const METADATA_URL = `${FILES}/packages/aa/bb/${WHEEL}.metadata`;
const PROVENANCE_URL = `${FILES}/provenance/${WHEEL}`;
const INTEGRITY_PATH = `integrity/demo-pkg/1.0/${WHEEL}/provenance`;
const INTEGRITY_TYPE = "application/vnd.pypi.integrity.v1+json";
const PROVENANCE = '{ "version": 1, "attestation_bundles": [] }\n';

function bench(more: { metadata?: string; provenance?: string } = {}): PypiBench {
  const made = new PypiBench().publish("demo-pkg", demoPage());
  if (more.metadata !== undefined) made.memory.pages.set(METADATA_URL, { contentType: "binary/octet-stream", body: more.metadata });
  if (more.provenance !== undefined) made.memory.pages.set(PROVENANCE_URL, { contentType: "application/json", body: more.provenance });
  return made;
}

describe("a .metadata file", () => {
  test("other bytes than promised are never served", async () => {
    await expect(bench({ metadata: `${METADATA}Requires-Dist: evil\n` }).get(METADATA_PATH)).rejects.toMatchObject({
      code: "UPSTREAM_MALFORMED",
      message: expect.stringContaining(sha256(METADATA)),
    });
  });

  test("what was held for an older promise does not answer for a newer one", async () => {
    const made = bench({ metadata: METADATA });
    await made.page(METADATA_PATH);
    made.publish("demo-pkg", demoPage({ files: [fileEntry(WHEEL, WHEEL_BYTES, { "core-metadata": { sha256: sha256("newer") } })] }));
    await expect(made.get(METADATA_PATH)).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });

  test("that was damaged while it was held is not served", async () => {
    const made = bench({ metadata: METADATA });
    await made.page(METADATA_PATH);
    made.memory.failure = new AssayError("UPSTREAM_TIMEOUT", "too slow");
    expect((await made.page(METADATA_PATH)).freshness.stale).toBe("too slow");
    made.memory.damage(`metadata/${WHEEL}/${sha256(METADATA)}`);
    await expect(made.get(METADATA_PATH)).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });

  test("of a file whose digest upstream has changed since it was admitted is not served", async () => {
    const made = bench({ metadata: METADATA });
    const ref = { repository: "pypi", ecosystem: "pypi" as const, name: "demo-pkg", version: "1.0", file: WHEEL };
    made.memory.admit(ref, "the bytes that were verified");
    await expect(made.get(METADATA_PATH)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(made.memory.requests).not.toContain(METADATA_URL);
  });

  test.each([
    ["none is promised", `files/demo-pkg/${SDIST}.metadata`],
    ["the file is not listed", "files/demo-pkg/demo_pkg-2.0-py3-none-any.whl.metadata"],
    ["the project is not there", "files/other/other-1.0.tar.gz.metadata"],
    ["it is promised, but upstream has none", METADATA_PATH],
  ])("is not found where %s", async (_what, path) => {
    await expect(bench().get(path)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("is not asked for where only its existence is promised", async () => {
    const made = bench({ metadata: METADATA }).publish("demo-pkg", demoPage({ files: [fileEntry(WHEEL, "w", { "core-metadata": true })] }));
    await expect(made.get(METADATA_PATH)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(made.memory.requests).not.toContain(METADATA_URL);
  });

  test("of more bytes than the limit is an error", async () => {
    const made = new PypiBench({ sidecarBytes: METADATA.length - 1 }).publish("demo-pkg", demoPage());
    made.memory.pages.set(METADATA_URL, { contentType: "", body: METADATA });
    await expect(made.get(METADATA_PATH)).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
  });

  test("with the promised digest is served as it is", async () => {
    const answer = await bench({ metadata: METADATA }).page(METADATA_PATH);
    expect(answer).toMatchObject({ contentType: "text/plain; charset=utf-8", name: "demo-pkg", varies: { accept: false, origin: false } });
    expect(answer.body.toString()).toBe(METADATA);
  });

  test("keeps the query of a signed address", async () => {
    const made = new PypiBench();
    const url = `${FILES}/${WHEEL}?signature=abc`;
    made.publish("demo-pkg", demoPage({ files: [fileEntry(WHEEL, "w", { url, "core-metadata": { sha256: sha256(METADATA) } })] }));
    made.memory.pages.set(`${FILES}/${WHEEL}.metadata?signature=abc`, { contentType: "", body: METADATA });
    expect((await made.page(METADATA_PATH)).body.toString()).toBe(METADATA);
  });
});

describe("a provenance object", () => {
  test.each([
    ["an error page", "<h1>error</h1>"],
    ["a list", "[]"],
    ["another object", '{"version": 1}'],
  ])("%s in its place is malformed", async (_what, provenance) => {
    await expect(bench({ provenance }).get(INTEGRITY_PATH)).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
    await expect(bench({ provenance }).get(`files/demo-pkg/${WHEEL}.provenance`)).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });

  test("that nests too deep is past the limit", async () => {
    const provenance = `{"attestation_bundles": ${"[".repeat(128)}${"]".repeat(128)}}`;
    await expect(bench({ provenance }).get(INTEGRITY_PATH)).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
  });

  test("that cannot be fetched is not absent", async () => {
    const made = bench();
    await made.page("simple/demo-pkg/");
    made.memory.failure = new AssayError("UPSTREAM_STATUS", "upstream answered 403");
    await expect(made.get(INTEGRITY_PATH)).rejects.toMatchObject({ code: "UPSTREAM_STATUS" });
  });

  test.each([
    ["upstream says that there is none", SDIST],
    ["the file is not listed", "demo_pkg-1.0-py2-none-any.whl"],
    ["upstream names one and has none", WHEEL],
  ])("is absent where %s, in the words of the Integrity API", async (_what, file) => {
    const answer = await bench().get(`integrity/demo-pkg/1.0/${file}/provenance`);
    expect(answer).toMatchObject({ kind: "plain", status: 404, contentType: "application/json" });
    expect(JSON.parse(answer.kind === "plain" ? answer.body.toString() : "")).toEqual({ message: `No provenance available for ${file}` });
    await expect(bench().get(`files/demo-pkg/${file}.provenance`)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("is not served as HTML", async () => {
    await expect(bench({ provenance: PROVENANCE }).get(INTEGRITY_PATH, { accept: "text/html" })).rejects.toMatchObject({
      code: "NOT_ACCEPTABLE",
    });
  });

  test.each([
    [INTEGRITY_PATH, undefined, INTEGRITY_TYPE],
    [INTEGRITY_PATH, "application/json", "application/json"],
    [`integrity/Demo.Pkg/1.0.0/${WHEEL}/provenance`, "*/*", INTEGRITY_TYPE],
    [`files/demo-pkg/${WHEEL}.provenance`, "application/json", INTEGRITY_TYPE],
  ])("at %s for Accept %s is served byte for byte as %s", async (path, accept, contentType) => {
    const answer = await bench({ provenance: PROVENANCE }).get(path, { accept });
    expect(answer).toMatchObject({ kind: "page", contentType, body: Buffer.from(PROVENANCE) });
  });
});

const DATA = join(process.env["ASSAY_TEST_DATA"] ?? "../shared/data", "pypi/valid");

describe.skipIf(!existsSync(DATA))("real provenance objects (skipped where the shared test data is absent)", () => {
  const files = existsSync(DATA) ? readdirSync(DATA).filter((file) => file.endsWith(".provenance")) : [];

  test.each(files)("%s passes", async (provenanceFile) => {
    const file = provenanceFile.slice(0, -".provenance".length);
    const [name = "", version = ""] = file.replace(/\.tar\.gz$/, "").split("-");
    const project = name.replaceAll("_", "-");
    const url = `${FILES}/${provenanceFile}`;
    const made = new PypiBench().publish(project, { meta: { "api-version": "1.3" }, files: [fileEntry(file, "x", { provenance: url })] });
    const body = readFileSync(join(DATA, provenanceFile));
    made.memory.pages.set(url, { contentType: INTEGRITY_TYPE, body });
    expect(await made.get(`integrity/${project}/${version}/${file}/provenance`)).toMatchObject({ kind: "page", body });
  });
});
