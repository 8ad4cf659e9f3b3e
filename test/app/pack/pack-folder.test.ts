import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { packFolder } from "../../../src/app/pack/pack-folder.ts";
import { PACKAGE_LIMITS } from "../../../src/ecosystems/aam/pack/package-limits.ts";
import { type FolderContent, folderOf, manifestText, packageContent } from "../../support/package-folder.ts";

const pack = (content: Readonly<Record<string, FolderContent>>, options = {}) => packFolder(folderOf(content), options);
const pathsOf = async (content: Readonly<Record<string, FolderContent>>) => (await pack(content)).listing.map(({ path }) => path);

test.each<{ name: string; content: Readonly<Record<string, FolderContent>>; says: RegExp }>([
  {
    name: "a link out of the package",
    content: packageContent({ "skills/demo/x": { link: "../../../x" } }),
    says: /"skills\/demo\/x" points to "\.\.\/\.\.\/\.\.\/x", outside/,
  },
  { name: "an absolute link", content: packageContent({ x: { link: "/etc/passwd" } }), says: /expected a relative path inside/ },
  { name: "a link to nothing", content: packageContent({ x: { link: "skills/other" } }), says: /where nothing is packed/ },
  {
    name: "a link to what is excluded",
    content: packageContent({ x: { link: ".git/config" }, ".git/config": "" }),
    says: /where nothing is packed/,
  },
  {
    name: "a link through a link",
    content: packageContent({ a: { link: "skills" }, x: { link: "a/demo" } }),
    says: /"x" points to "a\/demo", where nothing is packed/,
  },
  {
    name: "a link to a folder around it",
    content: packageContent({ "skills/x": { link: "../skills" } }),
    says: /a folder that it lies in itself/,
  },
  {
    name: "a link that climbs behind a name",
    content: packageContent({ x: { link: "skills/../aam.yaml" } }),
    says: /at the front of the path only/,
  },
  {
    name: "a backslash in a name",
    content: packageContent({ "a\\b": "" }),
    says: /"a\\\\b" has a control character, a backslash or a drive/,
  },
  { name: "a line feed in a name", content: packageContent({ "a\nb": "" }), says: /control character/ },
  { name: "a drive in a name", content: packageContent({ "C:x": "" }), says: /drive/ },
  {
    name: "names that differ in their Unicode form",
    content: packageContent({ "\u00e9": "", "e\u0301": "" }),
    says: /differ only in their Unicode form/,
  },
  { name: "a bundle", content: packageContent({ "bundle.json": "{}" }), says: /a bundle, which is no package/ },
  { name: "no manifest at all", content: { "README.md": "" }, says: /found neither/ },
  { name: "only the client's manifest", content: { "aam.yaml": "name: a" }, says: /found neither/ },
  {
    name: "a manifest that is a link",
    content: packageContent({ "package.agent.json": { link: "skills/demo/SKILL.md" } }),
    says: /expected package\.agent\.json to be a file, found a link/,
  },
  { name: "a manifest that is no JSON", content: packageContent({ "package.agent.json": "{" }), says: /it is not JSON/ },
  {
    name: "a manifest with a name twice",
    content: packageContent({ "package.agent.json": '{"name":"a","name":"b","version":"1.0.0"}' }),
    says: /the member "name" twice/,
  },
  {
    name: "a name outside the grammar",
    content: packageContent({ "package.agent.json": manifestText({ name: "Demo" }) }),
    says: /expected a name of lowercase letters.*got "Demo"/,
  },
  {
    name: "a name that is another one's folder",
    content: packageContent({ "package.agent.json": manifestText({ name: "myorg--demo" }) }),
    says: /single hyphens/,
  },
  {
    name: "a version that is no SemVer",
    content: packageContent({ "package.agent.json": manifestText({ version: "1.2" }) }),
    says: /SemVer 2\.0.*got "1\.2"/,
  },
  {
    name: "two names",
    content: packageContent({ "aam.yaml": "name: other\nversion: 1.2.3\n" }),
    says: /aam\.yaml says name "other", package\.agent\.json says "@myorg\/demo"/,
  },
  {
    name: "two versions",
    content: packageContent({ "aam.yaml": 'name: "@myorg/demo"\nversion: 1.2\n' }),
    says: /aam\.yaml says version "1\.2", which is no text/,
  },
  {
    name: "a dependency that only one manifest has",
    content: packageContent({ "package.agent.json": manifestText({ dependencies: { evil: "*" } }) }),
    says: /depends on "evil" as nothing, package\.agent\.json as "\*"/,
  },
  {
    name: "an artifact that is not there",
    content: packageContent({ "package.agent.json": manifestText({ artifacts: { agents: [{ name: "a", path: "agents/a/" }] } }) }),
    says: /artifacts\.agents\[0\]\.path refers to "agents\/a\/", which is not there/,
  },
  {
    name: "a skill without its file",
    content: {
      ...packageContent({
        "skills/other/x": "",
        "package.agent.json": manifestText({ artifacts: { skills: [{ name: "o", path: "skills/other" }] } }),
      }),
    },
    says: /there is no SKILL\.md/,
  },
  {
    name: "an artifact that `files` leave out",
    content: packageContent({ "package.agent.json": manifestText({ files: ["*.yaml"] }) }),
    says: /skills\/demo\/", which is not packed: the `files`/,
  },
  {
    name: "an artifact among what is excluded",
    content: packageContent({
      "venv/a.md": "",
      "package.agent.json": manifestText({ artifacts: { commands: [{ name: "a", path: "venv/a.md" }] } }),
    }),
    says: /among what is never packed/,
  },
  {
    name: "an artifact outside",
    content: packageContent({ "package.agent.json": manifestText({ artifacts: { commands: [{ name: "a", path: "../a.md" }] } }) }),
    says: /expected a relative path inside the package/,
  },
  {
    name: "an evaluation that is not there",
    content: packageContent({ "package.agent.json": manifestText({ quality: { evals: [{ name: "e", path: "e.yaml" }] } }) }),
    says: /quality\.evals\[0\]\.path refers to "e\.yaml"/,
  },
  {
    name: "a hook file that is not there",
    content: packageContent({ "package.agent.json": manifestText({ hooks: "./hooks/hooks.json" }) }),
    says: /package\.agent\.json: hooks refers to/,
  },
  {
    name: "an MCP file that `files` leave out",
    content: packageContent({
      "mcp/servers.json": "{}",
      "package.agent.json": manifestText({ mcp: "./mcp/servers.json", files: ["skills/**", "aam.yaml"] }),
    }),
    says: /mcp refers to ".\/mcp\/servers\.json", which is not packed/,
  },
  {
    name: "an artifact of the client's manifest that is not there",
    content: packageContent({
      "aam.yaml": 'name: "@myorg/demo"\nversion: "1.2.3"\nartifacts: {prompts: [{name: p, path: prompts/p.md}]}\n',
    }),
    says: /aam\.yaml: artifacts\.prompts\[0\]\.path/,
  },
  {
    name: "a negated pattern",
    content: packageContent({ "package.agent.json": manifestText({ files: ["**", "!skills/**"] }) }),
    says: /files\[1\]: expected a pattern that is not negated/,
  },
  {
    name: "a pattern that leads out",
    content: packageContent({ "package.agent.json": manifestText({ files: ["../**"] }) }),
    says: /stays inside the package/,
  },
  {
    name: "a pattern with signs that only some readers know",
    content: packageContent({ "package.agent.json": manifestText({ files: ["{skills,x}/**"] }) }),
    says: /the only signs that all readers share/,
  },
])("$name is an error that says so", async ({ content, says }) => {
  await expect(pack(content)).rejects.toMatchObject({ code: "BAD_REQUEST", message: expect.stringMatching(says) });
});

test("a folder that is not there is an error of its own", async () => {
  await expect(packFolder("/nowhere/at/all")).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("a pipe in the folder is an error, not something to wait for", async () => {
  const folder = folderOf(packageContent());
  expect(spawnSync("mkfifo", [join(folder, "pipe")]).status).toBe(0);
  await expect(packFolder(folder)).rejects.toMatchObject({
    code: "BAD_REQUEST",
    message: expect.stringContaining('"pipe" is a device, a socket or a pipe'),
  });
});

test("a name that is not UTF-8 is an error, not another name", async () => {
  const folder = folderOf(packageContent());
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]), "");
  await expect(packFolder(folder)).rejects.toMatchObject({
    code: "BAD_REQUEST",
    message: expect.stringContaining("a name that is not UTF-8"),
  });
});

/** Incompressible, the same every time. */
function noise(bytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, index) => createHash("sha256").update(String(index)).digest());
  return Buffer.concat(blocks).subarray(0, bytes);
}

test.each([
  { name: "files", limits: { archiveEntries: 3 }, more: { x: "" }, says: "has 4 files, more than 3" },
  {
    name: "bytes of a path",
    limits: { pathBytes: "skills/demo/SKILL.md".length },
    more: { a23456789b123456789cx: "" },
    says: "is 21 bytes long, more than 20",
  },
  { name: "unpacked bytes", limits: { unpackedBytes: 3071 }, more: {}, says: "unpacks to more than 3071 bytes" },
  { name: "bytes of one file", limits: { unpackedBytes: 8192 }, more: { x: Buffer.alloc(8193) }, says: '"x" has 8193 bytes' },
  { name: "packed bytes", limits: { archiveBytes: 4096 }, more: { x: noise(4096) }, says: "larger than the 4096 bytes" },
  { name: "bytes of the manifest", limits: { manifestBytes: 64 }, more: {}, says: "more than 64" },
])("one past the limit of $name is an error", async ({ limits, more, says }) => {
  await expect(pack(packageContent(more), { limits: { ...PACKAGE_LIMITS, ...limits } })).rejects.toMatchObject({
    code: "BAD_REQUEST",
    message: expect.stringContaining(says),
  });
});

test("a package that mirrors would take for a bomb is an error", async () => {
  await expect(pack(packageContent({ zeros: Buffer.alloc(17 * 1024 * 1024) }))).rejects.toMatchObject({
    message: expect.stringContaining("which mirrors refuse"),
  });
});

test("what the specification excludes is left out at every depth, even where `files` names it", async () => {
  const excluded = Object.fromEntries(
    [
      ".git/config",
      ".hg/x",
      ".svn/x",
      ".agent-packages/x",
      "node_modules/x",
      ".venv/x",
      "venv/x",
      "__pycache__/x",
      "a.pyc",
      ".DS_Store",
      "Thumbs.db",
      "package.agent.lock",
      "evals/reports/1.json",
      "skills/demo/node_modules/y/index.js",
      "skills/demo/.git",
      "skills/demo/x.pyc",
    ].map((path) => [path, ""]),
  );
  const expected = ["aam.yaml", "evals/case.yaml", "package.agent.json", "reports/1", "skills/demo/SKILL.md"];
  const kept = { "evals/case.yaml": "", "reports/1": "" };
  expect(await pathsOf(packageContent({ ...excluded, ...kept }))).toEqual(expected);
  expect(
    await pathsOf(packageContent({ ...excluded, ...kept, "package.agent.json": manifestText({ files: ["**", ".git/**", "a.pyc"] }) })),
  ).toEqual(expected);
});

test("`files` selects, and what is always packed comes along from the root only", async () => {
  const paths = await pathsOf(
    packageContent({
      "package.agent.json": manifestText({ files: ["skills/**", "docs", "./data/*.csv", "lib/**/x.md", "evals/"] }),
      "README.md": "",
      LICENSE: "",
      CHANGELOG: "",
      "other/README.md": "",
      "docs/a/b.md": "",
      "data/a.csv": "",
      "data/deep/a.csv": "",
      "lib/x.md": "",
      "lib/a/b/x.md": "",
      "lib/y.md": "",
      "evals/c/d": "",
    }),
  );
  expect(paths).toEqual([
    "CHANGELOG",
    "LICENSE",
    "README.md",
    "data/a.csv",
    "docs/a/b.md",
    "evals/c/d",
    "lib/a/b/x.md",
    "lib/x.md",
    "package.agent.json",
    "skills/demo/SKILL.md",
  ]);
});

test("a manifest written in YAML is in the archive as JSON", async () => {
  const { "package.agent.json": _, ...content } = packageContent({
    "package.agent.yaml": 'name: "@myorg/demo"\nversion: 1.2.3\nfiles: [skills/**]\n',
  });
  const { bytes, listing } = await pack(content);
  expect(listing.map(({ path }) => path)).toEqual(["package.agent.json", "skills/demo/SKILL.md"]);
  expect(gunzipSync(bytes).toString()).toContain(
    '{\n  "name": "@myorg/demo",\n  "version": "1.2.3",\n  "files": [\n    "skills/**"\n  ]\n}\n',
  );
});

test.each([
  { name: "an alias", yaml: "name: &n a\nversion: 1.0.0\nauthor: *n\n", says: "anchor" },
  { name: "a tag", yaml: "name: !!str a\nversion: 1.0.0\n", says: "tag" },
  { name: "a merge key", yaml: "name: a\nversion: 1.0.0\nx-a: {<<: {b: 1}}\n", says: "merge key" },
  { name: "a key that is no text", yaml: "name: a\nversion: 1.0.0\n1: b\n", says: 'the key "1"' },
  { name: "a number that JSON lacks", yaml: "name: a\nversion: 1.0.0\nx-a: {b: .inf}\n", says: "the number" },
  {
    name: "a number that would lose digits",
    yaml: "name: a\nversion: 1.0.0\nx-a: {b: 12345678901234567890}\n",
    says: "12345678901234567890",
  },
  {
    name: "more than 1 MiB",
    yaml: `name: a\nversion: 1.0.0\ndescription: ${"x".repeat(1024 * 1024 - 36)}\n`,
    says: "has 1048577 bytes, more than 1048576",
  },
  { name: "a key twice", yaml: "name: a\nname: b\nversion: 1.0.0\n", says: "twice" },
])("a manifest in YAML with $name is an error", async ({ yaml, says }) => {
  await expect(pack({ "package.agent.yaml": yaml })).rejects.toMatchObject({ code: "BAD_REQUEST", message: expect.stringContaining(says) });
});

test("a skill may be declared by its folder, its file or a link to its folder, and a folder of overrides may be absent", async () => {
  const skills = ["./skills/demo/", "skills/demo", "skills/demo/SKILL.md", "linked"].map((path, index) => ({
    name: `demo-${index}`,
    path,
  }));
  const manifest = manifestText({
    artifacts: { skills },
    rules: "./rules",
    commands: "./skills",
    quality: { evals: [{ name: "e", path: "e.yaml" }] },
  });
  const content = packageContent({ "package.agent.json": manifest, linked: { link: "skills/demo" }, "e.yaml": "" });
  expect(await pathsOf(content)).toEqual(["aam.yaml", "e.yaml", "linked", "package.agent.json", "skills/demo/SKILL.md"]);
});

test("the author is warned of secrets, of names that clash and of patterns without a match", async () => {
  const { warnings } = await pack(
    packageContent({
      "package.agent.json": manifestText({ files: ["**", "docs/**"] }),
      ".env.local": "",
      ".env.example": "",
      "skills/demo/id_ed25519": "",
      "notes.md": "",
      "NOTES.md": "",
      "old.aam": "",
    }),
  );
  expect(warnings).toEqual([
    '".env.local" may hold a secret, and everybody who installs the package gets it',
    '"skills/demo/id_ed25519" may hold a secret, and everybody who installs the package gets it',
    '"old.aam" is a package archive inside the package',
    'the pattern "docs/**" of `files` matches nothing',
    '"NOTES.md" and "notes.md" are one file on macOS and Windows',
  ]);
  expect((await pack(packageContent())).warnings).toEqual([]);
});

test("only the owner's permission to run a file counts: the others' goes with the umask", async () => {
  const folder = folderOf(packageContent({ mine: "", theirs: "" }));
  chmodSync(join(folder, "mine"), 0o700);
  chmodSync(join(folder, "theirs"), 0o655);
  const { listing } = await packFolder(folder);
  expect(listing).toContainEqual(expect.objectContaining({ path: "mine", executable: true }));
  expect(listing).toContainEqual(expect.objectContaining({ path: "theirs", executable: false }));
});

test("entries are in the order of their UTF-8 bytes, whatever the order on disk", async () => {
  const names = ["\u{1f600}", "\ufb00", "a", "Z", "skills/demo/\u00e9", "skills.md"];
  const paths = await pathsOf(packageContent(Object.fromEntries(names.map((name) => [name, ""]))));
  expect(paths.filter((path) => names.includes(path))).toEqual(["Z", "a", "skills.md", "skills/demo/\u00e9", "\ufb00", "\u{1f600}"]);
});

test("real tar unpacks what was packed: contents, links and who may run what", async () => {
  const long = `docs/${"deep/".repeat(30)}${"n".repeat(120)}.md`;
  const content = packageContent({
    [long]: "long",
    "p\u0159ehled.md": "unicode",
    "run.sh": { run: "#!/bin/sh\n" },
    link: { link: "skills/demo/SKILL.md" },
    folder: { link: "skills" },
    "skills/up": { link: "../run.sh" },
    empty: "",
  });
  const source = folderOf(content);
  const archive = join(source, "..", `${createHash("sha256").update(source).digest("hex").slice(0, 16)}.aam`);
  const target = mkdtempSync(join(tmpdir(), "assay-unpacked-"));
  onTestFinished(() => {
    rmSync(archive, { force: true });
    rmSync(target, { recursive: true, force: true });
  });
  const packed = await packFolder(source);
  writeFileSync(archive, packed.bytes);
  expect(spawnSync("tar", ["xzf", archive, "-C", target]).stderr.toString()).toBe("");
  expect(spawnSync("diff", ["--no-dereference", "-r", source, target]).stdout.toString()).toBe("");
  // Unpacked and packed again it is the same archive: nothing of it was lost.
  expect((await packFolder(target)).digest).toBe(packed.digest);
});

test("the archive is the one form that is promised", async () => {
  const content = packageContent({ "run.sh": { run: "#!/bin/sh\n" }, link: { link: "run.sh" }, "\u00e9": "x" });
  const { bytes, listingDigest, file } = await pack(content, { epochSeconds: 1_700_000_000 });
  expect(file).toBe("myorg--demo-1.2.3.aam");
  expect(bytes.subarray(0, 10).toString("hex")).toBe("1f8b080000f1536502ff");
  // The compressor's output may change with Node; what it is made of may not.
  expect(createHash("sha256").update(gunzipSync(bytes)).digest("hex")).toBe(
    "2e09488c59a26c62b3dc656c00507fd0a9afd61b2718d6c67d1f8b32d025afc9",
  );
  expect(listingDigest).toBe("861f6bb5562b5e4e5e1bc29f60bc687264da568ef163ec48e7cec0adbde449c0");
});
