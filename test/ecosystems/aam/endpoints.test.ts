import { describe, expect, test } from "vitest";
import { AssayError } from "../../../src/core/errors.ts";
import { AamBench, FOLDER, integrity, ORIGIN, packageObject, REGISTRY, sha256, versionEntry } from "./aam-bench.ts";

const NAME = "@myorg/code-review";
const PAGE = `${REGISTRY}packages/${NAME}`;

function bench(more: Record<string, unknown> = {}): AamBench {
  return new AamBench([REGISTRY]).put(PAGE, packageObject(NAME, ["1.3.0", "2.0.0"], more));
}

const refOf = (version: string) =>
  ({ repository: "aam", ecosystem: "aam", name: NAME, version, file: `myorg--code-review-${version}.aam` }) as const;

describe("writes and media types", () => {
  test.each(["packages", `packages/${NAME}/1.3.0/yank`, `packages/${NAME}/1.3.0/tarball`, ""])("POST /%s is refused", async (path) => {
    await expect(bench().get(path, { method: "POST" })).rejects.toMatchObject({ code: "METHOD_NOT_ALLOWED" });
  });

  test.each([
    [undefined, "application/json"],
    ["*/*", "application/json"],
    ["application/json", "application/json"],
    ["application/vnd.uaaps.v1+json", "application/vnd.uaaps.v1+json"],
    ["application/vnd.uaaps.v1+json, application/json;q=0.5", "application/vnd.uaaps.v1+json"],
    ["text/html, application/*;q=0.1", "application/json"],
  ])("Accept %s is answered with %s", async (accept, contentType) => {
    for (const path of [
      "",
      "packages",
      `packages/${NAME}`,
      `packages/${NAME}/1.3.0`,
      `packages/${NAME}/1.3.0/signature`,
      `packages/${NAME}/dist-tags`,
    ]) {
      expect(await bench().get(path, { accept })).toMatchObject({ contentType });
    }
  });

  test.each(["text/html", "application/vnd.uaaps.v2+json", "application/json;q=0", "image/*"])(
    "Accept %s is not acceptable, but for the archive",
    async (accept) => {
      for (const path of [
        "",
        "packages",
        `packages/${NAME}`,
        `packages/${NAME}/1.3.0`,
        `packages/${NAME}/1.3.0/signature`,
        `packages/${NAME}/dist-tags`,
      ]) {
        await expect(bench().get(path, { accept })).rejects.toMatchObject({ code: "NOT_ACCEPTABLE" });
      }
      expect(await bench().get(`packages/${NAME}/1.3.0/tarball`, { accept })).toMatchObject({ kind: "artifact" });
    },
  );
});

test("the registry says that it cannot be written to", async () => {
  expect(await bench().json("")).toMatchObject({
    name: "aam",
    protocol: "uaaps",
    capabilities: { publish: false, search: true, approvals: false },
  });
});

describe("what is not there", () => {
  test.each([
    ["packages/nobody", "PACKAGE_NOT_FOUND"],
    ["packages/nobody/1.0.0", "PACKAGE_NOT_FOUND"],
    ["packages/nobody/dist-tags", "PACKAGE_NOT_FOUND"],
    ["packages/Bad_Name", "PACKAGE_NOT_FOUND"],
    [`packages/${NAME}/9.9.9`, "VERSION_NOT_FOUND"],
    [`packages/${NAME}/9.9.9/signature`, "VERSION_NOT_FOUND"],
    [`packages/${NAME}/LATEST`, "VERSION_NOT_FOUND"],
    [`packages/${NAME}/latest/tarball`, "VERSION_NOT_FOUND"],
    [`packages/${NAME}/stable`, "TAG_NOT_FOUND"],
    [`packages/${NAME}/constructor`, "TAG_NOT_FOUND"],
  ])("%s: %s", async (path, detailCode) => {
    await expect(bench().get(path)).rejects.toMatchObject({ code: "NOT_FOUND", detailCode });
  });

  test("an archive's package and version are told apart, too", async () => {
    await expect(bench().resolve("nobody", "1.0.0")).rejects.toMatchObject({ detailCode: "PACKAGE_NOT_FOUND" });
    await expect(bench().resolve(NAME, "9.9.9")).rejects.toMatchObject({ detailCode: "VERSION_NOT_FOUND" });
  });

  test("a repository without upstreams says so", async () => {
    for (const path of ["packages", "packages/nobody"]) {
      await expect(new AamBench([]).get(path)).rejects.toMatchObject({ code: "UPSTREAM_NOT_CONFIGURED" });
    }
    await expect(new AamBench([]).resolve("nobody", "1.0.0")).rejects.toMatchObject({ code: "UPSTREAM_NOT_CONFIGURED" });
  });
});

describe("a package", () => {
  test("has our addresses, and what upstream says besides", async () => {
    const more = {
      description: "d",
      keywords: ["review"],
      versions: {
        "1.3.0": versionEntry(NAME, "1.3.0", {
          tarball: "https://files.example/x.aam",
          size: 12,
          deprecated: { message: "old" },
          provenanceLevel: "L3",
        }),
      },
    };
    const page = await bench(more).json(`packages/${NAME}`);
    expect(page).toEqual({
      name: NAME,
      description: "d",
      keywords: ["review"],
      "dist-tags": {},
      versions: {
        "1.3.0": {
          name: NAME,
          version: "1.3.0",
          description: `${NAME}, 1.3.0`,
          author: "maker",
          publishedAt: "2026-02-20T10:00:00Z",
          deprecated: { message: "old" },
          warnings: [{ code: "PACKAGE_DEPRECATED", message: "old" }],
          integrity: integrity(`${NAME} 1.3.0`),
          size: 12,
          tarball: `${ORIGIN}/aam/packages/${NAME}/1.3.0/tarball`,
          signature: `${ORIGIN}/aam/packages/${NAME}/1.3.0/signature`,
          yanked: false,
        },
      },
    });
  });

  test("is the same by two segments, by one, and with a final slash", async () => {
    const expected = await bench().json(`packages/${NAME}`);
    for (const path of [
      "packages/%40myorg/code-review",
      "packages/%40myorg%2Fcode-review",
      "packages/@myorg%2fcode-review",
      `packages/${NAME}/`,
    ]) {
      expect(await bench().json(path)).toEqual(expected);
    }
  });

  test("a version alone is what the package says about it", async () => {
    const page = await bench().json(`packages/${NAME}`);
    expect(await bench().json(`packages/${NAME}/2.0.0`)).toEqual((page["versions"] as Record<string, unknown>)["2.0.0"]);
  });

  test("upstream's hexadecimal integrity goes out as base64", async () => {
    const versions = { "1.3.0": versionEntry(NAME, "1.3.0", { integrity: `sha256-${sha256("x")}` }) };
    expect(await bench({ versions }).json(`packages/${NAME}/1.3.0`)).toMatchObject({ integrity: integrity("x") });
  });

  test("where upstream claims nothing, what was admitted is the integrity", async () => {
    const unclaimed = bench({ versions: { "1.3.0": versionEntry(NAME, "1.3.0", { integrity: undefined }) } });
    expect(await unclaimed.json(`packages/${NAME}/1.3.0`)).not.toHaveProperty("integrity");
    unclaimed.memory.admit(refOf("1.3.0"), "the bytes");
    expect(await unclaimed.json(`packages/${NAME}/1.3.0`)).toMatchObject({ integrity: integrity("the bytes"), size: 9 });
  });

  test("where upstream claims another digest than we admitted, the page keeps the one of the bytes we serve", async () => {
    const changed = bench({ versions: { "1.3.0": versionEntry(NAME, "1.3.0", { integrity: integrity("replaced") }) } });
    expect(await changed.json(`packages/${NAME}/1.3.0`)).toMatchObject({ integrity: integrity("replaced") });
    changed.memory.admit(refOf("1.3.0"), "the bytes");
    expect(await changed.json(`packages/${NAME}/1.3.0`)).toMatchObject({ integrity: integrity("the bytes") });
  });

  test("a plus in a version is a plus", async () => {
    const plus = bench({ versions: { "1.0.0+build.5": versionEntry(NAME, "1.0.0+build.5") } });
    const { tarball } = await plus.json(`packages/${NAME}/1.0.0+build.5`);
    expect(tarball).toBe(`${ORIGIN}/aam/packages/${NAME}/1.0.0+build.5/tarball`);
    expect(await plus.get(`packages/${NAME}/1.0.0%2Bbuild.5/tarball`)).toMatchObject({ ref: { version: "1.0.0+build.5" } });
  });
});

test("an archive is an artifact, and upstream is not asked for its page", async () => {
  const asked = bench();
  expect(await asked.get(`packages/${NAME}/1.3.0/tarball`)).toEqual({
    kind: "artifact",
    ref: refOf("1.3.0"),
    contentType: "application/gzip",
    headers: { "Content-Disposition": 'attachment; filename="myorg--code-review-1.3.0.aam"' },
  });
  expect(asked.memory.requests).toEqual([]);
});

test("resolving tells where an archive is, how long, since when", async () => {
  const asked = bench({ versions: { "1.3.0": versionEntry(NAME, "1.3.0", { size: 12 }) } });
  const resolution = await asked.resolve(NAME, "1.3.0");
  expect(resolution).toMatchObject({
    url: new URL(`${PAGE}/1.3.0/tarball`),
    sizeBytes: 12,
    publishedAt: Date.UTC(2026, 1, 20, 10),
    claims: [{ algorithm: "sha256", hex: sha256(`${NAME} 1.3.0`), claimedBy: `the metadata of ${NAME}@1.3.0` }],
  });
  expect(resolution.firstSeenAt).toBeTypeOf("number");
});

describe("a yanked version", () => {
  const yanked = (): AamBench =>
    bench({
      versions: {
        "1.3.0": versionEntry(NAME, "1.3.0"),
        "2.0.0": versionEntry(NAME, "2.0.0", { yanked: true }),
        "3.0.0-rc.1": versionEntry(NAME, "3.0.0-rc.1"),
      },
    });

  test("stays in the metadata and resolves, because lock files name it", async () => {
    expect(await yanked().json(`packages/${NAME}/2.0.0`)).toMatchObject({ yanked: true });
    await expect(yanked().resolve(NAME, "2.0.0")).resolves.toMatchObject({ ref: refOf("2.0.0") });
  });

  test("is not the latest: the highest stable version that is open is", async () => {
    expect(await yanked().json(`packages/${NAME}/dist-tags`)).toEqual({ name: NAME, "dist-tags": { latest: "1.3.0" } });
    expect(await yanked().json(`packages/${NAME}`)).toMatchObject({ "dist-tags": { latest: "1.3.0" } });
  });

  test("leaves no latest where nothing is open", async () => {
    const all = bench({ versions: { "2.0.0": versionEntry(NAME, "2.0.0", { yanked: true }) } });
    expect(await all.json(`packages/${NAME}/dist-tags`)).toEqual({ name: NAME, "dist-tags": {} });
  });
});

test("tags are upstream's, a pre-release as latest among them", async () => {
  const tagged = bench({
    versions: { "1.0.0": versionEntry(NAME, "1.0.0"), "2.0.0-beta.1": versionEntry(NAME, "2.0.0-beta.1") },
    "dist-tags": { latest: "2.0.0-beta.1", stable: "1.0.0" },
  });
  expect(await tagged.json(`packages/${NAME}/dist-tags`)).toEqual({ name: NAME, "dist-tags": { latest: "2.0.0-beta.1", stable: "1.0.0" } });
});

describe("what upstream lost, we still have", () => {
  test("a version that was admitted stays installable by its exact number, as yanked", async () => {
    const lost = bench();
    await lost.get(`packages/${NAME}`);
    lost.memory.admit(refOf("2.0.0"), "bytes of 2.0.0");
    lost.put(PAGE, packageObject(NAME, ["1.3.0"]));
    expect(await lost.json(`packages/${NAME}/2.0.0`)).toMatchObject({
      author: "maker",
      yanked: true,
      integrity: integrity("bytes of 2.0.0"),
    });
    expect(await lost.json(`packages/${NAME}`)).toMatchObject({
      versions: { "1.3.0": { yanked: false }, "2.0.0": { yanked: true } },
      "dist-tags": { latest: "1.3.0" },
    });
    await expect(lost.resolve(NAME, "2.0.0")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("so does a whole package, and its page says that upstream has it no more", async () => {
    const lost = new AamBench([REGISTRY]);
    lost.memory.admit(refOf("1.3.0"), "bytes");
    expect(await lost.get(`packages/${NAME}`)).toMatchObject({
      kind: "page",
      freshness: { stale: expect.stringContaining("no upstream") },
    });
    expect(await lost.json(`packages/${NAME}`)).toMatchObject({ versions: { "1.3.0": { yanked: true } }, "dist-tags": {} });
    await expect(lost.get(`packages/${NAME}/1.3.0/signature`)).rejects.toMatchObject({ code: "UPSTREAM_NOT_CONFIGURED" });
  });

  test("an upstream that is down leaves the held page, marked stale", async () => {
    const down = bench();
    await down.get(`packages/${NAME}`);
    down.memory.failure = new AssayError("UPSTREAM_UNREACHABLE", "down");
    expect(await down.get(`packages/${NAME}`)).toMatchObject({ kind: "page", freshness: { stale: "down" } });
    await expect(down.get("packages/git-utils")).rejects.toMatchObject({ code: "UPSTREAM_UNREACHABLE" });
  });

  test("a folder that is not mounted leaves what is held of its second layout", async () => {
    const folder = new AamBench([FOLDER]).put(`${FOLDER}packages/git-utils/metadata.yaml`, "name: git-utils\nversions: [{version: 1.0.0}]");
    await folder.get("packages/git-utils");
    folder.memory.failure = new AssayError("UPSTREAM_UNREACHABLE", "not mounted");
    expect(await folder.get("packages/git-utils")).toMatchObject({ kind: "page", freshness: { stale: "not mounted" } });
  });
});

describe("several upstreams", () => {
  const YAML = "name: git-utils\nversions: [{version: 9.9.9}]";

  test("the first that has a package answers for it, all versions", async () => {
    const two = new AamBench([FOLDER, REGISTRY])
      .put(`${FOLDER}packages/git-utils/metadata.yaml`, "name: git-utils\nversions: [{version: 1.0.0}]")
      .put(`${REGISTRY}packages/git-utils`, packageObject("git-utils", ["9.9.9"]));
    expect(Object.keys((await two.json("packages/git-utils"))["versions"] as object)).toEqual(["1.0.0"]);
    await expect(two.resolve("git-utils", "9.9.9")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("one that fails does not hand its names to the next", async () => {
    const two = new AamBench([REGISTRY, FOLDER])
      .put(`${REGISTRY}packages/git-utils`, "<html>", "text/html")
      .put(`${FOLDER}packages/git-utils/metadata.yaml`, YAML);
    await expect(two.get("packages/git-utils")).rejects.toMatchObject({ code: "UPSTREAM_CONTENT_TYPE" });
  });

  test("a folder with both layouts is read as the specification's", async () => {
    const both = new AamBench([FOLDER])
      .put(`${FOLDER}packages/git-utils/meta.json`, packageObject("git-utils", ["1.0.0"]))
      .put(`${FOLDER}packages/git-utils/metadata.yaml`, YAML);
    expect(Object.keys((await both.json("packages/git-utils"))["versions"] as object)).toEqual(["1.0.0"]);
  });

  test("a broken document of the first layout is not passed over for the second", async () => {
    const both = new AamBench([FOLDER])
      .put(`${FOLDER}packages/git-utils/meta.json`, "{")
      .put(`${FOLDER}packages/git-utils/metadata.yaml`, YAML);
    await expect(both.get("packages/git-utils")).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });
});
