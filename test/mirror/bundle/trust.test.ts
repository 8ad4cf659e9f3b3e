import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BundleManifest, pathOf } from "../../../src/core/bundle-manifest.ts";
import { parseDigest } from "../../../src/core/digest.ts";
import { BundleReader } from "../../../src/mirror/bundle/bundle-reader.ts";
import { codeOf } from "../../contract/code-of.ts";
import { AirGap, ARCHIVES } from "../../support/air-gap.ts";
import { buildWheel } from "../../support/archives.ts";
import { forgeBundle } from "../../support/forged-bundle.ts";
import { type Loose, SigstoreInstance } from "../../support/sigstore-instance.ts";

let gap: AirGap;
let bundle: string;
let keyId: string;
let manifest: BundleManifest;
const contents = new Map<string, Buffer>();

beforeAll(async () => {
  gap = await AirGap.open();
  await gap.fetch();
  bundle = join(gap.folder, "all.tar");
  keyId = (await gap.export(bundle)).said.keyId;
  const reader = await BundleReader.open([bundle]);
  manifest = reader.manifest;
  for (const file of manifest.files) contents.set(pathOf(file), await reader.whole(file));
  await reader.close();
});
afterAll(() => gap.close());

const forge = (change: (honest: Loose) => Loose, more: readonly Buffer[] = []): Promise<string> =>
  forgeBundle({ manifest, contents, folder: gap.folderFor("forged") }, change, more);

function digestOf(body: Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}

describe("whose bundle it is", () => {
  const OTHER = `sha256:${"ab".repeat(32)}`;

  test("one whose key nobody named is not looked into, and neither is one of another key", async () => {
    const data = gap.folderFor("whose");
    expect(await codeOf(gap.import(data, bundle, { key: [] }))).toBe("BAD_REQUEST");
    expect(await codeOf(gap.import(data, bundle, { key: [OTHER] }))).toBe("BAD_REQUEST");
    expect(await codeOf(gap.import(data, await forge((honest) => honest), { key: [keyId] }))).toBe("BAD_REQUEST");
  });

  test("its key may be named by its id, by a file, or in the configuration", async () => {
    const file = join(gap.folder, "exporter.pem");
    const { publicKey } = JSON.parse(
      readFileSync(bundle)
        .subarray(512, 512 + sizeOfFirst(readFileSync(bundle)))
        .toString(),
    ).signatures[0];
    writeFileSync(file, publicKey);
    for (const key of [[keyId], [keyId.toUpperCase()], [OTHER, file]]) {
      expect(await gap.import(gap.folderFor("named"), bundle, { key })).toMatchObject({ code: 0, said: { trustedOnImport: false } });
    }
    const config = `${gap.config}\nimport: {keys: ["${keyId}"]}\n`;
    expect(await gap.import(gap.folderFor("named"), bundle, { key: [], config })).toMatchObject({ code: 0 });
  });

  test("where anybody's is taken, the answer says so", async () => {
    expect((await gap.import(gap.folderFor("any"), bundle)).said).toMatchObject({ trustedOnImport: true, keyId });
  });

  test("a manifest of a later format is told from a broken one, and not read", async () => {
    const later = await forge((honest) => ({ ...honest, format: 2, anything: "else" }));
    await expect(gap.import(gap.folderFor("later"), later)).rejects.toThrow(/format 2, and this Assay reads format 1/);
  });

  test.each<[string, (honest: Loose) => Loose]>([
    ["names an archive twice", (honest) => ({ ...honest, artifacts: [...honest.artifacts, honest.artifacts[0]] })],
    ["names a file twice", (honest) => ({ ...honest, files: [...honest.files, honest.files[0]] })],
    [
      "gives one file two sizes",
      (honest) => ({ ...honest, artifacts: honest.artifacts.map((each: Loose) => ({ ...each, sizeBytes: each.sizeBytes + 1 })) }),
    ],
    ["has a digest that is a path", (honest) => ({ ...honest, decisions: "../../../../etc/passwd" })],
    ["has a member that nobody knows", (honest) => ({ ...honest, trustThis: true })],
    ["names an archive as no package is called", (honest) => ({ ...honest, artifacts: [{ ...honest.artifacts[0], name: "@scope/" }] })],
    ["lacks a list", ({ documents: _, ...honest }) => honest],
  ])("a manifest that %s is refused whole", async (_, change) => {
    expect(await codeOf(gap.import(gap.folderFor("malformed"), await forge(change)))).toBe("BAD_REQUEST");
  });
});

describe("nothing is believed for being in a bundle", () => {
  const kinds = ({ said }: { said: Loose }): Loose =>
    Object.fromEntries(said.artifacts.map((row: Loose) => [row.purl.split("@")[0], row.kind]));
  const HONEST = { "pkg:pypi/tool": "admitted", "pkg:pypi/plain": "admitted", "pkg:npm/left": "admitted", "pkg:aam/skill": "admitted" };

  test("other bytes under an archive's name, with a digest that the manifest gives them, are refused for what the index claims", async () => {
    const evil = buildWheel({ name: "plain", version: "1.0", files: { "plain/evil.py": "import os\n" } }).bytes;
    const file = { kind: "blob", sha256: digestOf(evil), sizeBytes: evil.length };
    const forged = await forge(
      (honest) => ({
        ...honest,
        artifacts: honest.artifacts.map((each: Loose) =>
          each.name === "plain" ? { ...each, sha256: file.sha256, sizeBytes: file.sizeBytes } : each,
        ),
        files: [...honest.files, file],
      }),
      [evil],
    );
    const data = gap.folderFor("evil");
    const ended = await gap.import(data, forged);
    expect(kinds(ended)).toEqual({ ...HONEST, "pkg:pypi/plain": "refused" });
    expect(ended.code).toBe(2);
    expect(ended.said.artifacts.find((row: Loose) => row.kind === "refused").reasons[0].code).toBe("CHECKSUM_MISMATCH");
    // And the honest bundle, which comes after it, is not held up by it.
    expect(kinds(await gap.import(data, bundle))).toMatchObject({ "pkg:pypi/plain": "admitted" });
  });

  test("evidence that is valid for other bytes is invalid for these, whoever signed the bundle", async () => {
    gap.index.publish({ name: "lender" });
    await gap.fetch(["/pypi/files/lender/lender-1.0-py3-none-any.whl"]);
    const lent = join(gap.folder, "lent.tar");
    await gap.export(lent, { purls: ["pkg:pypi/lender"] });
    const reader = await BundleReader.open([lent]);
    const { answer } = reader.manifest.documents.find(({ url }) => url.includes("/provenance/lender")) ?? {};
    if (!answer) throw new Error("the lender's provenance is not in the bundle");
    const file = { kind: "document" as const, sha256: answer.sha256, sizeBytes: answer.sizeBytes };
    contents.set(pathOf(file), await reader.whole(file));
    await reader.close();
    const forged = await forge((honest) => ({
      ...honest,
      documents: honest.documents.map((each: Loose) => (each.url.includes("/provenance/tool") ? { ...each, answer } : each)),
      files: [file, ...honest.files],
    }));
    const ended = await gap.import(gap.folderFor("lent"), forged);
    expect(kinds(ended)).toEqual({ ...HONEST, "pkg:pypi/tool": "refused" });
    expect(ended.said.artifacts.find((row: Loose) => row.kind === "refused").reasons[0].code).toBe("SUBJECT_MISMATCH");
  });

  test("evidence is verified under the importer's roots: what the exporter's root vouches for is worth nothing under another one, and that root is only shown", async () => {
    const another = join(gap.folder, "another-root.json");
    writeFileSync(another, JSON.stringify(new SigstoreInstance().trustedRoot()));
    const config = gap.config.replace(/sigstore: [^}]*/, `sigstore: ${another}`);
    gap.setPolicy('version: 1\nrules:\n  - {match: ["pkg:pypi/tool"], signature: {require: true, on_missing: error}}\n');
    const ended = await gap.import(gap.folderFor("roots"), bundle, { config });
    const again = await gap.import(gap.folderFor("roots"), bundle);
    gap.setPolicy("version: 1\n");
    expect(kinds(ended)).toEqual({ ...HONEST, "pkg:pypi/tool": "refused" });
    expect(ended.said.trustRoots).toContainEqual({ name: "private", sha256: expect.any(String), here: false });
    expect(kinds(again)).toEqual(HONEST);
    expect(again.said.trustRoots).toContainEqual({ name: "private", sha256: expect.any(String), here: true });
  });

  test.each([
    ["certificateAuthorities", 'the certificate authority "https://fulcio.example" of the trust root "private"'],
    ["tlogs", 'the transparency log "https://rekor.example" of the trust root "private"'],
  ])("a root whose %s had ended when the archive was signed says so, with its name and both dates", async (member, who) => {
    const ended = new Date(gap.signing.now - 86_400_000).toISOString();
    const root: Loose = gap.signing.trustedRoot();
    for (const each of root[member]) Object.assign((each.publicKey ?? each).validFor, { end: ended });
    const expired = join(gap.folder, `expired-${member}.json`);
    writeFileSync(expired, JSON.stringify(root));
    const data = gap.folderFor("expired");
    const { code, said } = await gap.import(data, bundle, { config: gap.config.replace(/sigstore: [^}]*/, `sigstore: ${expired}`) });
    expect([code, kinds({ said })]).toEqual([2, { ...HONEST, "pkg:pypi/tool": "refused" }]);
    const [{ text }] = said.artifacts.find((row: Loose) => row.kind === "refused").reasons;
    expect(text).toContain(who);
    expect(text).toContain(`until ${ended}`);
    // In an Assay whose root still counts, the same bundle into the same data folder is admitted.
    expect(kinds(await gap.import(data, bundle))).toMatchObject({ "pkg:pypi/tool": "admitted" });
  });

  test("the importer's policy decides, and what it refuses is left out with its reason", async () => {
    gap.setPolicy('version: 1\ndeny:\n  - {purl: "pkg:npm/left", versions: "vers:npm/1.1.0", reason: "not here"}\n');
    const { code, said } = await gap.import(gap.folderFor("policy"), bundle);
    gap.setPolicy("version: 1\n");
    expect({ code, summary: said.summary }).toMatchObject({ code: 2, summary: { refused: 1, admitted: ARCHIVES.length - 1 } });
    expect(said.artifacts.find((row: Loose) => row.kind === "refused")).toMatchObject({
      purl: "pkg:npm/left@1.1.0",
      reasons: [expect.objectContaining({ code: "DENIED" })],
    });
  });

  test("a document of an upstream that is none here is not another one's word", async () => {
    const config = gap.config.replace(`${gap.upstream.origin}/npm/`, "https://registry.example/");
    const ended = await gap.import(gap.folderFor("upstream"), bundle, { config });
    expect(kinds(ended)).toEqual({ ...HONEST, "pkg:npm/left": "failed" });
    expect(ended.said.artifacts.find((row: Loose) => row.kind === "failed").reason).toMatch(
      /the upstreams of npm here are: https:\/\/registry\.example\//,
    );
  });

  test("of what two repositories heard from one upstream, the newest counts", async () => {
    const page = manifest.documents.find(({ url }) => url.endsWith("/npm/left"));
    if (!page?.answer) throw new Error("the page of left is not in the bundle");
    const { versions, ...rest } = JSON.parse(contents.get(pathOf({ kind: "document", ...page.answer }))?.toString() ?? "");
    const { "1.1.0": _, ...fewer } = versions;
    const body = Buffer.from(JSON.stringify({ ...rest, "dist-tags": { latest: "1.0.0" }, versions: fewer }));
    const file = { kind: "document" as const, sha256: parseDigest(digestOf(body)), sizeBytes: body.length };
    contents.set(pathOf(file), body);
    const { sha256, sizeBytes } = file;
    const older = { ...page, repository: "zzz", answer: { ...page.answer, fetchedAt: page.answer.fetchedAt - 1000, sha256, sizeBytes } };
    const forged = await forge((honest) => ({ ...honest, documents: [...honest.documents, older], files: [file, ...honest.files] }));
    const { said } = await gap.import(gap.folderFor("newest"), forged);
    expect(said.artifacts).toContainEqual(expect.objectContaining({ purl: "pkg:npm/left@1.1.0", kind: "admitted" }));
  });

  test("what is larger than the importer's limits is left out", async () => {
    const config = `${gap.config}\nlimits: {archive: 300B}\n`;
    const ended = await gap.import(gap.folderFor("limits"), bundle, { config });
    expect(ended.code).toBe(65);
    expect(kinds(ended)["pkg:pypi/tool"]).toBe("failed");
    expect(ended.said.artifacts.find((row: Loose) => row.purl.startsWith("pkg:pypi/tool")).reason).toMatch(/more than 300/);
  });

  test("other bytes than were admitted here before are told, and what is here stays", async () => {
    const data = gap.folderFor("before");
    await gap.import(data, bundle);
    const evil = buildWheel({ name: "plain", version: "1.0", files: { "plain/evil.py": "import os\n" } }).bytes;
    const file = { kind: "blob", sha256: digestOf(evil), sizeBytes: evil.length };
    const forged = await forge(
      (honest) => ({
        ...honest,
        artifacts: honest.artifacts.map((each: Loose) =>
          each.name === "plain" ? { ...each, sha256: file.sha256, sizeBytes: file.sizeBytes } : each,
        ),
        files: [...honest.files, file],
      }),
      [evil],
    );
    const ended = await gap.import(data, forged);
    expect(kinds(ended)).toMatchObject({ "pkg:pypi/plain": "failed" });
    expect(ended.said.artifacts.find((row: Loose) => row.kind === "failed").reason).toMatch(/was admitted under this name before/);
  });
});

/** The length that the first header gives. */
function sizeOfFirst(bytes: Buffer): number {
  return Number.parseInt(bytes.toString("latin1", 124, 135), 8);
}
