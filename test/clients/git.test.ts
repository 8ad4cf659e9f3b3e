import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type GitRun, type GitServer, runGitClient, startGitServer, type UpstreamRepository } from "../support/git-server.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

const HOST = "git.example";
const URL_OF_TOOL = `https://${HOST}/acme/tool`;

let server: GitServer;
let mirror: MirrorBench | undefined;
let folder: string;

beforeEach(async () => {
  server = await startGitServer();
  folder = mkdtempSync(join(tmpdir(), "assay-git-client-"));
});
afterEach(async () => {
  await mirror?.close();
  mirror = undefined;
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function configOf(more = "", host = ""): string {
  return `repositories: []\ngit: {hosts: [{host: ${HOST}, url: "${server.origin}/"${host}}]${more}}\n`;
}

async function start(more = "", host = ""): Promise<MirrorBench> {
  mirror = await startMirror({ config: configOf(more, host) });
  return mirror;
}

/** A git client that is pointed at the mirror as `assay setup aam` does, and asks for public addresses. */
function client(args: readonly string[], config: Readonly<Record<string, string>> = {}): Promise<GitRun> {
  return runGitClient(folder, args, { [`url.${mirror?.url}/git/${HOST}/.insteadOf`]: `https://${HOST}/`, ...config });
}

const readme = (clone: string): string => readFileSync(join(folder, clone, "README.md"), "utf8");

describe("a git client behind insteadOf", () => {
  test.each([{ protocol: "0" }, { protocol: "1" }, { protocol: "2" }])("clones with protocol $protocol", async ({ protocol }) => {
    const upstream = server.repository("acme/tool");
    upstream.commit("one");
    const commit = upstream.commit("two");
    await start();
    expect(await client(["clone", URL_OF_TOOL, "clone"], { "protocol.version": protocol })).toMatchObject({ code: 0 });
    expect(readme("clone")).toBe("two");
    expect((await client(["-C", "clone", "rev-parse", "HEAD"])).output).toContain(commit);
    expect((await client(["-C", "clone", "fsck", "--full", "--strict"])).code).toBe(0);
  });

  test("clones one branch or tag alone, lists refs and fetches more, as the aam CLI does", async () => {
    const upstream = server.repository("acme/tool");
    const first = upstream.commit("one");
    upstream.point("refs/tags/v1", first);
    upstream.commit("two");
    const bench = await start(", refresh: 0s");
    expect(await client(["clone", "--depth", "1", "--branch", "v1", URL_OF_TOOL, "tag"])).toMatchObject({ code: 0 });
    expect(readme("tag")).toBe("one");
    expect(await client(["clone", "--depth", "1", "--branch", "main", `${URL_OF_TOOL}.git`, "branch"])).toMatchObject({ code: 0 });
    const third = upstream.commit("three");
    expect((await client(["ls-remote", URL_OF_TOOL])).output).toContain(`${third}\trefs/heads/main`);
    expect(await client(["-C", "branch", "fetch", "origin", "main"])).toMatchObject({ code: 0 });
    expect((await client(["-C", "branch", "rev-parse", "FETCH_HEAD"])).output).toContain(third);
    expect(bench.logged.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
  });

  test("clones an empty repository", async () => {
    server.repository("acme/tool");
    await start();
    expect(await client(["clone", URL_OF_TOOL, "clone"])).toMatchObject({ code: 0 });
  });
});

describe("what a client cannot have", () => {
  test.each([
    { name: "a host that is not configured", url: "https://other.example/acme/tool", says: "no git host" },
    { name: "a repository that upstream does not have", url: `https://${HOST}/acme/none`, says: "git.example has no repository acme/none" },
    { name: "a name that is an option", url: `https://${HOST}/acme/--upload-pack=touch`, says: "is no OWNER/REPOSITORY" },
    { name: "an owner that is an option", url: `https://${HOST}/-c/tool`, says: "is no OWNER/REPOSITORY" },
    { name: "a name that is two", url: `https://${HOST}/acme/tool%2fx`, says: "is no OWNER/REPOSITORY" },
  ])("$name", async ({ url, says }) => {
    const bench = await start();
    const { code, output } = await client(["ls-remote", url], {
      [`url.${bench.url}/git/other.example/.insteadOf`]: "https://other.example/",
    });
    expect(code).toBe(128);
    expect(output).toContain(`remote: assay: `);
    expect(output).toContain(says);
  });

  test("a push, which is told so", async () => {
    server.repository("acme/tool").commit("one");
    await start();
    await client(["clone", URL_OF_TOOL, "clone"]);
    const { code, output } = await client(["-C", "clone", "push", "origin", "HEAD:refs/heads/mine"]);
    expect(code).not.toBe(0);
    expect(output).toContain("remote: assay: this is a mirror: it takes no pushes (push to the repository itself)");
    expect(output).toContain("403");
  });
});

describe("history that upstream rewrites", () => {
  test.each([
    { onRewrite: "refuse", served: "before" },
    { onRewrite: "warn", served: "after" },
  ])("a branch: with on_rewrite $onRewrite what is served is what was there $served", async ({ onRewrite, served }) => {
    const upstream = server.repository("acme/tool");
    const before = upstream.commit("before");
    const bench = await start(`, refresh: 0s, on_rewrite: ${onRewrite}`);
    await client(["clone", URL_OF_TOOL, "first"]);
    const after = upstream.rewrite("after");
    expect(await client(["clone", URL_OF_TOOL, "second"])).toMatchObject({ code: 0 });
    expect(readme("second")).toBe(served);
    expect(bench.logged).toContainEqual(expect.objectContaining({ level: "warn", repository: "git.example/acme/tool", before, after }));
    // Nobody gets it by its id either.
    const fetched = await client(["-C", "first", "fetch", "origin", after]);
    expect(fetched.code === 0).toBe(onRewrite === "warn");
    const told = (await (await bench.get("/api/v1/git?repository=git.example/acme/tool")).json()) as { refs: unknown; changes: unknown[] };
    expect(told.refs).toEqual([{ ref: "refs/heads/main", object: onRewrite === "warn" ? after : before, upstream: after }]);
    expect(told.changes[0]).toMatchObject({ ref: "refs/heads/main", kind: onRewrite === "warn" ? "rewritten" : "refused", before, after });
    expect(told.changes).toHaveLength(2);
  });

  test("a tag that moves forward is rewritten all the same, and the branch beside it is not held back", async () => {
    const upstream = server.repository("acme/tool");
    const first = upstream.commit("one");
    upstream.point("refs/tags/v1", first);
    await start(", refresh: 0s");
    await client(["clone", URL_OF_TOOL, "first"]);
    const second = upstream.commit("two");
    upstream.point("refs/tags/v1", second);
    const { output } = await client(["ls-remote", URL_OF_TOOL]);
    expect(output).toContain(`${first}\trefs/tags/v1`);
    expect(output).toContain(`${second}\trefs/heads/main`);
  });

  test("a branch that is deleted is served on, and one that is made again under its name is a rewrite", async () => {
    const upstream = server.repository("acme/tool");
    const main = upstream.commit("main");
    upstream.point("refs/heads/old", main);
    await start(", refresh: 0s");
    await client(["ls-remote", URL_OF_TOOL]);
    upstream.delete("refs/heads/old");
    expect((await client(["ls-remote", URL_OF_TOOL])).output).toContain(`${main}\trefs/heads/old`);
    upstream.rewrite("other", { branch: "old" });
    expect((await client(["ls-remote", URL_OF_TOOL])).output).toContain(`${main}\trefs/heads/old`);
  });

  test("a branch whose name lies below that of a deleted one", async () => {
    const upstream = server.repository("acme/tool");
    const main = upstream.commit("main");
    upstream.point("refs/heads/topic", main);
    const bench = await start(", refresh: 0s");
    await client(["ls-remote", URL_OF_TOOL]);
    upstream.delete("refs/heads/topic");
    upstream.point("refs/heads/topic/one", main);
    const { code, output } = await client(["ls-remote", URL_OF_TOOL]);
    expect(code).toBe(0);
    expect(output).toContain(`${main}\trefs/heads/topic\n`);
    expect(output).not.toContain("topic/one");
    const asked = server.requests.length;
    await client(["ls-remote", URL_OF_TOOL]);
    // It is known by now: no fetch for it each time.
    expect(server.requests.length).toBe(asked + 1);
    expect(bench.logged.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("a default branch that upstream changes", () => {
  /** The first clone, by which it is known, and what a later one has. */
  async function clones(
    change: (upstream: UpstreamRepository) => void,
    more: string,
  ): Promise<{ readonly got: string; readonly bench: MirrorBench }> {
    const upstream = server.repository("acme/tool");
    const before = upstream.commit("before");
    const bench = await start(`, refresh: 0s${more.replace("BEFORE", before)}`);
    await client(["clone", URL_OF_TOOL, "first"]);
    change(upstream);
    upstream.git(["symbolic-ref", "HEAD", "refs/heads/other"]);
    expect(await client(["clone", URL_OF_TOOL, "second"])).toMatchObject({ code: 0 });
    return { got: readme("second"), bench };
  }

  test.each([
    { name: "has another history: refused", more: ", on_rewrite: refuse", want: "before" },
    { name: "has another history: taken where the operator wants only to be warned", more: ", on_rewrite: warn", want: "after" },
    {
      name: "has another history, in place of a pinned one: refused",
      more: `, on_rewrite: warn, pins: [{repository: ${HOST}/acme/tool, ref: main, commit: BEFORE}]`,
      want: "before",
    },
  ])("$name", async ({ more, want }) => {
    const { got, bench } = await clones((upstream) => void upstream.rewrite("after", { branch: "other" }), more);
    expect(got).toBe(want);
    const told = () => bench.logged.filter(({ level, after }) => level === "warn" && after === "refs/heads/other");
    expect(told()).toMatchObject([{ repository: "git.example/acme/tool", before: "refs/heads/main" }]);
    const asked = server.requests.length;
    await client(["ls-remote", URL_OF_TOOL]);
    // It is known by now: it is neither told nor fetched for each time.
    expect(server.requests.length).toBe(asked + 1);
    expect(told()).toHaveLength(1);
  });

  test("goes on from the one before: taken", async () => {
    expect((await clones((upstream) => void upstream.commit("after", { branch: "other" }), "")).got).toBe("after");
  });

  test("goes on from the one before, which is pinned: refused", async () => {
    const pins = `, pins: [{repository: ${HOST}/acme/tool, ref: main, commit: BEFORE}]`;
    expect((await clones((upstream) => void upstream.commit("after", { branch: "other" }), pins)).got).toBe("before");
  });
});

describe("a pinned ref", () => {
  test("is served as its commit whatever upstream does, in every spelling of the name", async () => {
    const upstream = server.repository("acme/tool");
    const reviewed = upstream.commit("reviewed");
    upstream.commit("newer");
    await start(`, refresh: 0s, pins: [{repository: ${HOST}/Acme/tool, ref: main, commit: ${reviewed}}]`);
    for (const spelling of ["acme/tool", "ACME/Tool", "acme/tool.git"]) {
      expect(await client(["clone", "--depth", "1", `https://${HOST}/${spelling}`, spelling.replaceAll("/", "-")])).toMatchObject({
        code: 0,
      });
      expect(readme(spelling.replaceAll("/", "-"))).toBe("reviewed");
    }
    upstream.rewrite("rewritten");
    expect((await client(["ls-remote", URL_OF_TOOL, "main"])).output).toContain(reviewed);
  });

  test("is fetched where no ref leads to it any more, as far as upstream gives it out", async () => {
    const upstream = server.repository("acme/tool");
    const lost = upstream.commit("lost");
    upstream.rewrite("now");
    upstream.git(["config", "uploadpack.allowAnySHA1InWant", "true"]);
    await start(`, pins: [{repository: ${HOST}/acme/tool, ref: main, commit: ${lost}}]`);
    expect(await client(["clone", URL_OF_TOOL, "clone"])).toMatchObject({ code: 0 });
    expect(readme("clone")).toBe("lost");
  });

  test("of a commit that nobody has is an error that names it, and not another commit", async () => {
    server.repository("acme/tool").commit("one");
    const nowhere = "ab".repeat(20);
    await start(`, refresh: 0s, pins: [{repository: ${HOST}/acme/tool, ref: main, commit: ${nowhere}}]`);
    for (const _ of ["at first", "and again"]) {
      const { code, output } = await client(["clone", URL_OF_TOOL, "clone"]);
      expect(code).toBe(128);
      expect(output).toContain(`remote: assay: git.example/acme/tool: expected main at commit ${nowhere}`);
    }
  });
});
