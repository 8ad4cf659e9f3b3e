import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BundleManifest, pathOf } from "../../../src/core/bundle-manifest.ts";
import { canonicalJson } from "../../../src/core/canonical-json.ts";
import { MAX_LOST_LISTING_BYTES } from "../../../src/core/lost-listing.ts";
import { BundleReader } from "../../../src/mirror/bundle/bundle-reader.ts";
import { openExistingIndex } from "../../../src/store/open-store.ts";
import { AirGap, ARCHIVES } from "../../support/air-gap.ts";
import { forgeBundle } from "../../support/forged-bundle.ts";
import { startMirror } from "../../support/mirror-bench.ts";
import type { Loose } from "../../support/sigstore-instance.ts";

/** What `AirGap.lose` takes away. */
const LOST = ["left-1.0.0.tgz", "skill-1.0.0.aam", "tool-1.0-py3-none-any.whl"];

let gap: AirGap;
let bundle: string;
let manifest: BundleManifest;
let exported: Loose;
const contents = new Map<string, Buffer>();

beforeAll(async () => {
  gap = await AirGap.open();
  await gap.fetch();
  await gap.lose();
  bundle = join(gap.folder, "all.tar");
  const { code, said } = await gap.export(bundle);
  expect({ code, said }).toMatchObject({ code: 0, said: { artifacts: ARCHIVES.length } });
  exported = said;
  const reader = await BundleReader.open([bundle]);
  manifest = reader.manifest;
  for (const file of manifest.files) contents.set(pathOf(file), await reader.whole(file));
  await reader.close();
});
afterAll(() => gap.close());

/** The bundle with another record of `left` 1.0.0, and with other things changed about that archive. */
async function withRecord(record: (honest: Loose) => Loose, change: (artifact: Loose) => Loose = (artifact) => artifact): Promise<string> {
  const honest = manifest.artifacts.find(({ file }) => file === "left-1.0.0.tgz")?.lost;
  if (!honest) throw new Error("left 1.0.0 has no record of its own");
  const kept = contents.get(pathOf({ kind: "document", sha256: honest.sha256 }));
  const body = Buffer.from(canonicalJson(record(JSON.parse(kept?.toString() ?? ""))));
  const lost = { sha256: createHash("sha256").update(body).digest("hex"), sizeBytes: body.length };
  const about = (artifact: Loose): Loose => (artifact.file === "left-1.0.0.tgz" ? change({ ...artifact, lost }) : artifact);
  const files = (honestFiles: readonly Loose[]): readonly Loose[] =>
    lost.sha256 === honest.sha256 ? honestFiles : [{ kind: "document", ...lost }, ...honestFiles];
  return forgeBundle(
    { manifest, contents, folder: gap.folderFor("forged") },
    (all) => ({ ...all, artifacts: all.artifacts.map(about), files: files(all.files) }),
    [body],
  );
}

const others = ({ said }: { said: Loose }): readonly Loose[] => said.artifacts.filter(({ kind }: Loose) => kind !== "admitted");

describe("the record of an archive that upstream has lost is the exporter's word, and no more", () => {
  test("other digests in it than the bytes have refuse them, though the manifest names these bytes", async () => {
    const forged = await withRecord((honest) => ({ ...honest, claims: [{ algorithm: "sha256", hex: "0".repeat(64), claimedBy: "x" }] }));
    const ended = await gap.import(gap.folderFor("claims"), forged);
    expect(ended.code).toBe(2);
    expect(others(ended)).toEqual([
      expect.objectContaining({ purl: "pkg:npm/left@1.0.0", reasons: [expect.objectContaining({ code: "CHECKSUM_MISMATCH" })] }),
    ]);
  });

  test("it is not asked about an archive that the page lists: what the page claims holds", async () => {
    const page = manifest.artifacts.find(({ file }) => file === "left-1.1.0.tgz");
    const evil = await forgeBundle({ manifest, contents, folder: gap.folderFor("evil") }, (all) => ({
      ...all,
      // The archive of 1.0.0, under the name of a version that is listed, with a record of its own that would claim these bytes.
      artifacts: all.artifacts
        .filter(({ file }: Loose) => file !== "left-1.1.0.tgz")
        .map((artifact: Loose) =>
          artifact.file === "left-1.0.0.tgz" ? { ...artifact, version: "1.1.0", file: "left-1.1.0.tgz", url: page?.url } : artifact,
        ),
    }));
    const ended = await gap.import(gap.folderFor("listed"), evil);
    expect(others(ended)).toEqual([
      expect.objectContaining({
        purl: "pkg:npm/left@1.1.0",
        reasons: expect.arrayContaining([expect.objectContaining({ code: "CHECKSUM_MISMATCH" })]),
      }),
    ]);
  });

  test.each<[string, (artifact: Loose) => Loose]>([
    ["a file that is a path", (artifact) => ({ ...artifact, file: "../../left-1.0.0.tgz" })],
    ["the file of another version", (artifact) => ({ ...artifact, version: "0.9.0" })],
    ["a name that is none", (artifact) => ({ ...artifact, name: ".left" })],
    ["an upstream that is none here", (artifact) => ({ ...artifact, upstream: "https://registry.example/" })],
  ])("%s is left out, and nothing is put on record of it", async (_, change) => {
    const data = gap.folderFor("names");
    const ended = await gap.import(data, await withRecord((honest) => honest, change));
    expect(ended.code).toBe(65);
    expect(others(ended)).toEqual([expect.objectContaining({ kind: "failed" })]);
    const index = await openExistingIndex({ dataDir: data, clock: { now: Date.now } });
    expect((await index.files("npm", "left")).map(({ version }) => version)).toEqual(["1.1.0"]);
    await index.close();
  });

  test.each<[string, (record: Loose) => Loose]>([
    ["of a later format", (record) => ({ ...record, format: 2 })],
    ["with a member that nobody knows", (record) => ({ ...record, listed: true })],
    [
      "that claims a digest by an algorithm that nobody knows",
      (record) => ({ ...record, claims: [{ algorithm: "md4", hex: "00", claimedBy: "x" }] }),
    ],
    ["that is longer than one may be", (record) => ({ ...record, extra: { text: "x".repeat(MAX_LOST_LISTING_BYTES) } })],
  ])("a record %s leaves its archive out, and nothing else", async (_, record) => {
    const ended = await gap.import(gap.folderFor("malformed"), await withRecord(record));
    expect(ended.code).toBe(65);
    expect(others(ended)).toEqual([
      expect.objectContaining({
        purl: "pkg:npm/left@1.0.0",
        kind: "failed",
        reason: expect.stringContaining("in the place of an index page"),
      }),
    ]);
  });

  test("a name that the policy binds to another upstream is not spoken for by it", async () => {
    gap.setPolicy('version: 1\nrules:\n  - {match: ["pkg:npm/left"], upstream: internal}\n');
    const config = gap.config.replace(/(\{url: "[^"]*\/npm\/", retries: 0\})/, '$1, {name: internal, url: "https://registry.example/"}');
    const ended = await gap.import(gap.folderFor("bound"), bundle, { config });
    gap.setPolicy("version: 1\n");
    expect(others(ended).map(({ purl, kind }) => [purl, kind])).toEqual([
      ["pkg:npm/left@1.0.0", "failed"],
      ["pkg:npm/left@1.1.0", "failed"],
    ]);
  });
});

describe("what upstream lost", () => {
  test("is exported with the record that it was listed by, and the answer says so", () => {
    expect(manifest.artifacts.filter(({ lost }) => lost).map(({ file }) => file)).toEqual(expect.arrayContaining(LOST));
    expect(exported.rows.filter(({ lost }: Loose) => lost)).toHaveLength(LOST.length);
  });

  test("is verified again, judged, and served on the other side, with its evidence", async () => {
    gap.setPolicy('version: 1\nrules:\n  - {match: ["pkg:pypi/tool"], signature: {require: true, on_missing: error}}\n');
    const data = gap.folderFor("far");
    const ended = await gap.import(data, bundle);
    expect([ended.code, others(ended)]).toEqual([0, []]);
    const asked = gap.upstream.connections;
    const far = await startMirror({ config: `${gap.config}\noffline: true\n`, dataDir: data });
    try {
      for (const path of [...ARCHIVES, "/pypi/files/tool/tool-1.0-py3-none-any.whl.provenance"]) {
        expect([path, (await far.get(path)).status]).toEqual([path, 200]);
      }
      const explained = await (await far.get("/api/v1/artifacts?purl=pkg:npm/left@1.0.0")).text();
      expect(explained).toContain(`as the bundle that ${ended.said.keyId} signed says`);
      const skill = JSON.parse(await (await far.get("/aam/packages/skill")).text());
      expect(skill.versions["1.0.0"]).toMatchObject({ yanked: true });
      const left = JSON.parse(await (await far.get("/npm/left")).text());
      expect(Object.keys(left.versions)).toEqual(["1.1.0"]);
    } finally {
      await far.close();
      gap.setPolicy("version: 1\n");
    }
    expect(gap.upstream.connections).toBe(asked);
  });

  test("is told as here already the second time, and goes from there to a third Assay", async () => {
    const data = gap.folderFor("second");
    await gap.import(data, bundle);
    expect((await gap.import(data, bundle)).said.summary).toMatchObject({ "already-here": ARCHIVES.length });
    const onward = join(gap.folder, "onward.tar");
    expect(await gap.export(onward, { data })).toMatchObject({ code: 0, said: { artifacts: ARCHIVES.length } });
    expect((await gap.import(gap.folderFor("third"), onward)).said.summary).toMatchObject({ admitted: ARCHIVES.length });
  });

  test("is not carried again by a bundle that builds on one that has it", async () => {
    const next = join(gap.folder, "next.tar");
    const { said } = await gap.export(next, { since: bundle });
    expect(said).toMatchObject({ carriedFiles: 0 });
    const data = gap.folderFor("since");
    await gap.import(data, bundle);
    expect((await gap.import(data, next)).said.summary).toMatchObject({ "already-here": ARCHIVES.length });
  });
});
