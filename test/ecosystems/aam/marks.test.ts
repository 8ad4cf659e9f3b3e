import { describe, expect, test } from "vitest";
import { AamBench, FOLDER, packageObject, REGISTRY, versionEntry } from "./aam-bench.ts";

const NAME = "git-utils";
const REASON = "assay: denied: stolen [deny[0]]";
const file = (version: string): string => `${NAME}-${version}.aam`;

function registry(versions: readonly string[], more: Record<string, unknown> = {}): AamBench {
  return new AamBench([REGISTRY]).put(`${REGISTRY}packages/${NAME}`, packageObject(NAME, versions, more));
}

describe("a version that would be refused", () => {
  test("is yanked with the reason, in the package and by itself, and nothing else of it changes", async () => {
    const bench = registry(["1.0.0", "1.1.0"]);
    const plain = await bench.json(`packages/${NAME}/1.1.0`);
    bench.memory.marked.set(file("1.1.0"), REASON);
    const warnings = [{ code: "PACKAGE_DEPRECATED", message: REASON }];
    const marked = { ...plain, yanked: true, yankedReason: REASON, deprecated: { message: REASON }, warnings };
    expect(await bench.json(`packages/${NAME}/1.1.0`)).toEqual(marked);
    expect(await bench.json(`packages/${NAME}`)).toMatchObject({
      versions: { "1.0.0": { yanked: false }, "1.1.0": marked },
      "dist-tags": { latest: "1.0.0" },
    });
    expect(await bench.json(`packages/${NAME}/dist-tags`)).toEqual({ name: NAME, "dist-tags": { latest: "1.0.0" } });
  });

  test("keeps what its registry says of it", async () => {
    const deprecated = { message: "use other-utils", replacement: "other-utils@^2.0.0" };
    const versions = {
      "1.0.0": versionEntry(NAME, "1.0.0"),
      "1.1.0": versionEntry(NAME, "1.1.0", { deprecated, yanked: true, yankedReason: "broken" }),
    };
    const bench = registry([], { versions, "dist-tags": { latest: "1.0.0" } });
    bench.memory.marked.set(file("1.1.0"), REASON);
    expect(await bench.json(`packages/${NAME}/1.1.0`)).toMatchObject({ yanked: true, yankedReason: `broken; ${REASON}`, deprecated });
  });

  test("moves other tags too, never to something newer, and a tag that has nowhere to go stays", async () => {
    const bench = registry(["1.0.0", "1.1.0", "2.0.0"], { "dist-tags": { latest: "1.0.0", stable: "1.1.0", edge: "2.0.0" } });
    for (const version of ["1.0.0", "2.0.0"]) bench.memory.marked.set(file(version), REASON);
    expect(await bench.json(`packages/${NAME}/dist-tags`)).toEqual({
      name: NAME,
      "dist-tags": { latest: "1.0.0", stable: "1.1.0", edge: "1.1.0" },
    });
    expect(bench.memory.warnings).toMatchObject([{ package: NAME, tags: ["latest"] }]);
  });

  test("is asked about with the tags that it carries", async () => {
    const bench = registry(["1.0.0", "1.1.0"], { "dist-tags": { latest: "1.1.0", stable: "1.1.0" } });
    await bench.json(`packages/${NAME}`);
    expect(bench.memory.listings).toMatchObject([
      {
        name: NAME,
        upstream: { id: "aam#0" },
        archives: [
          { version: "1.0.0", file: file("1.0.0"), tags: [], withdrawn: false },
          { version: "1.1.0", tags: ["latest", "stable"], publishedAt: Date.parse("2026-02-20T10:00:00Z") },
        ],
      },
    ]);
  });

  test("makes its page as short-lived as its mark", async () => {
    const bench = registry(["1.0.0"]);
    bench.memory.markedUntil = Date.UTC(2026, 0, 1) + 5;
    expect(await bench.get(`packages/${NAME}`)).toMatchObject({ freshness: { freshUntil: Date.UTC(2026, 0, 1) + 5 } });
  });
});

test("the list of a local registry names what is open, and still the package of which nothing is", async () => {
  const bench = new AamBench([FOLDER])
    .put(`${FOLDER}index.json`, { formatVersion: 1, packages: [{ name: NAME, latest: "1.1.0", versions: ["1.0.0", "1.1.0"] }] })
    .put(`${FOLDER}packages/${NAME}/meta.json`, packageObject(NAME, ["1.0.0", "1.1.0"]));
  expect(await bench.json("packages")).toMatchObject({ packages: [{ name: NAME, latest: "1.1.0" }] });
  bench.memory.marked.set(file("1.1.0"), REASON);
  bench.memory.markedUntil = Date.UTC(2026, 0, 1) + 5;
  expect(await bench.json("packages")).toMatchObject({ packages: [{ name: NAME, latest: "1.0.0", versions: ["1.0.0"] }] });
  expect(await bench.get("packages")).toMatchObject({ freshness: { freshUntil: Date.UTC(2026, 0, 1) + 5 } });
  bench.memory.marked.set(file("1.0.0"), REASON);
  expect(await bench.json("packages")).toMatchObject({ packages: [{ name: NAME, latest: "1.1.0", versions: [] }] });
});
