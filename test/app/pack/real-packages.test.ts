import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { checkArchive } from "../../../src/app/pack/check-archive.ts";
import { packFolder } from "../../../src/app/pack/pack-folder.ts";
import { sharedData } from "../../support/shared-data.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const DATA = sharedData("aam");
const TREES = DATA === undefined ? [] : readdirSync(join(DATA, "src"));

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "assay-packed-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy made under another umask, with times of its own. */
function copyOf(tree: string, umask: string, time: number): string {
  const copy = join(scratch(), "another name");
  execFileSync("sh", ["-c", `umask ${umask} && cp -r "$1" "$2"`, "sh", join(DATA ?? "", "src", tree), copy]);
  for (const path of readdirSync(copy, { recursive: true, encoding: "utf8" })) utimesSync(join(copy, path), time, time);
  return copy;
}

test.skipIf(DATA === undefined)("there are real packages to pack", () => {
  expect(TREES.length).toBeGreaterThan(15);
});

test.each(TREES)("%s packs to the same bytes from every copy, and holds what the reference archive holds", async (tree) => {
  const packed = await packFolder(join(DATA ?? "", "src", tree));
  expect((await packFolder(copyOf(tree, "077", 1))).digest).toBe(packed.digest);
  expect((await packFolder(copyOf(tree, "000", 1_900_000_000.5))).digest).toBe(packed.digest);
  const folder = packed.file.slice(0, -`-${packed.version}.aam`.length);
  const reference = await checkArchive(join(DATA ?? "", "registry-uaaps/packages", folder, "versions", `${packed.version}.aam`));
  expect(reference.listingDigest).toBe(packed.listingDigest);
  // Another tool made it: it meets the specification, though its headers and its compression are not ours.
  expect(reference.deviations.filter(({ weight }) => weight === "must")).toEqual([]);
  expect(reference.deviations).not.toEqual([]);
});

test.skipIf(DATA === undefined)(
  "the command packs the same bytes in another locale, time zone and umask",
  async () => {
    const bytes = ["C", "cs_CZ.UTF-8", "tr_TR.UTF-8"].map((locale, index) => {
      const output = join(scratch(), "packed.aam");
      const source = copyOf("unicode-docs-1.0.0", index === 0 ? "027" : "002", 1000 + index);
      const env = { PATH: process.env["PATH"], LC_ALL: locale, LANG: locale, TZ: ["UTC", "Asia/Tokyo", "America/Lima"][index] };
      const command = `umask 0${index}7 && exec "$0" src/main.ts pack "$1" -o "$2"`;
      execFileSync("sh", ["-c", command, process.execPath, source, output], { cwd: ROOT, env });
      return readFileSync(output).toString("base64");
    });
    const packed = await packFolder(join(DATA ?? "", "src/unicode-docs-1.0.0"));
    expect(bytes).toEqual(bytes.map(() => packed.bytes.toString("base64")));
  },
  60_000,
);

test.skipIf(DATA === undefined)("what the aam client packs is named for what it is", async () => {
  const { deviations } = await checkArchive(join(DATA ?? "", "registry/packages/myorg--code-review/versions/2.1.0.aam"));
  const codes = new Set(deviations.filter(({ weight }) => weight === "must").map(({ code }) => code));
  expect(codes).toEqual(new Set(["order", "time", "owner", "extended-header"]));
});
