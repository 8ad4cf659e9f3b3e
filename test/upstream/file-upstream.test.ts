import { execFileSync } from "node:child_process";
import { appendFile, mkdir, mkdtemp, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clientFor, codeOf, collect, download, failureOf, fake, patternBytes } from "./harness.ts";

let parent: string;
let base: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "assay-file-upstream-"));
  const root = join(parent, "registry");
  base = `${pathToFileURL(root).href}/`;
  await mkdir(join(root, "inner"), { recursive: true });
  await mkdir(join(parent, "registry-other"));
  await writeFile(join(parent, "secret"), "secret");
  await writeFile(join(parent, "registry-other", "secret"), "secret");
  await writeFile(join(root, "index.json"), '{"a": 1}');
  await symlink("../secret", join(root, "link-out"));
  await symlink("..", join(root, "folder-out"));
  await symlink("index.json", join(root, "link-in"));
  await symlink("loop", join(root, "loop"));
  execFileSync("mkfifo", [join(root, "fifo")]);
});
afterEach(() => rm(parent, { recursive: true }));

describe("a folder is not left", () => {
  test.each([
    ["by a link to a file", "link-out"],
    ["by a link to a folder", "folder-out/secret"],
    ["by dot segments", "../secret"],
    ["by encoded dot segments", "%2e%2e/secret"],
    ["by an encoded slash", "..%2fsecret"],
    ["by a sibling whose name starts alike", "../registry-other/secret"],
    ["by an absolute path", "/etc/passwd"],
    ["by a host", "file://elsewhere/etc/passwd"],
    ["by a NUL", "index.json%00"],
    ["by a FIFO, which would wait for ever", "fifo"],
    ["by a link to itself", "loop"],
    ["by another scheme", "data:text/plain,x"],
    ["by http to an origin that is not listed", "http://127.0.0.1:1/x"],
    ["by https to a public origin: a folder is not public", "https://203.0.113.9/x"],
  ])("%s: %s is UPSTREAM_ADDRESS", async (_, url) => {
    const { fetch, open } = clientFor(base);
    expect(await codeOf(fetch(url))).toBe("UPSTREAM_ADDRESS");
    expect(await codeOf(open(url))).toBe("UPSTREAM_ADDRESS");
  });

  test("and no http upstream gets into one", async () => {
    const upstream = await fake();
    const { fetch, open } = clientFor(upstream.url("/"));
    expect(await codeOf(fetch(new URL("index.json", base)))).toBe("UPSTREAM_ADDRESS");
    expect(await codeOf(open(new URL("index.json", base)))).toBe("UPSTREAM_ADDRESS");
  });
});

describe("a folder that is a registry", () => {
  test.each(["index.json", "link-in", "inner/../index.json"])("serves %s as a document, with validators", async (url) => {
    const { fetch } = clientFor(base);
    const answer = await fetch(url);
    expect(answer).toMatchObject({ kind: "document", response: { body: Buffer.from('{"a": 1}'), contentType: "" } });
    if (answer.kind !== "document") return;
    const { etag = "", lastModified = "" } = answer.response;
    expect(await fetch(url, { etag })).toEqual({ kind: "not-modified" });
    expect(await fetch(url, { lastModified })).toEqual({ kind: "not-modified" });
    await utimes(join(parent, "registry", "index.json"), 1, 1);
    expect(await fetch(url, { etag })).toMatchObject({ kind: "document" });
    expect(await fetch(url, { lastModified })).toMatchObject({ kind: "document" });
  });

  test.each(["none.json", "index.json/below", "inner", "inner/", `${"n".repeat(300)}.json`])("does not have %s", async (url) => {
    const { fetch, open } = clientFor(base);
    expect(await fetch(url)).toEqual({ kind: "absent" });
    expect(await codeOf(open(url))).toBe("NOT_FOUND");
  });

  test("is unreachable when it is not there: not a registry that lost everything", async () => {
    await rm(join(parent, "registry"), { recursive: true });
    const failure = await failureOf(clientFor(base).fetch("index.json"));
    expect(failure.code).toBe("UPSTREAM_UNREACHABLE");
    expect(failure.message).not.toContain(parent); // Clients see messages; the path is the operator's business.
  });

  test("streams archives of any size from one buffer", async () => {
    const bytes = patternBytes(1_000_001);
    await writeFile(join(parent, "registry", "a.aam"), bytes);
    await writeFile(join(parent, "registry", "empty.aam"), "");
    const harness = clientFor(base);
    expect(await harness.open("a.aam")).toMatchObject({ sizeBytes: bytes.length, checksums: {} });
    expect(await download(harness, "a.aam")).toEqual(bytes);
    expect(await download(harness, "empty.aam")).toEqual(Buffer.alloc(0));
  });

  test("is bounded: one byte past the limit is UPSTREAM_LIMIT", async () => {
    const { fetch, open } = clientFor(base);
    expect(await codeOf(fetch("index.json", { maxBytes: 7 }))).toBe("UPSTREAM_LIMIT");
    expect(await codeOf(open("index.json", 7))).toBe("UPSTREAM_LIMIT");
    expect(await fetch("index.json", { maxBytes: 8 })).toMatchObject({ kind: "document" });
  });

  test.each([
    { name: "shrinks", change: (path: string) => truncate(path, 300_000), code: "UPSTREAM_TRUNCATED" },
    { name: "grows", change: (path: string) => appendFile(path, "more"), code: "UPSTREAM_LENGTH" },
  ])("fails when a file $name while it is read", async ({ change, code }) => {
    const path = join(parent, "registry", "a.aam");
    await writeFile(path, patternBytes(600_000));
    const { bytes } = await clientFor(base).open("a.aam");
    const iterator = bytes[Symbol.asyncIterator]();
    await iterator.next();
    await change(path);
    expect(await codeOf(collect({ [Symbol.asyncIterator]: () => iterator }))).toBe(code);
  });

  test("fails when a file is replaced between opening and reading it", async () => {
    const { bytes } = await clientFor(base).open("index.json");
    await writeFile(join(parent, "registry", "index.json"), "something else");
    expect(await codeOf(collect(bytes))).toBe("UPSTREAM_TRUNCATED");
  });

  test("takes no POST", async () => {
    expect(await codeOf(clientFor(base).fetch("index.json", { method: "POST", requestBody: Buffer.alloc(0) }))).toBe("UPSTREAM_STATUS");
  });

  test("may name files on a listed origin", async () => {
    const files = await fake();
    files.serve("/a.aam", { body: "bytes" });
    expect(await download(clientFor(base, { fileOrigins: [files.origin] }), files.url("/a.aam"))).toEqual(Buffer.from("bytes"));
  });
});
