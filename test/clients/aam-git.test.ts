import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { setUp } from "../../src/cli/setup.ts";
import { findClient, Workspace } from "../support/clients.ts";
import { type GitServer, startGitServer, type UpstreamRepository } from "../support/git-server.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

const found = findClient("aam") !== undefined;
if (!found) console.warn("skipped: the aam CLI is not on this machine (PATH is where it is looked for)");

const SOURCE = "https://git.example/acme/skills";

let server: GitServer;
let upstream: UpstreamRepository;
let mirror: MirrorBench;
let workspace: Workspace;

beforeEach(async () => {
  server = await startGitServer();
  upstream = server.repository("acme/skills");
  upstream.commit(skill("first"), SKILL);
  const config = `repositories: []\ngit: {refresh: 0s, hosts: [{host: git.example, url: "${server.origin}/"}]}\n`;
  mirror = await startMirror({ config });
  workspace = new Workspace();
  const settings = loadConfig({ env: {}, flags: { config: join(mirror.dataDir, "test-config.yaml") } });
  const env = { ...process.env, HOME: workspace.folder, XDG_CONFIG_HOME: undefined, GIT_CONFIG_GLOBAL: undefined };
  await setUp({ config: settings, env, now: new Date(), print: () => {} }, "aam", { write: true, url: mirror.url });
});
afterEach(async () => {
  workspace.remove();
  await mirror.close();
  await server.close();
});

const SKILL = { file: "skills/lint-check/SKILL.md" };
const skill = (text: string): string => `---\nname: lint-check\ndescription: Checks style\n---\n\n${text}\n`;

const aam = (...args: string[]) => workspace.run("aam", args, 120_000, { TERM: "dumb", COLUMNS: "140", GIT_CONFIG_NOSYSTEM: "1" });

/** The skill as it was installed, wherever this CLI puts it for its platform. */
function installed(): string {
  const files = readdirSync(workspace.folder, { recursive: true, encoding: "utf8" });
  const path = files.find((file) => /^\.cursor\/skills\/[^/]*lint-check\/SKILL\.md$/.test(file));
  return path === undefined ? "" : readFileSync(join(workspace.folder, path), "utf8");
}

describe.skipIf(!found)("the real aam CLI, set up by `assay setup aam`", { timeout: 240_000 }, () => {
  test("adds a git source, finds and installs its skill, and takes an update", async () => {
    expect(await aam("source", "add", SOURCE)).toMatchObject({ code: 0 });
    const install = await aam("install", "lint-check");
    expect(install.output).toContain("Installed");
    expect(installed()).toContain("first");
    upstream.commit(skill("second"), SKILL);
    expect((await aam("source", "update", "--all")).code).toBe(0);
    expect((await aam("install", "--force", "lint-check")).code).toBe(0);
    expect(installed()).toContain("second");
  });

  test("never sees history that was rewritten, which alone it would take without a word", async () => {
    expect((await aam("source", "add", SOURCE)).code).toBe(0);
    upstream.rewrite(skill("evil"), SKILL);
    await aam("source", "update", "--all");
    await aam("install", "lint-check");
    expect(installed()).toContain("first");
    expect(mirror.logged.map(({ message }) => message)).toContainEqual(expect.stringContaining("upstream rewrote a git ref: refused"));
  });

  test("installs from the mirror when upstream is gone", async () => {
    expect((await aam("source", "add", SOURCE)).code).toBe(0);
    await server.close();
    const another = new Workspace();
    const before = workspace;
    try {
      another.write(".gitconfig", readFileSync(join(before.folder, ".gitconfig"), "utf8"));
      workspace = another;
      expect(await aam("source", "add", SOURCE)).toMatchObject({ code: 0 });
      expect((await aam("install", "lint-check")).output).toContain("Installed");
      expect(installed()).toContain("first");
    } finally {
      workspace = before;
      another.remove();
    }
  });
});
