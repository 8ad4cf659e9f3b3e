import { describe, expect, test } from "vitest";
import { nextLink } from "../../../src/ecosystems/aam/catalogues/next-link.ts";
import { AamBench, FOLDER, ORIGIN, packageObject, REGISTRY, versionEntry } from "./aam-bench.ts";

/** A folder with `count` packages `p-000`, `p-001`, …, each with one version. */
function folder(count: number): AamBench {
  const bench = new AamBench([FOLDER]);
  const names = Array.from({ length: count }, (_, i) => `p-${String(i).padStart(3, "0")}`);
  bench.put(`${FOLDER}index.json`, { formatVersion: 1, packages: names.map((name) => ({ name, latest: "1.0.0", versions: ["1.0.0"] })) });
  for (const name of names) bench.put(`${FOLDER}packages/${name}/meta.json`, packageObject(name, ["1.0.0"]));
  return bench;
}

const names = (list: Record<string, unknown>): unknown[] => (list["packages"] as { name: string }[]).map(({ name }) => name);

/** The path and query of the next page, as a client would ask for it. */
function nextPath(headers: Readonly<Record<string, string>>): string {
  const link = /^<(.+)>; rel="next"$/.exec(headers["Link"] ?? "")?.[1] ?? "";
  expect(link.startsWith(`${ORIGIN}/aam/`)).toBe(true);
  return link.slice(`${ORIGIN}/aam/`.length);
}

const cursorOf = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a question that makes no sense", () => {
  test.each([
    ["limit=0"],
    ["limit=-1"],
    ["limit=1.5"],
    ["limit=many"],
    ["limit="],
    ["limit=1e2"],
    ["limit=99999999999"],
    ["cursor="],
    ["cursor=junk"],
    ["cursor=%00"],
    [`cursor=${cursorOf("x")}`],
    [`cursor=${cursorOf([0])}`],
    [`cursor=${cursorOf([0, "1", 2])}`],
    [`cursor=${cursorOf([-1, "0"])}`],
    [`cursor=${cursorOf([0.5, "0"])}`],
    [`cursor=${cursorOf([1, null])}`],
    [`cursor=${cursorOf([1e300, null])}`],
    [`cursor=${cursorOf([0, "-1"])}`],
    [`cursor=${cursorOf([0, "x"])}`],
    [`cursor=${cursorOf([0, 5])}`],
    [`cursor=${cursorOf([0, "1".repeat(2000)])}`],
    ["sort=downloads"],
    [`q=${"a".repeat(201)}`],
    [`category=${"a".repeat(201)}`],
  ])("%s", async (query) => {
    await expect(folder(3).get(`packages?${query}`)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });
});

describe("pages of a folder's list", () => {
  test("fifty by default, with the way to the rest, which has none", async () => {
    const bench = folder(60);
    expect(names(await bench.json("packages"))).toHaveLength(50);
    const headers = await bench.headers("packages");
    expect(headers["X-Total-Count"]).toBe("60");
    const next = nextPath(headers);
    expect(names(await bench.json(next))).toEqual([
      "p-050",
      "p-051",
      "p-052",
      "p-053",
      "p-054",
      "p-055",
      "p-056",
      "p-057",
      "p-058",
      "p-059",
    ]);
    expect(await bench.headers(next)).toEqual({ "X-Total-Count": "60" });
  });

  test.each([
    ["limit=200", 200],
    ["limit=201", 200],
    ["limit=1", 1],
  ])("%s gives %i", async (query, expected) => {
    expect(names(await folder(205).json(`packages?${query}`))).toHaveLength(expected);
  });

  test("a page that is exactly full is the last", async () => {
    expect(await folder(50).headers("packages")).not.toHaveProperty("Link");
  });

  test("every package is on one page, whatever the limit", async () => {
    const bench = folder(23);
    const seen: unknown[] = [];
    for (let path: string | undefined = "packages?limit=5&q=P-&sort=name"; path !== undefined; ) {
      seen.push(...names(await bench.json(path)));
      const headers = await bench.headers(path);
      path = headers["Link"] === undefined ? undefined : nextPath(headers);
      if (path !== undefined) expect(new URLSearchParams(path.split("?")[1])).toMatchObject({ size: 4 });
    }
    expect(seen).toEqual(Array.from({ length: 23 }, (_, i) => `p-${String(i).padStart(3, "0")}`));
  });

  test("a list that became shorter ends, and says so", async () => {
    const bench = folder(3);
    const path = `packages?cursor=${cursorOf([0, "100"])}`;
    expect(names(await bench.json(path))).toEqual([]);
    expect(await bench.headers(path)).not.toHaveProperty("Link");
  });

  test("the text of a search cannot break out of the link", async () => {
    const bench = new AamBench([FOLDER]).put(`${FOLDER}index.json`, {
      packages: [1, 2, 3].map((i) => ({ name: `p-${i}`, description: 'x>; rel="x"\r\n' })),
    });
    for (const i of [1, 2, 3]) bench.put(`${FOLDER}packages/p-${i}/meta.json`, packageObject(`p-${i}`, ["1.0.0"]));
    const headers = await bench.headers(`packages?limit=1&q=${encodeURIComponent('x>; rel="x"\r\n')}`);
    expect(headers["Link"]).toMatch(/^<[^<>"\s]+>; rel="next"$/);
  });
});

describe("what a folder's list says", () => {
  const bench = (): AamBench =>
    new AamBench([FOLDER])
      .put(
        `${FOLDER}index.yaml`,
        [
          "packages:",
          "- {name: old, description: Reviews code, latest: 9.9.9, keywords: [audit], artifact_types: [], updated_at: '2025-01-01T00:00:00Z'}",
          "- {name: new, description: Writes tests, latest: 2.0.0, keywords: [], artifact_types: [], updated_at: '2026-01-01T00:00:00Z', category: qa}",
          "- {name: withdrawn, latest: 1.0.0}",
          "- {name: broken, latest: 1.0.0}",
          "- {name: gone, latest: 1.0.0}",
          "- {name: Not_A_Name, latest: 1.0.0}",
          "- text",
        ].join("\n"),
      )
      .put(
        `${FOLDER}packages/old/metadata.yaml`,
        "name: old\ndist_tags: {latest: 1.1.0}\nversions: [{version: 1.1.0, yanked: true}, {version: 1.0.0}]",
      )
      .put(`${FOLDER}packages/new/metadata.yaml`, "name: new\ndist_tags: {latest: 2.0.0}\nversions: [{version: 2.0.0}]")
      .put(`${FOLDER}packages/withdrawn/metadata.yaml`, "name: withdrawn\nversions: [{version: 1.0.0, yanked: true}]")
      .put(`${FOLDER}packages/broken/metadata.yaml`, "name: another\nversions: []");

  test("latest and versions are what is open, packages without any are left out, and an unreadable one hides no other", async () => {
    const asked = bench();
    expect(await asked.json("packages")).toEqual({
      packages: [
        {
          name: "new",
          description: "Writes tests",
          latest: "2.0.0",
          versions: ["2.0.0"],
          keywords: [],
          updatedAt: "2026-01-01T00:00:00Z",
          category: "qa",
        },
        {
          name: "old",
          description: "Reviews code",
          latest: "1.0.0",
          versions: ["1.0.0"],
          keywords: ["audit"],
          updatedAt: "2025-01-01T00:00:00Z",
        },
      ],
    });
    expect(asked.memory.warnings).toEqual([{ repository: "aam", package: "broken", code: "UPSTREAM_MALFORMED" }]);
  });

  test.each([
    ["q=OLD", ["old"]],
    ["q=review", ["old"]],
    ["q=aud", ["old"]],
    ["q=nothing", []],
    ["category=qa", ["new"]],
    ["category=qa&q=old", []],
    ["sort=updated", ["new", "old"]],
    ["sort=name", ["new", "old"]],
    ["q=", ["new", "old"]],
  ])("%s finds %j", async (query, expected) => {
    expect(names(await bench().json(`packages?${query}`))).toEqual(expected);
  });

  test("a folder without a list has an empty one", async () => {
    expect(await new AamBench([FOLDER]).json("packages")).toEqual({ packages: [] });
  });

  test.each([
    ["a list that is none", { packages: {} }, "UPSTREAM_MALFORMED"],
    ["more packages than the limit", { packages: [{ name: "a" }, { name: "b" }] }, "UPSTREAM_LIMIT"],
  ])("%s is an error", async (_, index, code) => {
    await expect(new AamBench([FOLDER], { listedFiles: 1 }).put(`${FOLDER}index.json`, index).get("packages")).rejects.toMatchObject({
      code,
    });
  });
});

describe("a registry's list is passed on", () => {
  const LIST = `${REGISTRY}packages`;
  const page = (...packages: object[]): string => JSON.stringify({ packages });
  const bench = (query: string, text: string, more: object = {}): AamBench => {
    const made = new AamBench([REGISTRY]);
    made.lists.set(`${LIST}?${query}`, { text, ...more });
    return made;
  };

  test("with the client's question, and nothing else of it", async () => {
    const asked = bench("q=a+b&category=c&sort=downloads&limit=200", page({ name: "git-utils", downloads: 3 }), { totalCount: "1" });
    expect(await asked.json("packages?q=a%20b&category=c&sort=downloads&limit=999&evil=1")).toEqual({
      packages: [{ name: "git-utils", downloads: 3 }],
    });
    expect(await asked.headers("packages?q=a%20b&category=c&sort=downloads&limit=999")).toMatchObject({ "X-Total-Count": "1" });
  });

  test("its next page is ours", async () => {
    const asked = bench("q=x&limit=2", page({ name: "a" }, { name: "b" }), {
      link: `<${LIST}?q=x&limit=2&cursor=abc%2B>; rel="next"`,
      totalCount: "3",
    });
    asked.lists.set(`${LIST}?q=x&limit=2&cursor=abc%2B`, { text: page({ name: "c" }), totalCount: "3" });
    const next = nextPath(await asked.headers("packages?q=x&limit=2"));
    expect(next).toContain("q=x&limit=2&cursor=");
    expect(names(await asked.json(next))).toEqual(["c"]);
    expect(await asked.headers(next)).not.toHaveProperty("Link");
  });

  test.each([
    ["elsewhere", '<https://evil.example/aam/packages?cursor=x>; rel="next"'],
    ["another path", '</aam/admin?cursor=x>; rel="next"'],
    ["no cursor", '<?page=2>; rel="next"'],
    ["no address", '<http://[>; rel="next"'],
  ])("a next page that leads %s is an error", async (_, link) => {
    await expect(bench("limit=50", page(), { link }).get("packages")).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });

  test.each([
    ["no list", "{}", {}, "UPSTREAM_MALFORMED"],
    ["HTML", "<html>", { contentType: "text/html" }, "UPSTREAM_CONTENT_TYPE"],
  ])("%s is an error", async (_, text, more, code) => {
    await expect(bench("limit=50", text, more).get("packages")).rejects.toMatchObject({ code });
  });

  test("names outside the grammar and odd counts are left out", async () => {
    const asked = bench("limit=50", page({ name: "ok" }, { name: "../x" }, { name: "a--b" }, { name: 1 }, {}), { totalCount: "many" });
    expect(await asked.json("packages")).toEqual({ packages: [{ name: "ok" }] });
    expect(await asked.headers("packages")).not.toHaveProperty("X-Total-Count");
  });

  test("a cursor of 2000 characters is passed on, a longer one is not", async () => {
    const asked = bench(`limit=50&cursor=${"a".repeat(1494)}`, page({ name: "far" }));
    expect(names(await asked.json(`packages?cursor=${cursorOf([0, "a".repeat(1494)])}`))).toEqual(["far"]);
    await expect(asked.get(`packages?cursor=${cursorOf([0, "a".repeat(1495)])}`)).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect(asked.listRequests).toHaveLength(1);
  });

  test("a registry without a list has an empty one", async () => {
    expect(await new AamBench([REGISTRY]).json("packages")).toEqual({ packages: [] });
  });
});

test("folders come first, then registries, and each package of two folders once", async () => {
  const OTHER = "file:///srv/other/";
  const bench = new AamBench([REGISTRY, FOLDER, OTHER])
    .put(`${FOLDER}index.json`, { packages: [{ name: "a" }] })
    .put(`${FOLDER}packages/a/meta.json`, { name: "a", versions: { "1.0.0": versionEntry("a", "1.0.0") } })
    .put(`${OTHER}index.json`, { packages: [{ name: "a" }, { name: "b" }] })
    .put(`${OTHER}packages/b/meta.json`, { name: "b", versions: { "1.0.0": versionEntry("b", "1.0.0") } });
  bench.lists.set(`${REGISTRY}packages?limit=50`, { text: JSON.stringify({ packages: [{ name: "c" }] }), totalCount: "1" });
  expect(names(await bench.json("packages"))).toEqual(["a", "b"]);
  const headers = await bench.headers("packages");
  expect(headers).not.toHaveProperty("X-Total-Count");
  expect(names(await bench.json(nextPath(headers)))).toEqual(["c"]);
});

test.each([
  ['<https://a.example/?x=1,2>; rel="prev", </next?a=b,c>; title="a, b"; rel="last next"', "/next?a=b,c"],
  ["</n>; REL=NEXT", "/n"],
  ['</n>; rel="nextish"', undefined],
  ["</n>", undefined],
  ["<", undefined],
  ["", undefined],
  ['>; rel="next"<', undefined],
])("the next link of %j is %j", (header, expected) => {
  expect(nextLink(header)).toBe(expected);
});
