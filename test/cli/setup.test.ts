import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { type SetupFlags, setUp } from "../../src/cli/setup.ts";
import { runGitClient } from "../support/git-server.ts";

const MINE = '[user]\n\tname = Somebody\n[url "https://elsewhere.example/"]\n\tinsteadOf = gh:\n';
const REDIRECT = "url.http://127.0.0.1:8740/git/git.example/.insteadOf";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "assay-setup-"));
});
afterEach(() => rmSync(home, { recursive: true }));

/** Runs `assay setup` with a home folder of its own; answers what it printed. */
async function setup(
  flags: SetupFlags = {},
  { client = "aam", config = "git: {hosts: [{host: git.example}]}", env = {} as Record<string, string> } = {},
) {
  const file = join(home, "assay.yaml");
  writeFileSync(file, config);
  const printed: string[] = [];
  const command = {
    config: loadConfig({ env: {}, flags: { config: file } }),
    env: { PATH: process.env["PATH"], HOME: home, GIT_CONFIG_NOSYSTEM: "1", ...env },
    now: new Date("2026-11-23T10:00:00Z"),
    print: (text: string) => void printed.push(text),
  };
  expect(await setUp(command, client, flags)).toBe(0);
  return printed.join("");
}

const gitconfig = (): string => readFileSync(join(home, ".gitconfig"), "utf8");

describe("what is refused", () => {
  test.each<{ name: string; flags?: SetupFlags; client?: string; config?: string; code: string }>([
    { name: "another client", client: "cargo", code: "USAGE" },
    { name: "--write with --undo", flags: { write: true, undo: true }, code: "USAGE" },
    { name: "an address that is no URL", flags: { url: "mirror" }, code: "USAGE" },
    { name: "an address with credentials", flags: { url: "https://me:secret@mirror.example" }, code: "USAGE" },
    { name: "an address of another kind", flags: { url: "ext::sh -c true" }, code: "USAGE" },
    { name: "a mirror on any free port", config: "listen: {port: 0}", code: "USAGE" },
  ])("$name", async ({ flags, code, ...options }) => {
    await expect(setup({ write: true, ...flags }, options)).rejects.toMatchObject({ code });
    expect(existsSync(join(home, ".gitconfig"))).toBe(false);
  });

  test("a host that git takes from elsewhere already", async () => {
    const before = '[url "https://another.example/"]\n\tinsteadOf = https://git.example/\n';
    writeFileSync(join(home, ".gitconfig"), before);
    await expect(setup({ write: true })).rejects.toMatchObject({
      code: "CONFLICT",
      message: expect.stringContaining("url.https://another.example/.insteadof"),
    });
    expect(gitconfig()).toBe(before);
  });

  test("a file that git cannot read", async () => {
    writeFileSync(join(home, ".gitconfig"), "[broken");
    await expect(setup({ write: true })).rejects.toMatchObject({ code: "STORE_IO" });
    expect(gitconfig()).toBe("[broken");
  });
});

test("it prints commands and changes nothing", async () => {
  const text = await setup({}, { config: `{public_url: "https://packages.example/it's", git: {hosts: [{host: "git.example:8443"}]}}` });
  expect(text.split("\n").filter((line) => !line.startsWith("#"))).toEqual([
    "git config --global 'url.https://packages.example/it'\\''s/git/git.example:8443/.insteadOf' https://git.example:8443/",
    "git config --global url.https://git.example:8443/.pushInsteadOf https://git.example:8443/",
    "aam registry add assay-http 'https://packages.example/it'\\''s/aam'",
    "",
  ]);
  expect(existsSync(join(home, ".gitconfig"))).toBe(false);
});

test("what it writes makes git fetch from the mirror and push to the host, and twice is as once", async () => {
  writeFileSync(join(home, ".gitconfig"), MINE);
  expect(await setup({ write: true })).toContain(`added    ${REDIRECT} = https://git.example/`);
  const written = gitconfig();
  expect(written.startsWith(MINE)).toBe(true);
  expect(await setup({ write: true })).toContain("nothing to change");
  expect(gitconfig()).toBe(written);
  const backups = readdirSync(home).filter((name) => name.includes("before-assay"));
  expect(backups.map((name) => readFileSync(join(home, name), "utf8"))).toEqual([MINE]);

  await runGitClient(home, ["init", "--quiet", "work"]);
  await runGitClient(home, ["-C", "work", "remote", "add", "origin", "https://git.example/acme/tool"]);
  const include = { "include.path": join(home, ".gitconfig") };
  const url = async (...more: string[]) =>
    (await runGitClient(home, ["-C", "work", "remote", "get-url", ...more, "origin"], include)).output.trim();
  expect(await url()).toBe("http://127.0.0.1:8740/git/git.example/acme/tool");
  expect(await url("--push")).toBe("https://git.example/acme/tool");
});

test("--undo takes out what --write put in, of hosts that are configured no more too, and nothing else", async () => {
  writeFileSync(join(home, ".gitconfig"), MINE);
  await setup({ write: true }, { config: "git: {hosts: [{host: git.example}, {host: other.example}]}" });
  expect(await setup({ undo: true }, { config: "git: {hosts: []}" })).toContain(`removed  ${REDIRECT.toLowerCase()}`);
  expect(gitconfig()).toBe(MINE);
  expect(await setup({ undo: true })).toContain("nothing to change");
});

test.each([
  { name: "GIT_CONFIG_GLOBAL", env: (): Record<string, string> => ({ GIT_CONFIG_GLOBAL: join(home, "named") }), file: "named" },
  {
    name: "the XDG folder, where there is only that",
    env: (): Record<string, string> => ({ XDG_CONFIG_HOME: join(home, "xdg") }),
    file: "xdg/git/config",
  },
])("it writes the file that git reads: $name", async ({ env, file }) => {
  mkdirSync(join(home, "xdg/git"), { recursive: true });
  writeFileSync(join(home, file), "");
  await setup({ write: true }, { env: env() });
  expect(readFileSync(join(home, file), "utf8")).toContain("insteadOf = https://git.example/");
  expect(existsSync(join(home, ".gitconfig"))).toBe(false);
});

test("prints the folder that is kept for the CLI, as one word of a shell", async () => {
  const config = `aam: {directory: "${join(home, "it's a registry")}"}`;
  expect(await setup({}, { config })).toContain(`aam registry add assay 'file://${home}/it'\\''s a registry' --default\n`);
  expect(JSON.parse(await setup({ json: true }, { config }))).toMatchObject({ directory: `${home}/it's a registry` });
});

test("--json prints what is written, for programs", async () => {
  const { gitConfig, registries } = JSON.parse(await setup({ json: true, url: "https://mirror.example/" }));
  expect(gitConfig[0]).toEqual({ key: "url.https://mirror.example/git/git.example/.insteadOf", value: "https://git.example/" });
  expect(registries).toEqual(["https://mirror.example/aam"]);
  expect(JSON.parse(await setup({ json: true, write: true }))).toMatchObject({ file: join(home, ".gitconfig"), removed: [], backup: null });
});
