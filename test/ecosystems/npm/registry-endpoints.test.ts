import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { AssayError } from "../../../src/core/errors.ts";
import { createNpm } from "../../../src/ecosystems/npm/index.ts";
import { NpmBench, REPOSITORY, request } from "./npm-bench.ts";

const AUDIT = "-/npm/v1/security/advisories/bulk";

const ask = (registry: NpmBench, path: string, options: Parameters<typeof request>[1] = {}) =>
  createNpm(registry.services()).handle(REPOSITORY, request(path, options));
const post = (registry: NpmBench, body: Buffer) => ask(registry, AUDIT, { method: "POST", body: async () => body });

describe("documents that are none are an upstream failure", () => {
  test.each([
    { path: "-/npm/v1/keys", body: "{}", code: "UPSTREAM_MALFORMED" },
    { path: "-/npm/v1/keys", body: '{"keys":{}}', code: "UPSTREAM_MALFORMED" },
    { path: "-/npm/v1/keys", body: "<html>", contentType: "text/html", code: "UPSTREAM_CONTENT_TYPE" },
    { path: "-/npm/v1/attestations/a@1.0.0", body: '{"attestations":"x"}', code: "UPSTREAM_MALFORMED" },
    { path: "-/npm/v1/attestations/a@1.0.0", body: `{"attestations":${"[".repeat(128)}${"]".repeat(128)}}`, code: "UPSTREAM_LIMIT" },
    { path: "-/npm/v1/attestations/a@1.0.0", body: `{"attestations":[${"1,".repeat(60)}1]}`, code: "UPSTREAM_LIMIT" },
    { path: "-/v1/search?text=x", body: "<html>", code: "UPSTREAM_MALFORMED" },
  ])("$path answering $body: $code", async ({ path, body, contentType = "application/json", code }) => {
    const registry = new NpmBench({ sidecarBytes: body.includes("1,") ? 100 : 1000 });
    registry.serveJson("a", { name: "a", versions: {} });
    registry.serve(path, { body, contentType });
    await expect(ask(registry, path)).rejects.toMatchObject({ code });
  });

  test.each(["-/npm/v1/keys", "-/npm/v1/attestations/a@1.0.0", "-/v1/search?text=x"])(
    "%s that upstream has not is not found",
    async (path) => {
      await expect(ask(new NpmBench(), path)).rejects.toMatchObject({ code: "NOT_FOUND" });
    },
  );
});

test.each([
  { path: "-/npm/v1/keys", at: "-/npm/v1/keys", body: '{"keys":[]}' },
  { path: "-/npm/v1/attestations/@s/a@1.0.0", at: "-/npm/v1/attestations/@s%2fa@1.0.0", body: '{"attestations":[{"bundle":{}}]}' },
])("$path is passed on as it is", async ({ path, at, body }) => {
  const registry = new NpmBench();
  registry.serveJson("@s%2fa", { name: "@s/a", versions: {} });
  registry.serve(at, { body, contentType: "application/json" });
  expect(await ask(registry, path)).toMatchObject({ kind: "page", contentType: "application/json", body: Buffer.from(body) });
});

test("a search passes on the parameters that npm has, cut to a length, and no others", async () => {
  const registry = new NpmBench();
  const at = `-/v1/search?text=${"a".repeat(512)}&size=5`;
  registry.serve(at, { body: '{"objects":[]}', contentType: "application/json" });
  expect(await ask(registry, `-/v1/search?size=5&evil=1&text=${"a".repeat(600)}`)).toMatchObject({ kind: "plain", status: 200 });
});

test("ping answers without upstream; whoami says that nobody is logged in", async () => {
  const registry = new NpmBench();
  expect(await ask(registry, "-/ping")).toMatchObject({ kind: "plain", status: 200, body: Buffer.from("{}") });
  expect(await ask(registry, "-/whoami")).toMatchObject({ kind: "plain", status: 401, contentType: "application/json" });
  expect(registry.requests).toEqual([]);
});

describe("audits", () => {
  test("a gzip body that unpacks past limits.requestBodyBytes is refused and not passed on", async () => {
    const registry = new NpmBench({ requestBodyBytes: 1000 });
    registry.serve(AUDIT, { body: "{}", contentType: "application/json" });
    expect(await post(registry, gzipSync(`{}${" ".repeat(998)}`))).toMatchObject({ status: 200 });
    registry.passedOn.length = 0;
    // Refused while it unpacks, not after: the sentence says which.
    const bomb = post(registry, gzipSync(Buffer.alloc(1001)));
    await expect(bomb).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE", message: expect.stringContaining("unpacks to more") });
    await expect(post(registry, Buffer.alloc(1001))).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    await expect(post(registry, Buffer.from([0x1f, 0x8b, 0, 1]))).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect(registry.passedOn).toEqual([]);
  });

  test("an upstream that has no audits, or says so by its status, answers a clean 404; one that is down does not", async () => {
    const registry = new NpmBench();
    await expect(post(registry, Buffer.from("{}"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    registry.passedOnFailure = new AssayError("UPSTREAM_STATUS", "upstream answers 405");
    await expect(post(registry, Buffer.from("{}"))).rejects.toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining("405") });
    registry.passedOnFailure = new AssayError("OFFLINE", "offline: no upstream is asked");
    await expect(post(registry, Buffer.from("{}"))).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("offline"),
    });
    await expect(ask(registry, "-/v1/search?text=a")).rejects.toMatchObject({ code: "NOT_FOUND" });
    registry.passedOnFailure = new AssayError("UPSTREAM_TIMEOUT", "upstream is silent");
    await expect(post(registry, Buffer.from("{}"))).rejects.toMatchObject({ code: "UPSTREAM_TIMEOUT" });
  });

  test.each([
    { form: "plain", encode: (body: Buffer) => body },
    { form: "gzip", encode: (body: Buffer) => gzipSync(body) },
  ])("a $form body reaches upstream plain, and the advisories come back", async ({ encode }) => {
    const registry = new NpmBench();
    registry.serve(AUDIT, { body: '{"a":[]}', contentType: "application/json" });
    const body = Buffer.from('{"a":["1.0.0"]}');
    expect(await post(registry, encode(body))).toMatchObject({ kind: "plain", status: 200, body: Buffer.from('{"a":[]}') });
    expect(registry.passedOn).toMatchObject([{ method: "POST", requestBody: body, contentType: "application/json" }]);
  });
});
