import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ArtifactRef } from "../../../src/core/artifact.ts";
import { formatIntegrity } from "../../../src/core/digest.ts";
import { AssayError } from "../../../src/core/errors.ts";
import { createNpm } from "../../../src/ecosystems/npm/index.ts";
import { NpmBench, REPOSITORY, request } from "./npm-bench.ts";
import { BYTES, INTEGRITY, manifest, packument, SHA1, SHA512 } from "./published.ts";

async function artifact(registry: NpmBench, path: string): Promise<ArtifactRef> {
  const answer = await createNpm(registry.services()).handle(REPOSITORY, request(path));
  if (answer.kind !== "artifact") throw new Error(`expected an artifact, got ${answer.kind}`);
  return answer.ref;
}

const resolved = (registry: NpmBench, ref: ArtifactRef) => createNpm(registry.services()).resolve(REPOSITORY, ref);

function refOf(version: string, file = `pkg-${version}.tgz`): ArtifactRef {
  return { repository: "npm", ecosystem: "npm", name: "pkg", version, file };
}

describe("archives that no upstream lists", () => {
  test.each(["pkg/-/pkg-9.9.9.tgz", "pkg/-/other-1.0.0.tgz", "unknown/-/unknown-1.0.0.tgz"])("%s is not found", async (path) => {
    const registry = new NpmBench();
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0")]));
    const found = artifact(registry, path).then((ref) => resolved(registry, ref));
    await expect(found).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("a version that upstream lists no more cannot be resolved, though its file name still leads to it", async () => {
    const registry = new NpmBench();
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0"), manifest("pkg", "2.0.0")]));
    await artifact(registry, "pkg/-/pkg-1.0.0.tgz");
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "2.0.0")]));
    await expect(resolved(registry, refOf("1.0.0"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await artifact(registry, "pkg/-/pkg-1.0.0.tgz")).toEqual(refOf("1.0.0"));
    registry.serve("pkg", undefined);
    await expect(resolved(registry, refOf("2.0.0"))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

test("an archive asked for without a packument, as npm ci does, is found by its listing and carries every claim", async () => {
  const registry = new NpmBench();
  registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0")]));
  const ref = await artifact(registry, "pkg/-/pkg-1.0.0.tgz");
  expect(ref).toEqual(refOf("1.0.0"));
  const resolution = await resolved(registry, ref);
  expect(resolution).toMatchObject({ ref, publishedAt: Date.parse("2024-01-01T00:00:00.000Z"), firstSeenAt: expect.any(Number) });
  expect(resolution.url.href).toBe("https://registry.example/pkg/-/pkg-1.0.0.tgz");
  expect(resolution.claims).toEqual([
    { algorithm: "sha512", hex: SHA512.toString("hex"), claimedBy: "the packument of pkg" },
    { algorithm: "sha1", hex: SHA1, claimedBy: "the packument of pkg" },
  ]);
});

test("an archive that was admitted and never listed, as an imported one, is located offline", async () => {
  const registry = new NpmBench();
  registry.failure = new AssayError("OFFLINE", "no connections");
  registry.admitClaimed(refOf("1.0.0", "odd.tgz"), BYTES);
  expect(await artifact(registry, "pkg/-/odd.tgz")).toEqual(refOf("1.0.0", "odd.tgz"));
});

test("a file that is known needs no upstream request to be located", async () => {
  const registry = new NpmBench();
  registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0")]));
  await artifact(registry, "pkg/-/pkg-1.0.0.tgz");
  registry.requests.length = 0;
  await artifact(registry, "pkg/-/pkg-1.0.0.tgz");
  expect(registry.requests).toEqual([]);
});

describe("where the archive is", () => {
  test.each([
    {
      claim: "http: on the registry's own host becomes its origin",
      tarball: "http://registry.example/pkg/-/pkg-1.0.0.tgz",
      url: "https://registry.example/pkg/-/pkg-1.0.0.tgz",
    },
    {
      claim: "another host is kept as it stands",
      tarball: "http://files.example/pkg-1.0.0.tgz",
      url: "http://files.example/pkg-1.0.0.tgz",
    },
    {
      claim: "a name that only begins like the host is another",
      tarball: "http://registry.example.evil.example/pkg-1.0.0.tgz",
      url: "http://registry.example.evil.example/pkg-1.0.0.tgz",
    },
  ])("$claim", async ({ tarball, url }) => {
    const registry = new NpmBench();
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0", {}, { tarball })]));
    expect((await resolved(registry, refOf("1.0.0"))).url.href).toBe(url);
  });
});

describe("what the archive is called on our side", () => {
  test.each([
    { claim: "an odd old name is kept", tarball: "https://registry.example/pkg/-/pkg-1.0.tgz", file: "pkg-1.0.tgz" },
    { claim: "a build part is kept", tarball: "https://registry.example/pkg/-/pkg-1.0.0%2Bb.tgz", file: "pkg-1.0.0+b.tgz" },
    { claim: "a hash is no name", tarball: "https://registry.example/download/pkg/1.0.0/0123abcd", file: "pkg-1.0.0.tgz" },
    { claim: "an encoded slash is no name", tarball: "https://registry.example/pkg/-/..%2f..%2fx.tgz", file: "pkg-1.0.0.tgz" },
    { claim: "a broken encoding is no name", tarball: "https://registry.example/pkg/-/%ff.tgz", file: "pkg-1.0.0.tgz" },
    { claim: "a line break is no name", tarball: "https://registry.example/pkg/-/a%0d%0ab.tgz", file: "pkg-1.0.0.tgz" },
    { claim: "a name of another version is not taken", tarball: "https://registry.example/x/pkg-2.0.0.tgz", file: "pkg-1.0.0.tgz" },
    { claim: "a shared name is not taken", tarball: "https://registry.example/x/shared.tgz", file: "pkg-1.0.0.tgz" },
  ])("$claim: $file", async ({ tarball, file }) => {
    const registry = new NpmBench();
    const others = [
      manifest("pkg", "2.0.0", {}, { tarball: "https://registry.example/y/odd.tgz" }),
      manifest("pkg", "3.0.0", {}, { tarball: "https://registry.example/y/shared.tgz" }),
    ];
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0", {}, { tarball }), ...others]));
    const answer = await createNpm(registry.services()).handle(REPOSITORY, request("pkg/1.0.0"));
    const shown = answer.kind === "page" ? new URL(JSON.parse(answer.body.toString()).dist.tarball).pathname : "";
    expect(await artifact(registry, shown.replace("/npm/", ""))).toEqual(refOf("1.0.0", file));
  });
});

describe("first verified wins", () => {
  const evil = Buffer.from("other bytes");
  const evilIntegrity = formatIntegrity("sha512", createHash("sha512").update(evil).digest("hex"));
  const shown = async (registry: NpmBench) => {
    const answer = await createNpm(registry.services()).handle(REPOSITORY, request("pkg/1.0.0"));
    const { integrity, shasum } = JSON.parse(answer.kind === "page" ? answer.body.toString() : "{}").dist;
    return { integrity, shasum };
  };

  test("a packument that now claims other bytes is shown with the admitted digests, and logged", async () => {
    const registry = new NpmBench();
    registry.admitClaimed(refOf("1.0.0"), BYTES);
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0", {}, { integrity: evilIntegrity, shasum: "0".repeat(40) })]));
    expect(await shown(registry)).toEqual({ integrity: INTEGRITY, shasum: SHA1 });
    await createNpm(registry.services()).handle(REPOSITORY, request("pkg"));
    expect(registry.warnings).toContainEqual(expect.objectContaining({ package: "pkg", version: "1.0.0" }));
  });

  test("where only a sha1 was claimed then, our own sha256 stands in", async () => {
    const registry = new NpmBench();
    const admission = registry.admitClaimed(refOf("1.0.0"), BYTES, ["sha1"]);
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0", {}, { integrity: evilIntegrity, shasum: "0".repeat(40) })]));
    expect(await shown(registry)).toEqual({ integrity: formatIntegrity("sha256", admission.digest), shasum: SHA1 });
  });

  test("a sha1 of other bytes is not left beside the admitted sha512", async () => {
    const registry = new NpmBench();
    registry.admitClaimed(refOf("1.0.0"), BYTES, ["sha512"]);
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0", {}, { integrity: evilIntegrity, shasum: "0".repeat(40) })]));
    expect(await shown(registry)).toEqual({ integrity: INTEGRITY, shasum: undefined });
  });

  test("the claims given to the check are upstream's: it must see the contradiction", async () => {
    const registry = new NpmBench();
    registry.admitClaimed(refOf("1.0.0"), BYTES);
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0", {}, { integrity: evilIntegrity })]));
    expect((await resolved(registry, refOf("1.0.0"))).claims[0]?.hex).toBe(createHash("sha512").update(evil).digest("hex"));
  });
});

describe("what upstream has lost", () => {
  test("a package that is gone is listed with the admitted versions only, each deprecated", async () => {
    const registry = new NpmBench();
    const fields = { bin: { pkg: "cli.js" }, scripts: { install: "x" }, devDependencies: { d: "1" } };
    registry.serveJson(
      "pkg",
      packument("pkg", [manifest("pkg", "1.0.0", fields), manifest("pkg", "1.1.0-rc.1"), manifest("pkg", "3.0.0")]),
    );
    await resolved(registry, refOf("1.0.0"));
    registry.admitClaimed(refOf("1.0.0"), BYTES);
    registry.admitClaimed(refOf("1.1.0-rc.1"), BYTES);
    registry.serve("pkg", undefined);
    const answer = await createNpm(registry.services()).handle(REPOSITORY, request("pkg"));
    if (answer.kind !== "page") throw new Error("expected a page");
    const json = JSON.parse(answer.body.toString());
    expect(Object.keys(json.versions)).toEqual(["1.0.0", "1.1.0-rc.1"]);
    expect(json["dist-tags"]).toEqual({ latest: "1.0.0" });
    expect(json.versions["1.0.0"]).toEqual({
      deprecated: expect.stringContaining("no longer"),
      dependencies: { other: "^1.0.0" },
      bin: { pkg: "cli.js" },
      hasInstallScript: true,
      name: "pkg",
      version: "1.0.0",
      dist: { tarball: "http://mirror.example/npm/pkg/-/pkg-1.0.0.tgz", integrity: INTEGRITY, shasum: SHA1 },
    });
    expect(answer.freshness.stale).toBeDefined();
  });

  test("a version that upstream took out of a living package does not come back", async () => {
    const registry = new NpmBench();
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0"), manifest("pkg", "1.0.1")]));
    await resolved(registry, refOf("1.0.1"));
    registry.admitClaimed(refOf("1.0.1"), BYTES);
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0")]));
    const answer = await createNpm(registry.services()).handle(REPOSITORY, request("pkg"));
    expect(Object.keys(JSON.parse(answer.kind === "page" ? answer.body.toString() : "").versions)).toEqual(["1.0.0"]);
  });

  test.each([
    { code: "OFFLINE" as const, outcome: "is listed from what was admitted" },
    { code: "UPSTREAM_TIMEOUT" as const, outcome: "fails: half a page would make clients choose older versions" },
  ])("a package whose packument was never fetched, while upstream says $code, $outcome", async ({ code }) => {
    const registry = new NpmBench();
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0")]));
    await resolved(registry, refOf("1.0.0"));
    registry.admitClaimed(refOf("1.0.0"), BYTES);
    const services = registry.services();
    const documents = { get: () => Promise.reject(new AssayError(code, "no")) };
    const handled = createNpm({ ...services, documents }).handle(REPOSITORY, request("pkg"));
    if (code === "OFFLINE") expect(await handled).toMatchObject({ kind: "page", freshness: { stale: expect.any(String) } });
    else await expect(handled).rejects.toMatchObject({ code });
  });

  test("a package of which nothing was admitted is not called missing while nobody can be asked", async () => {
    const registry = new NpmBench();
    registry.failure = new AssayError("OFFLINE", "no connections");
    await expect(createNpm(registry.services()).handle(REPOSITORY, request("pkg"))).rejects.toMatchObject({ code: "OFFLINE" });
  });

  test("a package of which nothing was admitted is not found", async () => {
    await expect(createNpm(new NpmBench().services()).handle(REPOSITORY, request("pkg"))).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });

  test("a repository without upstream says so", async () => {
    const handled = createNpm(new NpmBench().services()).handle({ ...REPOSITORY, upstreams: [] }, request("pkg"));
    await expect(handled).rejects.toMatchObject({ code: "UPSTREAM_NOT_CONFIGURED" });
  });
});
