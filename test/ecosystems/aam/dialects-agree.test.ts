import { expect, test } from "vitest";
import type { ArtifactRef } from "../../../src/core/artifact.ts";
import { Random } from "../../support/random.ts";
import { AamBench, FOLDER, integrity, REGISTRY, versionEntry } from "./aam-bench.ts";
import { putApiV1, speakApiV1 } from "./api-v1-upstream.ts";
import { toldInApiV1, toldInUaaps } from "./told.ts";

const NAMES = ["git-utils", "@myorg/code-review", "@other-org/code-review", "code-review"] as const;
const VERSIONS = ["0.9.0", "1.0.0", "1.0.0+build.5", "1.1.0-beta.1", "1.1.0", "2.0.0-rc.1", "2.0.0"] as const;
const TAGS = ["latest", "stable", "beta", "constructor"] as const;

const refOf = (name: string, version: string): ArtifactRef => ({
  repository: "aam",
  ecosystem: "aam",
  name,
  version,
  file: `${name.replace(/^@/, "").replace("/", "--")}-${version}.aam`,
});

/** A store of any content: packages of one kind of upstream, some versions yanked, deprecated, without a claim, admitted, changed since, lost or marked. */
async function anyStore(random: Random): Promise<AamBench> {
  const kind = random.pick(["uaaps", "api-v1", "folder"]);
  const upstream = kind === "folder" ? FOLDER : REGISTRY;
  const bench = new AamBench([upstream]);
  if (kind === "api-v1") speakApiV1(bench, upstream);
  for (const name of NAMES) {
    const versions = VERSIONS.filter(() => random.below(2) === 0);
    const tags = Object.fromEntries(
      TAGS.filter(() => random.below(2) === 0).map((tag) => [tag, versions[random.below(versions.length || 1)]]),
    );
    const publish = (listed: readonly string[]): void => publishAs(bench, { kind, upstream, name, versions: listed, tags, random });
    publish(versions);
    // Seen once, so that what is lost afterwards was there.
    await bench.get(`packages/${name}`);
    for (const version of versions) {
      const file = refOf(name, version).file;
      if (random.below(3) === 0)
        bench.memory.admit(refOf(name, version), random.pick([`${name} ${version}`, "bytes that are not upstream's any more"]));
      if (random.below(6) === 0) bench.memory.marked.set(file, "assay: denied: stolen [deny[0]]");
    }
    publish(versions.filter(() => random.below(4) > 0));
  }
  return bench;
}

function publishAs(
  bench: AamBench,
  {
    kind,
    upstream,
    name,
    versions,
    tags,
    random,
  }: {
    readonly kind: string;
    readonly upstream: string;
    readonly name: string;
    readonly versions: readonly string[];
    readonly tags: Readonly<Record<string, string | undefined>>;
    readonly random: Random;
  },
): void {
  const yanked = new Set(versions.filter(() => random.below(4) === 0));
  const deprecated = (): object => (random.below(4) === 0 ? { deprecated: { message: "old", replacement: "git-utils@^2.0.0" } } : {});
  if (kind === "api-v1") {
    const unclaimed = (): object => (random.below(5) === 0 ? { checksum: {} } : {});
    const listed = versions.map((version) => ({ version, yanked: yanked.has(version), more: { ...deprecated(), ...unclaimed() } }));
    putApiV1(bench, upstream, name, listed, { tags });
    return;
  }
  const entries = versions.map((version) => {
    const unclaimed = random.below(5) === 0 ? { integrity: undefined } : {};
    return [version, versionEntry(name, version, { yanked: yanked.has(version), ...deprecated(), ...unclaimed })];
  });
  const folder = `packages/${name.replace(/^@/, "").replace("/", "--")}/meta.json`;
  bench.put(`${upstream}${kind === "folder" ? folder : `packages/${name}`}`, {
    name,
    versions: Object.fromEntries(entries),
    "dist-tags": tags,
  });
  if (kind === "folder") bench.put(`${upstream}index.json`, { formatVersion: 1, packages: NAMES.map((each) => ({ name: each })) });
}

test("whatever the store holds, both dialects tell the same of it: names, versions, digests, sizes, yanked, deprecated, tags", async () => {
  const seen = { found: 0, yanked: 0, unclaimed: 0, tags: 0, missing: 0 };
  for (let seed = 1; seed <= 150; seed++) {
    const bench = await anyStore(new Random(seed));
    for (const name of NAMES) {
      const told = await toldInUaaps(bench, name);
      expect(await toldInApiV1(bench, name), `seed ${seed}, ${name}`).toEqual(told);
      const versions = Object.values(told?.versions ?? {});
      seen.found += versions.length;
      seen.yanked += versions.filter(({ yanked }) => yanked).length;
      seen.unclaimed += versions.filter(({ sha256 }) => sha256 === undefined).length;
      seen.tags += Object.keys(told?.tags ?? {}).length;
      seen.missing += told ? 0 : 1;
    }
  }
  // A property over nothing would hold too.
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(what === "missing" ? -1 : 50);
});

test("both dialects lead to one archive, under the name that each saves it by", async () => {
  const bench = await anyStore(new Random(1));
  const name = "@myorg/code-review";
  const uaaps = await bench.get(`packages/${name}/1.0.0+build.5/tarball`);
  const apiV1 = await bench.get(`api/v1/packages/${name}/1.0.0+build.5/download`);
  const saved = (answer: typeof uaaps): unknown => (answer.kind === "artifact" ? answer.headers?.["Content-Disposition"] : undefined);
  if (uaaps.kind !== "artifact" || apiV1.kind !== "artifact") throw new Error("expected archives");
  expect(apiV1.ref).toEqual(uaaps.ref);
  expect(apiV1.contentType).toBe(uaaps.contentType);
  expect(saved(uaaps)).toBe('attachment; filename="myorg--code-review-1.0.0+build.5.aam"');
  expect(saved(apiV1)).toBe('attachment; filename="code-review-1.0.0+build.5.aam"');
});

/** What is asked in both dialects, and what both must say of it, right or wrong. */
const BOTH = [
  ["packages/nobody", "api/v1/packages/nobody", "PACKAGE_NOT_FOUND"],
  ["packages/nobody/1.0.0", "api/v1/packages/nobody/1.0.0", "PACKAGE_NOT_FOUND"],
  ["packages/nobody/dist-tags", "api/v1/packages/nobody/tags", "PACKAGE_NOT_FOUND"],
  ["packages/nobody/1.0.0/signature", "api/v1/packages/nobody/1.0.0/signature", "PACKAGE_NOT_FOUND"],
  ["packages/Bad_Name", "api/v1/packages/Bad_Name", "PACKAGE_NOT_FOUND"],
  ["packages/myorg--x", "api/v1/packages/myorg--x", "PACKAGE_NOT_FOUND"],
  ["packages/@a--b/x", "api/v1/packages/@a--b/x", "PACKAGE_NOT_FOUND"],
  ["packages/myorg--x/1.0.0/tarball", "api/v1/packages/myorg--x/1.0.0/download", "PACKAGE_NOT_FOUND"],
  ["packages/@a%2fb/9.9.9", "api/v1/packages/@a%2fb/9.9.9", "VERSION_NOT_FOUND"],
  ["packages/@a/b/9.9.9", "api/v1/packages/@a/b/9.9.9", "VERSION_NOT_FOUND"],
  ["packages/@a/b/v1.0.0", "api/v1/packages/@a/b/v1.0.0", "VERSION_NOT_FOUND"],
  ["packages/@a/b/01.0.0/tarball", "api/v1/packages/@a/b/01.0.0/download", "VERSION_NOT_FOUND"],
  ["packages/@a/b/9.9.9/signature", "api/v1/packages/@a/b/9.9.9/signature", "VERSION_NOT_FOUND"],
  ["packages/@a/b/audit-log", "api/v1/packages/@a/b/audit-log", undefined],
  ["approvals", "api/v1/audit-log", undefined],
  ["packages/@a/b/1.0.0/approvals", "api/v1/packages/@a/b/1.0.0/approvals", undefined],
] as const;

test.each(BOTH)("%s and %s are not found alike", async (uaaps, apiV1, detailCode) => {
  const bench = new AamBench([REGISTRY]).put(`${REGISTRY}packages/@a/b`, {
    name: "@a/b",
    versions: { "1.0.0": versionEntry("@a/b", "1.0.0") },
  });
  for (const path of [uaaps, apiV1]) await expect(bench.get(path), path).rejects.toMatchObject({ code: "NOT_FOUND", detailCode });
});

test("a name that reads as another's folder is told why, in both dialects", async () => {
  for (const path of ["packages/myorg--x", "api/v1/packages/myorg--x"]) {
    await expect(new AamBench([REGISTRY]).get(path)).rejects.toMatchObject({ help: expect.stringContaining("@scope/name") });
  }
});

test("the bytes that were admitted stay what both dialects speak of, whatever upstream claims by now", async () => {
  const bench = new AamBench([REGISTRY]);
  const publish = (more: object): unknown =>
    bench.put(`${REGISTRY}packages/git-utils`, {
      name: "git-utils",
      versions: { "1.0.0": versionEntry("git-utils", "1.0.0", { ...more }) },
    });
  publish({});
  bench.memory.admit(refOf("git-utils", "1.0.0"), "git-utils 1.0.0");
  publish({ integrity: integrity("replaced"), size: 999 });
  const told = await toldInUaaps(bench, "git-utils");
  expect(told?.versions["1.0.0"]).toMatchObject({ size: "git-utils 1.0.0".length });
  expect(await bench.json("packages/git-utils/1.0.0")).toMatchObject({ integrity: integrity("git-utils 1.0.0") });
  expect(await toldInApiV1(bench, "git-utils")).toEqual(told);
});
