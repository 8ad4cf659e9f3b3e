import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { packFolder } from "../../src/app/pack/pack-folder.ts";
import { startMirror } from "../support/mirror-bench.ts";
import { folderOf, packageContent } from "../support/package-folder.ts";

/** A local registry in the specification's layout that holds one archive, under the name and version given. */
function registryOf(bytes: Buffer, name: string, version: string): string {
  const root = mkdtempSync(join(tmpdir(), "assay-registry-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const folder = name.slice(1).replace("/", "--");
  const sha256 = createHash("sha256").update(bytes);
  const integrity = `sha256-${sha256.digest("base64")}`;
  const versions = join(root, "packages", folder, "versions");
  mkdirSync(versions, { recursive: true });
  writeFileSync(join(versions, `${version}.aam`), bytes);
  const entry = {
    version,
    description: "made in a test",
    author: "a",
    publishedAt: "2026-02-20T10:00:00Z",
    integrity,
    tarball: `versions/${version}.aam`,
  };
  const json = (file: string, value: unknown) => writeFileSync(join(root, file), JSON.stringify(value));
  json(`packages/${folder}/meta.json`, { name, versions: { [version]: entry }, "dist-tags": { latest: version } });
  json("index.json", { formatVersion: 1, updatedAt: "2026-02-20T10:00:00Z", packages: [{ name, latest: version, versions: [version] }] });
  json("dist-tags.json", { [name]: { latest: version } });
  return root;
}

async function ask(bytes: Buffer, name: string, version: string): Promise<Response> {
  const mirror = await startMirror({
    config: `repositories: [{name: aam, ecosystem: aam, upstreams: [{url: "${pathToFileURL(registryOf(bytes, name, version)).href}/"}]}]\n`,
  });
  onTestFinished(() => mirror.close());
  return mirror.get(`/aam/packages/${name}/${version}/tarball`);
}

/** Whatever an archive may hold: long and foreign names, links, files that run, nothing at all. */
const CONTENT = packageContent({
  [`docs/${"deep/".repeat(30)}${"n".repeat(120)}.md`]: "long",
  "p\u0159ehled/\u6982\u8981.md": "unicode",
  "run.sh": { run: "#!/bin/sh\n" },
  link: { link: "skills/demo/SKILL.md" },
  [`skills/${"l".repeat(110)}`]: { link: `../docs/${"deep/".repeat(30)}` },
  empty: "",
});

test("what assay packs under another name or version is refused by the mirror", async () => {
  const { bytes } = await packFolder(folderOf(CONTENT));
  expect((await ask(bytes, "@myorg/other", "1.2.3")).status).toBe(403);
  expect((await ask(bytes, "@myorg/demo", "1.2.4")).status).toBe(403);
});

test("what assay packs is admitted and served byte for byte", async () => {
  const { bytes, name, version } = await packFolder(folderOf(CONTENT), { epochSeconds: 1_700_000_000 });
  const answer = await ask(bytes, name, version);
  expect(answer.status).toBe(200);
  expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
});
