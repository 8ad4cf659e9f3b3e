import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AirGap } from "../../support/air-gap.ts";
import { buildNpmTarball } from "../../support/archives.ts";
import { startMirror } from "../../support/mirror-bench.ts";
import { publishTarballs } from "../../support/releases.ts";
import type { Loose } from "../../support/sigstore-instance.ts";

let gap: AirGap;

beforeAll(async () => {
  gap = await AirGap.open();
  publishTarballs(gap.upstream, "fsevents", [{ version: "2.0.0" }]);
  await gap.fetch();
});
afterAll(() => gap.close());

const integrityOf = (bytes: Buffer): string => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;

function lockOf(packages: Loose): string {
  const path = join(gap.folderFor("project"), "package-lock.json");
  writeFileSync(path, JSON.stringify({ lockfileVersion: 3, packages }));
  return path;
}

/** An entry of a lock, with the digest of `bytes` or of the honest archive. */
function locked(name: string, version: string, { bytes = buildNpmTarball({ name, version }).bytes, ...more }: Loose = {}): Loose {
  const resolved = `https://elsewhere.example/${name}/-/${name}-${version}.tgz`;
  return { [`node_modules/${name}`]: { version, resolved, integrity: integrityOf(bytes), ...more } };
}

test("what is held under a name that a lock pins other bytes of is left out, with both digests, and the rest is exported", async () => {
  const other = Buffer.from("other bytes");
  const lock = lockOf({
    ...locked("left", "1.1.0"),
    "node_modules/a/node_modules/left": Object.values(locked("left", "1.0.0", { bytes: other }))[0],
  });
  const { code, said } = await gap.export(join(gap.folder, "pinned.tar"), { lock: [lock] });
  expect({ code, artifacts: said.artifacts }).toEqual({ code: 65, artifacts: 1 });
  const [leftOut] = said.rows.filter(({ kind }: Loose) => kind === "left-out");
  expect(leftOut).toMatchObject({ purl: "pkg:npm/left@1.0.0", why: "mismatch" });
  for (const bytes of [other, buildNpmTarball({ name: "left", version: "1.0.0" }).bytes]) {
    expect(leftOut.reason).toContain(createHash("sha512").update(bytes).digest("hex"));
  }
});

test("two locks that pin other bytes of one archive are told apart from what is not held", async () => {
  const locks = [lockOf(locked("left", "1.1.0")), lockOf(locked("left", "1.1.0", { bytes: Buffer.from("other bytes") }))];
  const { code, said } = await gap.export(join(gap.folder, "two.tar"), { lock: locks });
  expect(code).toBe(65);
  expect(said.rows).toContainEqual(expect.objectContaining({ kind: "left-out", why: "mismatch" }));
  const absent = await gap.export(join(gap.folder, "absent.tar"), { lock: [lockOf(locked("fsevents", "2.0.0"))] });
  expect(absent.code).toBe(69);
});

test("the page of a package that --platform leaves out goes along, without its archives", async () => {
  const lock = lockOf({ ...locked("left", "1.1.0"), ...locked("fsevents", "2.0.0", { os: ["darwin"] }) });
  const bundle = join(gap.folder, "linux.tar");
  const exported = await gap.export(bundle, { lock: [lock], platform: ["manylinux_2_28_x86_64"] });
  expect(exported).toMatchObject({ code: 0, said: { artifacts: 1 } });
  const data = gap.folderFor("linux");
  expect(await gap.import(data, bundle)).toMatchObject({ code: 0, said: { summary: { admitted: 1, failed: 0 } } });
  const far = await startMirror({ config: `${gap.config}\noffline: true\n`, dataDir: data });
  try {
    expect((await far.get("/npm/fsevents")).status).toBe(200);
    expect((await far.get("/npm/fsevents/-/fsevents-2.0.0.tgz")).status).not.toBe(200);
  } finally {
    await far.close();
  }
});

test("a page that cannot be had is told on the side that misses it", async () => {
  const lock = lockOf({ ...locked("left", "1.1.0"), ...locked("unknown", "1.0.0", { os: ["darwin"] }) });
  const { code, said } = await gap.export(join(gap.folder, "no-page.tar"), { lock: [lock], platform: ["manylinux_2_28_x86_64"] });
  expect(code).toBe(69);
  expect(said.rows).toContainEqual(expect.objectContaining({ purl: "pkg:npm/unknown", why: "unavailable" }));
  const pages = join(gap.folder, "pages.tar");
  const good = lockOf({ ...locked("left", "1.1.0"), ...locked("fsevents", "2.0.0", { os: ["darwin"] }) });
  await gap.export(pages, { lock: [good], platform: ["manylinux_2_28_x86_64"] });
  const config = gap.config.replace(/ {2}- \{name: npm,.*\n/, "");
  const ended = await gap.import(gap.folderFor("no-npm"), pages, { config });
  expect(ended.code).toBe(65);
  expect(ended.said.artifacts).toContainEqual(expect.objectContaining({ purl: "pkg:npm/fsevents", kind: "failed" }));
});
