import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

const TOOL = "/git/git.example/acme/tool";
const REFS = `${TOOL}/info/refs?service=git-upload-pack`;
const PACK = `${TOOL}/git-upload-pack`;
const AS_REQUEST = { "Content-Type": "application/x-git-upload-pack-request", "Git-Protocol": "version=2" };
/** https://git-scm.com/docs/protocol-v2#_ls_refs */
const LS_REFS = Buffer.from("0014command=ls-refs\n00010000");

let server: GitServer;
let mirror: MirrorBench;
let commit: string;

beforeEach(async () => {
  server = await startGitServer();
  commit = server.repository("acme/tool").commit("one");
  const config = `repositories: []\nlimits: {request_body: 10kB}\ngit: {hosts: [{host: git.example, url: "${server.origin}/"}]}\n`;
  mirror = await startMirror({ config });
});
afterEach(async () => {
  await mirror.close();
  await server.close();
});

const post = (body: Buffer, headers: Record<string, string> = {}, path = PACK) =>
  mirror.get(path, { method: "POST", body: new Uint8Array(body), headers: { ...AS_REQUEST, ...headers } });

describe("what is no request for a repository", () => {
  test.each([
    { name: "no owner", target: "/git/git.example/tool/info/refs?service=git-upload-pack", status: 404 },
    { name: "a group below an owner", target: "/git/git.example/a/b/c/info/refs?service=git-upload-pack", status: 404 },
    { name: "a dot segment", target: "/git/git.example/acme/../tool/info/refs?service=git-upload-pack", status: 400 },
    { name: "an encoded dot segment", target: "/git/git.example/acme/%2e%2e/info/refs?service=git-upload-pack", status: 400 },
    { name: "an encoded slash in the owner", target: "/git/git.example/acme%2fx/tool/info/refs?service=git-upload-pack", status: 404 },
    { name: "an encoded slash for the one after info", target: `${TOOL}/info%2frefs?service=git-upload-pack`, status: 404 },
    { name: "two endings", target: "/git/git.example/acme/tool.git.git/info/refs?service=git-upload-pack", status: 404 },
    { name: "an ending alone", target: "/git/git.example/acme/.git/info/refs?service=git-upload-pack", status: 404 },
    { name: "a line break", target: "/git/git.example/acme/tool%0a/info/refs?service=git-upload-pack", status: 400 },
    {
      name: "a host and a port that is not configured",
      target: "/git/git.example:22/acme/tool/info/refs?service=git-upload-pack",
      status: 403,
    },
    { name: "a host with user information", target: "/git/me@git.example/acme/tool/info/refs?service=git-upload-pack", status: 403 },
    { name: "a transport", target: "/git/ext::sh/acme/tool/info/refs?service=git-upload-pack", status: 403 },
    { name: "the dumb protocol", target: `${TOOL}/info/refs`, status: 403 },
    { name: "a file of the dumb protocol", target: `${TOOL}/HEAD`, status: 404 },
    { name: "git's own configuration", target: `${TOOL}/config`, status: 404 },
    { name: "another service", target: `${TOOL}/info/refs?service=git-upload-archive`, status: 403 },
    { name: "a push", target: `${TOOL}/info/refs?service=git-receive-pack`, status: 403 },
    { name: "a push that asks for no refs first", target: `${TOOL}/git-receive-pack`, status: 403 },
    { name: "objects with the wrong verb", target: PACK, status: 405 },
  ])("$name", async ({ target, status }) => {
    const answer = await mirror.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    expect(answer).toContain("Content-Type: text/plain; charset=utf-8");
    expect(server.requests).toEqual([]);
  });

  test("no repository of packages can stand in the way", async () => {
    await expect(startMirror({ config: "repositories: [{name: git, ecosystem: aam}]" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("without a configured host there is nothing at all", async () => {
    const other = await startMirror({ config: "repositories: []" });
    expect((await other.get(REFS)).status).toBe(404);
    await other.close();
  });
});

describe("a request body", () => {
  test.each([
    { name: "of another type", body: LS_REFS, headers: { "Content-Type": "application/octet-stream" }, status: 400 },
    { name: "in another coding", body: LS_REFS, headers: { "Content-Encoding": "br" }, status: 400 },
    { name: "that is no gzip", body: LS_REFS, headers: { "Content-Encoding": "gzip" }, status: 400 },
    { name: "one byte too large", body: Buffer.alloc(10_001, "0"), headers: {}, status: 413 },
    {
      name: "that unpacks to one byte too much",
      body: gzipSync(Buffer.alloc(10_001, "0")),
      headers: { "Content-Encoding": "gzip" },
      status: 413,
    },
    { name: "that git does not take", body: Buffer.from("not git"), headers: {}, status: 400 },
    { name: "that asks for what is not there", body: want("ab".repeat(20)), headers: { "Git-Protocol": "version=0" }, status: 200 },
  ])("$name", async ({ body, headers, status }) => {
    const answer = await post(body, headers);
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toContain("PACK");
  });

  test("plain, gzipped and in chunks comes to the same", async () => {
    const plain = await (await post(LS_REFS)).text();
    expect(plain).toContain(`${commit} refs/heads/main`);
    expect(await (await post(gzipSync(LS_REFS), { "Content-Encoding": "gzip" })).text()).toBe(plain);
    const head = `POST ${PACK} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nGit-Protocol: version=2\r\n`;
    const chunked = `${head}Content-Type: application/x-git-upload-pack-request\r\n\r\n${LS_REFS.length.toString(16)}\r\n${LS_REFS}\r\n0\r\n\r\n`;
    expect(await mirror.raw(chunked)).toContain(`${commit} refs/heads/main`);
  });

  test("of a flush packet alone, which git sends to try out credentials, has an empty answer", async () => {
    const answer = await post(Buffer.from("0000"), { "Git-Protocol": "version=0" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });
});

function want(object: string): Buffer {
  return Buffer.from(`0032want ${object}\n00000009done\n`);
}

test.each([
  { protocol: undefined, starts: "001e# service=git-upload-pack\n0000" },
  { protocol: "version=1", starts: "001e# service=git-upload-pack\n0000000eversion 1\n" },
  { protocol: "version=2", starts: "000eversion 2\n" },
  { protocol: "key:version=2", starts: "000eversion 2\n" },
  { protocol: "version=3; touch x", starts: "001e# service=git-upload-pack\n0000" },
])("refs for Git-Protocol $protocol", async ({ protocol, starts }) => {
  const headers: Record<string, string> = protocol === undefined ? {} : { "Git-Protocol": protocol };
  const answer = await mirror.get(REFS, { headers });
  expect((await answer.text()).slice(0, starts.length)).toBe(starts);
  expect(answer.headers.get("content-type")).toBe("application/x-git-upload-pack-advertisement");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  const head = await mirror.get(REFS, { headers, method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, answer.headers.get("content-length"), ""]);
});

describe("what is on record", () => {
  test.each([
    { name: "no name", query: "", status: 400 },
    { name: "half a name", query: "?repository=git.example/acme", status: 400 },
    { name: "a name that is none", query: "?repository=git.example/acme/..", status: 404 },
    { name: "one that nobody asked for yet", query: "?repository=git.example/acme/other", status: 404 },
  ])("$name", async ({ query, status }) => {
    expect((await mirror.get(`/api/v1/git${query}`)).status).toBe(status);
  });

  test("each ref with what upstream has there, and what became of it", async () => {
    await mirror.get(REFS);
    const asked = server.requests.length;
    const answer = (await (await mirror.get("/api/v1/git?repository=git.example/ACME/tool.git")).json()) as Record<string, unknown>;
    expect(answer).toMatchObject({
      repository: "git.example/acme/tool",
      head: "refs/heads/main",
      refs: [{ ref: "refs/heads/main", object: commit, upstream: commit }],
      pins: [],
      changes: [{ ref: "refs/heads/main", kind: "created", before: null, after: commit }],
    });
    expect(server.requests.length).toBe(asked);
  });
});
