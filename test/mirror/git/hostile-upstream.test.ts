import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type GitServer, runGitClient, startGitServer, type UpstreamRepository } from "../../support/git-server.ts";
import { type MirrorBench, startMirror } from "../../support/mirror-bench.ts";

const REFS = "/git/git.example/acme/tool/info/refs?service=git-upload-pack";

let server: GitServer;
let upstream: UpstreamRepository;
let folder: string;
const mirrors: MirrorBench[] = [];

beforeEach(async () => {
  server = await startGitServer();
  upstream = server.repository("acme/tool");
  folder = mkdtempSync(join(tmpdir(), "assay-git-hostile-"));
});
afterEach(async () => {
  await Promise.all(mirrors.splice(0).map((mirror) => mirror.close()));
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start({
  git = "refresh: 0s",
  host = "",
  more = "",
  dataDir,
}: {
  git?: string;
  host?: string;
  more?: string;
  dataDir?: string;
} = {}) {
  const config = `repositories: []\n${more}git: {hosts: [{host: git.example, url: "${server.origin}/", retries: 0${host}}], ${git}}\n`;
  const mirror = await startMirror({ config, ...(dataDir === undefined ? {} : { dataDir }) });
  mirrors.push(mirror);
  return mirror;
}

/** Refs as a client sees them, in protocol version 0. */
async function refs(mirror: MirrorBench): Promise<{ readonly status: number; readonly text: string; readonly headers: Headers }> {
  const answer = await mirror.get(REFS);
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

/** What is left in quarantine. */
function leftovers({ dataDir }: MirrorBench): readonly string[] {
  const quarantine = join(dataDir, "git", "tmp");
  return existsSync(quarantine) ? readdirSync(quarantine) : [];
}

describe("objects that could harm whoever checks them out", () => {
  test.each([
    { name: "a file below .git", entry: ".git" },
    { name: "the same as some file systems read it", entry: ".GIT" },
    { name: "the same as Windows reads it", entry: "git~1" },
    { name: "a way out", entry: ".." },
    { name: "a path in place of a name", entry: "a/b" },
  ])("$name is not taken, and nobody is served it", async ({ entry }) => {
    const blob = upstream.git(["hash-object", "-w", "--stdin"], "evil");
    const raw = Buffer.concat([Buffer.from(`100644 ${entry}\0`), Buffer.from(blob, "hex")]);
    const made = upstream.git(["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], raw);
    upstream.git(["update-ref", "refs/heads/main", upstream.git(["commit-tree", "-m", "evil", made])]);
    const mirror = await start();
    const { status, text } = await refs(mirror);
    expect(status).toBe(502);
    expect(text).toMatch(/^assay: git did not take git\.example\/acme\/tool: /);
    expect(leftovers(mirror)).toEqual([]);
  });

  test("a submodule whose address is an option is not taken; what was there before is served on", async () => {
    const before = upstream.commit("before");
    const mirror = await start();
    expect((await refs(mirror)).status).toBe(200);
    upstream.commit('[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch /evil\n', { file: ".gitmodules" });
    const { status, text, headers } = await refs(mirror);
    expect(status).toBe(200);
    expect(text).toContain(`${before} refs/heads/main`);
    expect(headers.get("x-assay-stale")).toContain("git did not take git.example/acme/tool");
  });

  test("an old commit with a time zone that never was is taken: nothing can be done with it", async () => {
    const made = upstream.git(["commit-tree", "-m", "old", upstream.git(["hash-object", "-w", "-t", "tree", "--stdin"])]);
    const old = upstream.git(["cat-file", "commit", made]).replaceAll("+0000", "+051800");
    const commit = upstream.git(["hash-object", "-w", "-t", "commit", "--literally", "--stdin"], `${old}\n`);
    upstream.git(["update-ref", "refs/heads/main", commit]);
    expect((await refs(await start())).text).toContain(commit);
  });
});

describe("limits", () => {
  test("a repository that is larger is given up, and leaves nothing", async () => {
    upstream.commit(randomBytes(400_000).toString("hex"));
    const mirror = await start({ more: "limits: {git_repository: 300kB}\n" });
    expect(await refs(mirror)).toMatchObject({ status: 502, text: expect.stringContaining("is larger than 300000 bytes") });
    expect(leftovers(mirror)).toEqual([]);
  });

  test("one ref too many", async () => {
    const commit = upstream.commit("one");
    upstream.point("refs/tags/v1", commit);
    expect((await refs(await start({ more: "limits: {git_refs: 2}\n" }))).status).toBe(200);
    expect(await refs(await start({ more: "limits: {git_refs: 1}\n" }))).toMatchObject({
      status: 502,
      text: expect.stringContaining("more than 1 branches and tags"),
    });
  });

  test("an upstream that begins to send objects and never ends is given up", async () => {
    upstream.commit("one");
    const mirror = await start({ more: "limits: {git_fetch: 2s}\n" });
    server.answerInstead((request, response) => {
      if (request.method === "GET") return server.answer(request, response);
      response.writeHead(200, { "Content-Type": "application/x-git-upload-pack-result" }).flushHeaders();
    });
    expect(await refs(mirror)).toMatchObject({ status: 504, text: expect.stringContaining("did not finish within 2 s") });
    expect(leftovers(mirror)).toEqual([]);
  });

  test("an upstream that does not answer is given up, and what is held is served meanwhile", async () => {
    const commit = upstream.commit("one");
    const mirror = await start({ host: ", timeouts: {headers: 300ms}" });
    await refs(mirror);
    server.answerInstead(() => {});
    const { status, text, headers } = await refs(mirror);
    expect(status).toBe(200);
    expect(text).toContain(commit);
    expect(headers.get("x-assay-stale")).toContain("no answer in time");
  });
});

describe("an upstream that is something else", () => {
  test.each<{ name: string; answer: (response: ServerResponse) => void; status: number }>([
    {
      name: "a login page",
      answer: (response) => void response.writeHead(200, { "Content-Type": "text/html" }).end("<form>"),
      status: 502,
    },
    {
      name: "a request for credentials",
      answer: (response) => void response.writeHead(401, { "WWW-Authenticate": "Basic" }).end(),
      status: 502,
    },
    {
      name: "a server that knows only the dumb protocol",
      answer: (response) => void response.writeHead(200, { "Content-Type": "text/plain" }).end("x\trefs/heads/main"),
      status: 502,
    },
    { name: "a redirect to a port of this machine", answer: (response) => redirect(response, "http://127.0.0.1:1/info/refs"), status: 502 },
    { name: "a redirect to a file", answer: (response) => redirect(response, "file:///etc/passwd"), status: 502 },
    { name: "nobody who has it", answer: (response) => void response.writeHead(404).end(), status: 404 },
  ])("$name", async ({ answer, status }) => {
    server.repository("other/tool").commit("other");
    server.answerInstead((request, response) => (request.url?.startsWith("/acme/") ? answer(response) : server.answer(request, response)));
    const answered = await refs(await start());
    expect(answered.status).toBe(status);
    expect(answered.text).toMatch(/^assay: /);
    expect(server.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
  });

  test("a repository that has moved is asked for by its new name, since whoever takes the old one next could say what is there", async () => {
    server.repository("other/tool").commit("other");
    const moved = "/other/tool/info/refs?service=git-upload-pack";
    server.answerInstead((request, response) => (request.url === moved ? server.answer(request, response) : redirect(response, moved)));
    const { status, text } = await refs(await start());
    expect(status).toBe(502);
    expect(text).toContain("git.example/acme/tool has moved to 127.0.0.1");
  });

  test("a redirect in place of objects is not followed by git", async () => {
    upstream.commit("one");
    server.repository("other/tool").commit("other");
    server.answerInstead((request, response) => {
      const isObjects = request.headers["user-agent"]?.startsWith("git/") && request.url?.startsWith("/acme/");
      if (isObjects) return redirect(response, `/other/tool/info/refs?service=git-upload-pack`);
      return server.answer(request, response);
    });
    expect((await refs(await start())).status).toBe(502);
    expect(server.requests.filter((request) => request.includes("/other/"))).toEqual([]);
  });
});

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { Location: location }).end();
}

describe("repositories of a host that are not configured", () => {
  test.each([
    { repositories: "[]", status: 403 },
    { repositories: "[acme/tools, acme/too, other/*]", status: 403 },
    { repositories: "['*']", status: 403 },
    { repositories: "[other/x, 'ACME/*']", status: 200 },
    { repositories: "[Acme/Tool]", status: 200 },
  ])("acme/tool of $repositories", async ({ repositories, status }) => {
    upstream.commit("one");
    const answer = await refs(await start({ host: `, repositories: ${repositories}` }));
    expect(answer.status).toBe(status);
    expect(server.requests.length > 0).toBe(status === 200);
  });

  test("upper and lower case are two repositories where the operator says so", async () => {
    upstream.commit("one");
    const other = server.repository("Acme/Tool").commit("two");
    const mirror = await start({ host: ", case_sensitive: true" });
    expect((await refs(mirror)).text).not.toContain(other);
    expect(await (await mirror.get(REFS.replace("acme/tool", "Acme/Tool"))).text()).toContain(other);
  });
});

test("credentials go to the host that they are for, with every request, and into no log and no file", async () => {
  upstream.commit("one");
  const secret = "s3cret-of-git";
  const mirror = await startMirror({
    config: `repositories: []\ngit: {hosts: [{host: git.example, url: "${server.origin}/", auth: {username: x, password_env: GIT_PASSWORD}}]}\n`,
    env: { GIT_PASSWORD: secret },
  });
  mirrors.push(mirror);
  expect((await refs(mirror)).status).toBe(200);
  expect(new Set(server.authorizations)).toEqual(new Set([`Basic ${Buffer.from(`x:${secret}`).toString("base64")}`]));
  expect(JSON.stringify(mirror.logged)).not.toContain(secret);
  const files = readdirSync(join(mirror.dataDir, "git"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) expect(readFileSync(join(file.parentPath, file.name), "latin1")).not.toContain(secret);
});

describe("what upstream lost, the mirror still has", () => {
  test("after a restart, with upstream gone for good, and offline", async () => {
    const dataDir = mkdtempSync(join(folder, "data-"));
    const commit = upstream.commit("one");
    const before = await start({ dataDir });
    await refs(before);
    await mirrors.pop()?.close();
    await server.close();
    for (const more of ["", "offline: true\n"]) {
      const mirror = await start({ dataDir, more });
      const { status, text, headers } = await refs(mirror);
      expect([status, headers.get("warning")]).toEqual([200, '110 - "Response is Stale"']);
      expect(text).toContain(commit);
      const clone = join(folder, more === "" ? "gone" : "offline");
      expect(await runGitClient(folder, ["clone", `${mirror.url}/git/git.example/acme/tool`, clone])).toMatchObject({ code: 0 });
      await mirrors.pop()?.close();
    }
  });

  test("after a power failure that left git's locks and half a pack behind", async () => {
    const dataDir = mkdtempSync(join(folder, "data-"));
    upstream.commit("one");
    const before = await start({ dataDir });
    await refs(before);
    await mirrors.pop()?.close();
    const [name = ""] = readdirSync(join(dataDir, "git")).filter((entry) => entry.endsWith(".git"));
    const left = ["config.lock", "HEAD.lock", "packed-refs.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_x"];
    for (const file of left) writeFileSync(join(dataDir, "git", name, file), "");
    const commit = upstream.commit("two");
    expect((await refs(await start({ dataDir }))).text).toContain(`${commit} refs/heads/main`);
    for (const file of left) expect(existsSync(join(dataDir, "git", name, file))).toBe(false);
  });

  test("when upstream deleted the repository, and when it is there again with another history", async () => {
    const commit = upstream.commit("one");
    const mirror = await start();
    await refs(mirror);
    upstream.remove();
    const gone = await refs(mirror);
    expect(gone.text).toContain(commit);
    expect(gone.headers.get("x-assay-stale")).toContain("has no repository acme/tool");
    const again = server.repository("acme/tool");
    const other = again.rewrite("somebody else's");
    const { text, headers } = await refs(mirror);
    expect(text).toContain(commit);
    expect(text).not.toContain(other);
    expect(headers.get("x-assay-refused-refs")).toBe("1");
  });
});

describe("many who ask at once", () => {
  test("cause one fetch, in one process and in two on one data folder", async () => {
    const dataDir = mkdtempSync(join(folder, "data-"));
    upstream.commit("one");
    const both = [await start({ dataDir, git: "refresh: 1h" }), await start({ dataDir, git: "refresh: 1h" })];
    const answers = await Promise.all([...both, ...both, ...both, ...both].map(refs));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    // One list for us; then git asks for it, and for objects (protocol version 2 takes two requests).
    expect(server.requests.filter((request) => request.startsWith("GET"))).toHaveLength(2);
    expect(server.requests.filter((request) => request.startsWith("POST"))).toHaveLength(2);
  });

  test("are answered from what is held until it has to be asked again", async () => {
    upstream.commit("one");
    const mirror = await start({ git: "refresh: 60s" });
    await refs(mirror);
    const asked = server.requests.length;
    await refs(mirror);
    expect(server.requests.length).toBe(asked);
    mirror.advance(61_000);
    await refs(mirror);
    expect(server.requests.length).toBe(asked + 1);
  });
});
