import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as tar from "tar";
import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../src/core/ports/ecosystem.ts";
import { AamBench } from "./aam-bench.ts";
import { toldInApiV1, toldInUaaps } from "./told.ts";

const DATA = join(process.env["ASSAY_TEST_DATA"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url)), "aam");
if (!existsSync(DATA)) console.warn(`skipped: the real AAM registries are not at ${DATA} (set ASSAY_TEST_DATA)`);

const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  "@my_org/data-exporter": ["1.0.0"],
  "@myorg/code-review": ["1.3.0", "2.0.0", "2.1.0"],
  "@myorg/security-baseline": ["0.9.0", "1.0.0"],
  "@otherorg/code-review": ["1.0.0"],
  "code-review": ["1.3.2", "1.4.0"],
  "deploy-bot": ["2.0.0"],
  "full-stack-review": ["1.0.0"],
  "git-utils": ["1.0.0", "1.0.1", "2.0.0"],
  "testing-utils": ["2.0.0", "2.4.0", "3.0.0-beta.1"],
  "unicode-docs": ["1.0.0"],
};
const ARCHIVES = Object.entries(VERSIONS).flatMap(([name, versions]) => versions.map((version) => [name, version] as const));

async function rootManifests(path: string): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  const reads: Promise<unknown>[] = [];
  await tar.list({
    file: path,
    onReadEntry(entry) {
      if (!["package.agent.json", "aam.yaml", "bundle.json"].includes(entry.path)) return;
      reads.push(entry.concat().then((body) => manifests.push({ path: entry.path, body: Buffer.from(body) })));
    },
  });
  await Promise.all(reads);
  return manifests;
}

describe.skipIf(!existsSync(DATA)).each([
  { layout: "the specification's layout", folder: "registry-uaaps", claims: 2, beta: { latest: "2.4.0", beta: "3.0.0-beta.1" } },
  { layout: "the client's layout", folder: "registry", claims: 1, beta: { latest: "3.0.0-beta.1" } },
])("a real registry in $layout", ({ folder, claims, beta }) => {
  const root = join(DATA, folder);
  const bench = (): AamBench => new AamBench([`${pathToFileURL(root).href}/`]).load(root);

  test("lists all its packages with all their versions", async () => {
    const { packages } = (await bench().json("packages?limit=200")) as { packages: { name: string; versions: string[]; latest: string }[] };
    expect(Object.fromEntries(packages.map(({ name, versions }) => [name, versions]))).toEqual(VERSIONS);
    expect(packages.find(({ name }) => name === "@myorg/code-review")).toMatchObject({ latest: "2.1.0" });
    expect((await bench().headers("packages"))["X-Total-Count"]).toBe("10");
  });

  test.each(Object.keys(VERSIONS))("both dialects tell the same of %s", async (name) => {
    const told = await toldInUaaps(bench(), name);
    expect(Object.keys(told?.versions ?? {}).toSorted()).toEqual(VERSIONS[name]);
    expect(await toldInApiV1(bench(), name)).toEqual(told);
  });

  test("is listed by pages too", async () => {
    const page = (await bench().json("api/v1/packages?limit=4&page=3")) as { packages: { name: string; latest_version: string }[] };
    expect(page).toMatchObject({ total: 10, page: 3, pages: 3 });
    expect(page.packages.map(({ name }) => name)).toEqual(Object.keys(VERSIONS).slice(8));
  });

  test("is searched", async () => {
    const { packages } = (await bench().json("packages?q=code-review")) as { packages: { name: string }[] };
    expect(packages.map(({ name }) => name)).toEqual(["@myorg/code-review", "@otherorg/code-review", "code-review"]);
  });

  test("gives its tags as they are", async () => {
    expect(await bench().json("packages/testing-utils/dist-tags")).toEqual({ name: "testing-utils", "dist-tags": beta });
  });

  test("has nothing signed", async () => {
    expect(await bench().json("packages/git-utils/1.0.1/signature")).toMatchObject({ signatures: [], attestations: [] });
  });

  test.each(ARCHIVES)("%s %s: every claim is met by the archive, which says that it is that package", async (name, version) => {
    const asked = bench();
    const resolution = await asked.resolve(name, version);
    const path = fileURLToPath(resolution.url);
    const bytes = readFileSync(path);
    const digest = createHash("sha256").update(bytes);
    const hex = digest.copy().digest("hex");
    expect(resolution.claims.map((claim) => claim.hex)).toEqual(Array(claims).fill(hex));
    expect(resolution.publishedAt).toBeTypeOf("number");
    expect(await asked.json(`packages/${name}/${version}`)).toMatchObject({
      name,
      version,
      integrity: `sha256-${digest.digest("base64")}`,
    });

    const manifests = await rootManifests(path);
    expect(manifests).toHaveLength(2);
    expect(asked.ecosystem.identify(resolution.ref, manifests)).toEqual({ kind: "same", manifestPath: "package.agent.json" });
    const clientOnly = manifests.filter((manifest) => manifest.path === "aam.yaml");
    expect(asked.ecosystem.identify(resolution.ref, clientOnly)).toEqual({ kind: "same", manifestPath: "aam.yaml" });
    expect(asked.ecosystem.identify({ ...resolution.ref, name: "evil" }, manifests)).toMatchObject({ kind: "other" });
  });
});
