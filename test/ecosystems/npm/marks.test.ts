import { describe, expect, test } from "vitest";
import { createNpm } from "../../../src/ecosystems/npm/index.ts";
import { NpmBench, REPOSITORY, request } from "./npm-bench.ts";

const FULL = "application/json";
const ABBREVIATED = "application/vnd.npm.install-v1+json";
const REASON = "assay: denied: stolen [deny[0]]";

interface Document {
  readonly versions: Record<string, Record<string, unknown>>;
  readonly "dist-tags": Record<string, string>;
}

function manifest(version: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const dist = {
    tarball: `https://registry.example/pkg/-/pkg-${version}.tgz`,
    shasum: "a".repeat(40),
    integrity: `sha512-${"A".repeat(86)}==`,
  };
  return { ...more, name: "pkg", version, dist };
}

function published(more: Record<string, Record<string, unknown>> = {}, tags: Record<string, unknown> = { latest: "2.0.0" }): NpmBench {
  const bench = new NpmBench();
  bench.serveJson("pkg", {
    name: "pkg",
    "dist-tags": tags,
    versions: { "1.0.0": manifest("1.0.0", more["1.0.0"]), "2.0.0": manifest("2.0.0", more["2.0.0"]) },
    time: { "1.0.0": "2024-01-01T00:00:00.000Z", "2.0.0": "2026-01-01T00:00:00.000Z" },
    readme: "both \u2028 and \\u0022",
  });
  return bench;
}

async function page(bench: NpmBench, path = "pkg", accept = FULL) {
  const answer = await createNpm(bench.services()).handle(REPOSITORY, request(path, { accept }));
  if (answer.kind !== "page") throw new Error(`expected a page, got ${answer.kind}`);
  return answer;
}

async function json<T = Document>(bench: NpmBench, path = "pkg", accept = FULL): Promise<T> {
  return JSON.parse((await page(bench, path, accept)).body.toString()) as T;
}

describe.each([
  { form: "full", accept: FULL },
  { form: "abbreviated", accept: ABBREVIATED },
])("the $form packument", ({ accept }) => {
  test("deprecates what would be refused, moves the tag from it, and changes nothing else", async () => {
    const bench = published();
    const plain = await json(bench, "pkg", accept);
    bench.marked.set("pkg-2.0.0.tgz", REASON);
    expect(await json(bench, "pkg", accept)).toEqual({
      ...plain,
      "dist-tags": { latest: "1.0.0" },
      versions: { ...plain.versions, "2.0.0": { ...plain.versions["2.0.0"], deprecated: REASON } },
    });
  });

  test.each([
    { name: "a message", deprecated: "use other-pkg", shown: `use other-pkg; ${REASON}` },
    { name: "none", deprecated: "", shown: REASON },
    { name: "a message that is no text", deprecated: true, shown: REASON },
    { name: "a message with quotes and escapes", deprecated: 'say "no" \\ \u0000', shown: `say "no" \\ \u0000; ${REASON}` },
  ])("keeps upstream's own deprecation with $name, once", async ({ deprecated, shown }) => {
    const bench = published({ "2.0.0": { deprecated } });
    bench.marked.set("pkg-2.0.0.tgz", REASON);
    const { body } = await page(bench, "pkg", accept);
    expect((JSON.parse(body.toString()) as Document).versions["2.0.0"]).toMatchObject({ deprecated: shown });
    expect(body.toString().match(/"deprecated"/g)).toHaveLength(1);
  });

  test("quotes and control characters in a reason stay text", async () => {
    const bench = published();
    const hostile = `","dist":{"tarball":"https://evil.example/"},"x":"\n\u0000</script>`;
    bench.marked.set("pkg-2.0.0.tgz", hostile);
    const document = await json(bench, "pkg", accept);
    expect(document.versions["2.0.0"]).toMatchObject({ deprecated: hostile, dist: { integrity: `sha512-${"A".repeat(86)}==` } });
    expect(JSON.stringify(document.versions["2.0.0"]?.["dist"])).not.toContain("evil.example");
  });
});

test("without marks the bytes of the tags and versions are upstream's own", async () => {
  const bench = published({}, { latest: "2.0.0", odd: 7 });
  bench.marked.set("pkg-1.0.0.tgz", REASON);
  expect((await page(bench)).body.toString()).toContain('"dist-tags":{"latest":"2.0.0","odd":7}');
});

test("a version and a tag by themselves say the same", async () => {
  const bench = published();
  bench.marked.set("pkg-2.0.0.tgz", REASON);
  expect(await json(bench, "pkg/2.0.0")).toMatchObject({ version: "2.0.0", deprecated: REASON });
  expect(await json(bench, "pkg/latest")).toMatchObject({ version: "1.0.0" });
  expect(await json(bench, "pkg/latest")).not.toHaveProperty("deprecated");
  expect(await json(bench, "-/package/pkg/dist-tags")).toEqual({ latest: "1.0.0" });
});

test("where nothing passes, tags stay, every version says why, and the log says so", async () => {
  const bench = published();
  for (const version of ["1.0.0", "2.0.0"]) bench.marked.set(`pkg-${version}.tgz`, REASON);
  const { versions, "dist-tags": tags } = await json(bench);
  expect(tags).toEqual({ latest: "2.0.0" });
  expect(Object.values(versions).map(({ deprecated }) => deprecated)).toEqual([REASON, REASON]);
  expect(bench.warnings).toMatchObject([{ package: "pkg", tags: ["latest"] }]);
});

test("a tag moves past what upstream itself advises against", async () => {
  const bench = new NpmBench();
  bench.serveJson("pkg", {
    name: "pkg",
    "dist-tags": { latest: "3.0.0" },
    versions: { "1.0.0": manifest("1.0.0"), "2.0.0": manifest("2.0.0", { deprecated: "broken" }), "3.0.0": manifest("3.0.0") },
  });
  bench.marked.set("pkg-3.0.0.tgz", REASON);
  expect((await json(bench))["dist-tags"]).toEqual({ latest: "1.0.0" });
});

test("the page is as short-lived as its marks, and what is asked is what the packument says", async () => {
  const bench = published();
  const { freshness } = await page(bench);
  bench.markedUntil = freshness.freshUntil - 1;
  expect((await page(bench)).freshness.freshUntil).toBe(freshness.freshUntil - 1);
  expect(bench.listings.at(-1)).toMatchObject({
    name: "pkg",
    upstream: { id: "npm#0" },
    archives: [{ version: "1.0.0", file: "pkg-1.0.0.tgz", publishedAt: Date.UTC(2024, 0, 1) }, { version: "2.0.0" }],
  });
});

test("a package that upstream has lost is marked by what was admitted of it", async () => {
  const bench = published();
  await page(bench);
  bench.admitClaimed(
    { ...REPOSITORY, repository: "npm", ecosystem: "npm", name: "pkg", version: "1.0.0", file: "pkg-1.0.0.tgz" },
    Buffer.from("x"),
  );
  bench.serve("pkg", undefined);
  bench.marked.set("pkg-1.0.0.tgz", REASON);
  const { versions } = await json(bench);
  expect(versions["1.0.0"]).toMatchObject({ deprecated: expect.stringMatching(/no longer has this package.*; assay: denied/) });
});
