import { describe, expect, test } from "vitest";
import { demoPage, fileEntry, PypiBench, SDIST, SDIST_BYTES, sha256, WHEEL, WHEEL_BYTES } from "./pypi-fixture.ts";

const REASON = "assay: denied: stolen [deny[0]]";

function bench(yanked: unknown = false): PypiBench {
  const made = new PypiBench().publish(
    "demo-pkg",
    demoPage({ files: [fileEntry(WHEEL, WHEEL_BYTES, { yanked, provenance: "https://files.example/p" }), fileEntry(SDIST, SDIST_BYTES)] }),
  );
  made.memory.marked.set(WHEEL, REASON);
  return made;
}

describe("a file that would be refused", () => {
  test("is yanked with the reason in JSON, and nothing else of it changes", async () => {
    const files = await bench().files("demo-pkg");
    const plain = new PypiBench().publish(
      "demo-pkg",
      demoPage({ files: [fileEntry(WHEEL, WHEEL_BYTES, { provenance: "https://files.example/p" }), fileEntry(SDIST, SDIST_BYTES)] }),
    );
    expect(files).toEqual({
      ...(await plain.files("demo-pkg")),
      [WHEEL]: { ...(await plain.files("demo-pkg"))[WHEEL], yanked: REASON },
    });
    expect(files[WHEEL]).toMatchObject({ hashes: { sha256: sha256(WHEEL_BYTES) }, provenance: expect.stringContaining("/integrity/") });
  });

  test("is yanked with the reason in HTML, and only it", async () => {
    const html = await bench().html("simple/demo-pkg/");
    expect(html.match(/data-yanked="[^"]*"/g)).toEqual([`data-yanked="${REASON}"`]);
    expect(html).toMatch(new RegExp(`<a [^>]*data-yanked="[^"]*"[^>]*>${WHEEL}</a>`));
  });

  test.each([
    { name: "a reason", yanked: "broken metadata", shown: `broken metadata; ${REASON}` },
    { name: "no reason", yanked: true, shown: REASON },
  ])("keeps upstream's yank with $name", async ({ yanked, shown }) => {
    expect((await bench(yanked).files("demo-pkg"))[WHEEL]).toMatchObject({ yanked: shown });
  });

  test("cannot say anything that ends the attribute or the page", async () => {
    const hostile = bench();
    hostile.memory.marked.set(WHEEL, `"><script>alert('1')</script>&amp;`);
    const html = await hostile.html("simple/demo-pkg/");
    expect(html).not.toContain("<script>");
    expect(html).toContain(`data-yanked="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;"`);
    expect((await hostile.files("demo-pkg"))[WHEEL]).toMatchObject({ yanked: `"><script>alert('1')</script>&amp;` });
  });

  test("makes the page as short-lived as its mark", async () => {
    const shortLived = bench();
    const { freshness } = await shortLived.page("simple/demo-pkg/");
    shortLived.memory.markedUntil = freshness.freshUntil - 1;
    expect((await shortLived.page("simple/demo-pkg/")).freshness).toEqual({ ...freshness, freshUntil: freshness.freshUntil - 1 });
  });
});

test("what is asked about a page is what the page says, with the time and the claims of each file", async () => {
  const asked = bench("broken");
  await asked.json("simple/demo-pkg/");
  expect(asked.memory.listings).toMatchObject([
    {
      name: "demo-pkg",
      upstream: { id: "pypi#0" },
      archives: [
        {
          version: "1.0",
          file: WHEEL,
          claims: [{ algorithm: "sha256", hex: sha256(WHEEL_BYTES) }],
          publishedAt: Date.parse("2026-01-02T03:04:05.678Z"),
          withdrawn: true,
        },
        { version: "1.0", file: SDIST, withdrawn: false },
      ],
    },
  ]);
});

test("a project that upstream has lost is marked by what was admitted of it", async () => {
  const lost = new PypiBench();
  lost.memory.admit({ repository: "pypi", ecosystem: "pypi", name: "demo-pkg", version: "1.0", file: WHEEL }, WHEEL_BYTES);
  lost.memory.marked.set(WHEEL, REASON);
  expect((await lost.files("demo-pkg"))[WHEEL]).toMatchObject({ yanked: REASON });
  expect(lost.memory.listings).toMatchObject([{ upstream: undefined, admitted: [{ ref: { file: WHEEL } }] }]);
});
