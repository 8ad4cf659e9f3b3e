import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type GitConfig, loadConfig } from "../../src/app/config.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-git-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(git: string): GitConfig {
  const config = join(folder, "assay.yaml");
  writeFileSync(config, `git: ${git}\n`);
  return loadConfig({ env: { TOKEN: "secret" }, flags: { config } }).git;
}

const COMMIT = "ab".repeat(20);
const HOST = "{host: git.example}";
const pin = (keys: string): string => `{hosts: [${HOST}], pins: [{${keys}}]}`;

test.each([
  { name: "a host with a scheme", git: '{hosts: [{host: "https://git.example"}]}', key: "git.hosts[0].host" },
  { name: "a host with a path", git: "{hosts: [{host: git.example/acme}]}", key: "git.hosts[0].host" },
  { name: "a host in capitals", git: "{hosts: [{host: Git.example}]}", key: "git.hosts[0].host" },
  { name: "a host that is an option", git: '{hosts: [{host: "-u"}]}', key: "git.hosts[0].host" },
  { name: "a host twice", git: `{hosts: [${HOST}, ${HOST}]}`, key: "git.hosts[1].host" },
  { name: "a folder", git: '{hosts: [{host: git.example, url: "file:///srv/git"}]}', key: "git.hosts[0].url" },
  { name: "a command", git: '{hosts: [{host: git.example, url: "ext::sh -c true"}]}', key: "git.hosts[0].url" },
  { name: "an ssh address", git: '{hosts: [{host: git.example, url: "ssh://git@git.example/"}]}', key: "git.hosts[0].url" },
  {
    name: "credentials in an address",
    git: '{hosts: [{host: git.example, url: "https://me:secret@git.example/"}]}',
    key: "git.hosts[0].url",
  },
  {
    name: "credentials over plain http",
    git: '{hosts: [{host: git.example, url: "http://git.example/", auth: {token_env: TOKEN}}]}',
    key: "git.hosts[0].auth",
  },
  { name: "a pattern that is empty", git: '{hosts: [{host: git.example, repositories: [""]}]}', key: "git.hosts[0].repositories[0]" },
  {
    name: "a pin of a host that is not mirrored",
    git: pin(`repository: other.example/a/b, ref: main, commit: ${COMMIT}`),
    key: "git.pins[0].repository",
  },
  { name: "a pin of no repository", git: pin(`repository: git.example/acme, ref: main, commit: ${COMMIT}`), key: "git.pins[0].repository" },
  { name: "a pin of a path", git: pin(`repository: git.example/acme/.., ref: main, commit: ${COMMIT}`), key: "git.pins[0].repository" },
  {
    name: "a pin to part of a commit id",
    git: pin("repository: git.example/acme/tool, ref: main, commit: abababab"),
    key: "git.pins[0].commit",
  },
  {
    name: "a pin of a ref that git does not allow",
    git: pin(`repository: git.example/acme/tool, ref: "a..b", commit: ${COMMIT}`),
    key: "git.pins[0].ref",
  },
  {
    name: "a pin of what is neither branch nor tag",
    git: pin(`repository: git.example/acme/tool, ref: refs/pull/1/head, commit: ${COMMIT}`),
    key: "git.pins[0].ref",
  },
  {
    name: "two pins of one ref",
    git: `{hosts: [${HOST}], pins: [{repository: git.example/a/b, ref: main, commit: ${COMMIT}}, {repository: git.example/a/b, ref: main, commit: ${COMMIT}}]}`,
    key: "git.pins[1].ref",
  },
  { name: "another way with rewrites", git: "{on_rewrite: ignore}", key: "git.on_rewrite" },
])("$name stops the start", ({ git, key }) => {
  expect(() => load(git)).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining(`${key}: expected`) }),
  );
});

test("nothing is mirrored by default", () => {
  expect(load("{}")).toMatchObject({ hosts: [], refreshMs: 60_000, onRewrite: "refuse", pins: [] });
});

test("a host is reached at its own address unless another is given, and pins are of it however they spell it", () => {
  const { hosts, pins } =
    load(`{hosts: [{host: "git.example:8443"}, {host: b.example, case_sensitive: true, url: "https://c.example/mirror"}], pins: [
    {repository: "git.example:8443/ACME/Tool.git", ref: main, commit: ${COMMIT}}, {repository: b.example/ACME/Tool, ref: refs/tags/v1, commit: ${COMMIT}}]}`);
  expect(hosts.map(({ upstream }) => upstream.url.href)).toEqual(["https://git.example:8443/", "https://c.example/mirror/"]);
  expect(pins.map(({ repository }) => repository)).toEqual(["git.example:8443/acme/tool", "b.example/ACME/Tool"]);
});
