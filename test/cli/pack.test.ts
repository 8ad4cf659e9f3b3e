import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packFolder } from "../../src/app/pack/pack-folder.ts";
import { type PackFlags, pack } from "../../src/cli/pack.ts";
import { folderOf, manifestText, packageContent } from "../support/package-folder.ts";

const FILE = "myorg--demo-1.2.3.aam";

async function run(folder: string | undefined, flags: PackFlags, env: NodeJS.ProcessEnv = {}) {
  const [printed, warned]: [string[], string[]] = [[], []];
  const command = { env, print: (text: string) => void printed.push(text), warn: (text: string) => void warned.push(text) };
  const exit = await pack(command, folder, flags);
  return { exit, text: printed.join(""), warnings: warned.join("") };
}

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "assay-cli-pack-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test.each<{ name: string; folder: string | undefined; flags: PackFlags }>([
  { name: "nothing to pack", folder: undefined, flags: {} },
  { name: "a folder and an archive to check", folder: ".", flags: { check: "a.aam" } },
  { name: "--check and --force", folder: undefined, flags: { check: "a.aam", force: true } },
  { name: "--list and an output", folder: ".", flags: { list: true, output: "a.aam" } },
])("$name is a wrong use", async ({ folder, flags }) => {
  await expect(run(folder, flags)).rejects.toMatchObject({ code: "USAGE" });
});

test.each(["now", "-1", "1.5", "4294967296", "0x10"])("the time %s is an error, and nothing is written", async (epoch) => {
  const output = scratch();
  await expect(run(folderOf(packageContent()), { output }, { SOURCE_DATE_EPOCH: epoch })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  expect(readdirSync(output)).toEqual([]);
});

test("an archive with other bytes is replaced only when that was asked for", async () => {
  const [source, output] = [folderOf(packageContent()), join(scratch(), "out.aam")];
  writeFileSync(output, "another");
  await expect(run(source, { output })).rejects.toMatchObject({ code: "CONFLICT", help: expect.stringContaining("--force") });
  expect(readFileSync(output, "utf8")).toBe("another");
  expect((await run(source, { output, force: true })).text).toContain(`${output} (replaced)`);
  const before = statSync(output).ino;
  expect((await run(source, { output })).text).toContain("there already, with the same bytes");
  expect(statSync(output).ino).toBe(before);
  expect(readdirSync(join(output, ".."))).toEqual(["out.aam"]);
});

test("an archive that the next one would hold is a wrong use; where `files` leave it out it is none", async () => {
  const source = folderOf(packageContent());
  await expect(run(source, { output: source })).rejects.toMatchObject({ code: "USAGE", help: expect.stringContaining(`-o ../${FILE}`) });
  expect(readdirSync(source)).not.toContain(FILE);
  const selected = folderOf(packageContent({ "package.agent.json": manifestText({ files: ["skills/**", "aam.yaml"] }) }));
  await run(selected, { output: selected });
  expect((await run(selected, { output: selected })).text).toContain("the same bytes");
});

test("a folder for the archive that is not there is an error that names it", async () => {
  await expect(run(folderOf(packageContent()), { output: join(scratch(), "none/a.aam") })).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("--list says what would be packed, writes nothing and leaves the folder as it is", async () => {
  const source = folderOf(packageContent({ "run.sh": { run: "" }, link: { link: "run.sh" }, ".env": "" }));
  const before = readdirSync(source);
  const { text, warnings } = await run(source, { list: true });
  expect(text.split("\n").map((line) => line.split(/ {2,}/).at(-1))).toEqual(
    expect.arrayContaining([".env", "aam.yaml", "link -> run.sh", "run.sh", "skills/demo/SKILL.md"]),
  );
  expect(text).toMatch(/^0755 {2}0 .* run\.sh$/m);
  expect(text).toContain(`not written (it would be ${FILE})`);
  expect(warnings).toBe('warning: ".env" may hold a secret, and everybody who installs the package gets it\n');
  expect(readdirSync(source)).toEqual(before);
});

test("the JSON says all that is to be known of the archive", async () => {
  const [source, output] = [folderOf(packageContent()), scratch()];
  const { text } = await run(source, { output, json: true }, { SOURCE_DATE_EPOCH: "1700000000" });
  const packed = await packFolder(source, { epochSeconds: 1_700_000_000 });
  expect(readFileSync(join(output, FILE))).toEqual(packed.bytes);
  expect(JSON.parse(text)).toEqual({
    name: "@myorg/demo",
    version: "1.2.3",
    path: join(output, FILE),
    written: "new",
    sizeBytes: packed.bytes.length,
    sha256: packed.digest,
    integrity: `sha256-${Buffer.from(packed.digest, "hex").toString("base64")}`,
    listingSha256: packed.listingDigest,
    entries: packed.listing,
    warnings: [],
  });
});

test("--check answers 0 for what assay packed and 2 for what breaks the specification, and names it", async () => {
  const [source, output] = [folderOf(packageContent()), scratch()];
  await run(source, { output });
  const archive = join(output, FILE);
  const good = await run(undefined, { check: archive });
  expect(good).toMatchObject({ exit: 0, text: expect.stringContaining("assay pack makes the same bytes of its content") });

  const late = await run(undefined, { check: archive, json: true }, { SOURCE_DATE_EPOCH: "1" });
  expect(late.exit).toBe(2);
  const report = JSON.parse(late.text) as { conforms: boolean; reproducible: boolean; deviations: { code: string }[] };
  expect(report).toMatchObject({ file: archive, name: "@myorg/demo", entries: 3, conforms: false, reproducible: false });
  expect(report.deviations[0]).toEqual({ weight: "must", code: "time", path: "aam.yaml", expected: "1", got: "0" });

  const other = readFileSync(archive);
  other[9] = 3;
  writeFileSync(archive, other);
  const form = await run(undefined, { check: archive });
  expect(form).toMatchObject({ exit: 0, text: expect.stringMatching(/conforms, but[\s\S]*gzip-header .*got flags 0, XFL 2, OS 3/) });
});

test("of many deviations of one kind the text shows a few, and nothing that moves the cursor", async () => {
  const files = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`docs/${index}\u202e.md`, ""]));
  const [source, output] = [folderOf(packageContent(files)), scratch()];
  mkdirSync(join(output, "x"));
  await run(source, { output: join(output, "x") });
  const { text } = await run(undefined, { check: join(output, "x", FILE) }, { SOURCE_DATE_EPOCH: "1" });
  expect(text).toContain("and 7 more");
  expect(text).toContain("docs/0\\u{202e}.md");
  expect(text).not.toContain("\u202e");
});
