import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { parseGitRepository, parseObjectId, parseRefName } from "../../../src/core/git.ts";
import { DEFAULT_LIMITS, type Limits } from "../../../src/core/limits.ts";
import type { SourceTree } from "../../../src/core/ports/source-trees.ts";
import { GitSourceTrees } from "../../../src/upstream/git/git-source-trees.ts";
import { DEFAULT_TIMEOUTS, type UpstreamAuth } from "../../../src/upstream/options.ts";
import { type GitServer, startGitServer, type UpstreamRepository } from "../../support/git-server.ts";

let server: GitServer;
let bare: UpstreamRepository;
let scratch: string;

beforeEach(async () => {
  server = await startGitServer();
  bare = server.repository("acme/tool");
  scratch = mkdtempSync(join(tmpdir(), "assay-source-"));
});
afterEach(async () => {
  await server.close();
  rmSync(scratch, { recursive: true, force: true });
});

interface Asking {
  readonly ref?: string;
  readonly limits?: Partial<Limits>;
  readonly auth?: UpstreamAuth;
}

function checkOut(commit: string, { ref, limits, auth }: Asking = {}): Promise<SourceTree> {
  const upstream = { id: "git.example", url: new URL(`${server.origin}/`) };
  const reach = { upstream, timeouts: DEFAULT_TIMEOUTS, retries: 0, concurrency: 1, fileOrigins: [], ...(auth ? { auth } : {}) };
  const trees = new GitSourceTrees({
    hosts: [{ host: "git.example", reach }],
    limits: { ...DEFAULT_LIMITS, ...limits },
    searchPath: process.env["PATH"],
  });
  const [repository, id] = [parseGitRepository({ host: "git.example", caseSensitive: true }, "acme", "tool"), parseObjectId(commit)];
  if (!repository || !id) throw new Error("no name of a repository or commit");
  return trees.checkOut({ repository, commit: id, ref: ref === undefined ? undefined : parseRefName(ref) }, scratch);
}

/** Puts a tree together object by object, as no honest client would, and answers a commit of it that `main` leads to. */
function commitOf(entries: readonly (readonly [mode: string, object: string, name: string])[]): string {
  const tree = entries.map(([mode, object, name]) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(object, "hex")]));
  const object = bare.git(["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], Buffer.concat(tree));
  const commit = bare.git(["-c", "user.name=x", "-c", "user.email=x@registry.example", "commit-tree", object, "-m", "made"]);
  bare.git(["update-ref", "refs/heads/main", commit]);
  return commit;
}

const blob = (text: string): string => bare.git(["hash-object", "-w", "--stdin"], text);

describe("a source that would do harm", () => {
  test.each<[string, () => string]>([
    ["a folder called .git", () => commitOf([["40000", bare.git(["mktree"], `100644 blob ${blob("x")}\tconfig\n`), ".git"]])],
    ["a name that climbs out", () => commitOf([["100644", blob("x"), ".."]])],
    ["a name with a slash", () => commitOf([["100644", blob("x"), "a/../../x"]])],
    [
      "one name as a link and a folder",
      () => {
        const folder = bare.git(["mktree"], `100644 blob ${blob("x")}\tpasswd\n`);
        return commitOf([
          ["120000", blob(scratch), "a"],
          ["40000", folder, "a"],
        ]);
      },
    ],
  ])("%s is not taken", async (_name, make) => {
    await expect(checkOut(make())).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
    expect(existsSync(join(scratch, "tree"))).toBe(false);
  });

  test("a tree without end is measured before anything of it is written", async () => {
    let tree = bare.git(["mktree"], `100644 blob ${blob("x")}\ta\n`);
    for (let depth = 0; depth < 10; depth++)
      tree = bare.git(["mktree"], ["a", "b", "c"].map((name) => `040000 tree ${tree}\t${name}\n`).join(""));
    const commit = commitOf([["40000", tree, "t"]]);
    await expect(checkOut(commit, { limits: { archiveEntries: 59_048 } })).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
    expect(existsSync(join(scratch, "tree"))).toBe(false);
  });

  test("files that unpack to one byte too many are not written", async () => {
    const commit = bare.commit("x".repeat(100_000));
    await expect(checkOut(commit, { limits: { gitRepositoryBytes: 99_999 } })).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
    expect(existsSync(join(scratch, "tree"))).toBe(false);
    rmSync(join(scratch, "repository.git"), { recursive: true });
    await checkOut(commit, { limits: { gitRepositoryBytes: 100_000 } });
  });

  test("neither a filter nor a hook that it brings is run, and a submodule is only named", async () => {
    bare.commit("* filter=evil\n", { file: ".gitattributes" });
    const ran = join(scratch, "ran");
    bare.commit(`#!/bin/sh\ntouch ${ran}\n`, { file: "hooks/post-checkout" });
    const base = bare.git(["rev-parse", "main^{tree}"]);
    const gitlink = bare.git(["ls-tree", base]);
    const submodules = blob(`[submodule "sub"]\n\tpath = sub\n\turl = ${server.origin}/acme/other\n`);
    const tree = bare.git(["mktree"], `${gitlink}\n100644 blob ${submodules}\t.gitmodules\n160000 commit ${"1".repeat(40)}\tsub\n`);
    const commit = bare.git(["-c", "user.name=x", "-c", "user.email=x@registry.example", "commit-tree", tree, "-m", "made"]);
    bare.git(["update-ref", "refs/heads/main", commit]);
    const found = await checkOut(commit);
    expect(found.submodules).toEqual(["sub"]);
    expect(found.epochSeconds).toBe(Date.parse("2026-01-01T00:00:00Z") / 1000);
    expect(readdirSync(join(found.folder, "sub"))).toEqual([]);
    expect(existsSync(ran)).toBe(false);
    expect(server.requests.filter((line) => line.includes("/acme/other"))).toEqual([]);
  });

  test("a link stays a link, wherever it leads", async () => {
    writeFileSync(join(scratch, "secret"), "secret");
    const commit = commitOf([["120000", blob(join(scratch, "secret")), "link"]]);
    const { folder } = await checkOut(commit);
    expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
    expect(readlinkSync(join(folder, "link"))).toBe(join(scratch, "secret"));
  });

  test("the operator's credentials are not sent", async () => {
    const commit = bare.commit("x");
    await checkOut(commit, { auth: { kind: "bearer", token: "secret" } });
    expect(server.authorizations.length).toBeGreaterThan(0);
    expect(server.authorizations.filter((value) => value !== undefined)).toEqual([]);
  });
});

describe("a commit", () => {
  test("that is not there is an error which names it", async () => {
    bare.commit("x");
    const commit = "1".repeat(40);
    await expect(checkOut(commit)).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED", message: expect.stringContaining(commit) });
    rmSync(join(scratch, "repository.git"), { recursive: true });
    const ref = "refs/heads/main";
    await expect(checkOut(commit, { ref })).rejects.toMatchObject({ message: expect.stringContaining("does not lead to it") });
  });

  test("comes with its files, their right to be run, and nothing of its history", async () => {
    bare.commit("old", { file: "gone.md" });
    const tree = bare.git(["mktree"], `100755 blob ${blob("#!/bin/sh\n")}\trun.sh\n100644 blob ${blob("text\r\n")}\ttext.md\n`);
    const commit = bare.git(["-c", "user.name=x", "-c", "user.email=x@registry.example", "commit-tree", tree, "-p", "main", "-m", "made"]);
    bare.git(["update-ref", "refs/heads/main", commit]);
    const { folder, files } = await checkOut(commit);
    expect([...files].sort()).toEqual(["run.sh", "text.md"]);
    expect(readdirSync(folder).sort()).toEqual(["run.sh", "text.md"]);
    expect(readFileSync(join(folder, "text.md"), "utf8")).toBe("text\r\n");
    expect(lstatSync(join(folder, "run.sh")).mode & 0o111).not.toBe(0);
    expect(lstatSync(join(folder, "text.md")).mode & 0o111).toBe(0);
  });

  test("is found through its ref where the host gives none out by its id", async () => {
    const commit = bare.commit("one");
    bare.commit("two");
    // Protocol 0, as old hosts speak, gives out what refs lead to and nothing else.
    server.answerInstead((request, response) => {
      delete request.headers["git-protocol"];
      server.answer(request, response);
    });
    onTestFinished(() => server.answerInstead(undefined));
    await expect(checkOut(commit)).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
    rmSync(join(scratch, "repository.git"), { recursive: true });
    expect(readFileSync(join((await checkOut(commit, { ref: "refs/heads/main" })).folder, "README.md"), "utf8")).toBe("one");
  });
});
