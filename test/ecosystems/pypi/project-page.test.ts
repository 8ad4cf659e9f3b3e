import { describe, expect, test } from "vitest";
import { AssayError } from "../../../src/core/errors.ts";
import { requestOf } from "../../contract/ecosystem.ts";
import {
  demoPage,
  FILES,
  fileEntry,
  METADATA,
  PypiBench,
  REPOSITORY,
  SDIST,
  SDIST_BYTES,
  sha256,
  WHEEL,
  WHEEL_BYTES,
} from "./pypi-fixture.ts";

const PROVENANCE = `http://127.0.0.1:8740/pypi/integrity/demo-pkg/1.0/${WHEEL}/provenance`;

function refOf(file: string) {
  return { repository: "pypi", ecosystem: "pypi" as const, name: "demo-pkg", version: "1.0", file };
}

describe("only reading", () => {
  test("POST is refused on every path", async () => {
    const bench = new PypiBench();
    for (const path of ["simple/", "simple/demo-pkg/", `files/demo-pkg/${WHEEL}`, "legacy/"]) {
      await expect(bench.get(path, { method: "POST" })).rejects.toMatchObject({ code: "METHOD_NOT_ALLOWED" });
    }
    expect(bench.memory.requests).toEqual([]);
  });
});

describe("one address a project", () => {
  test.each([
    ["simple", "/pypi/simple/"],
    ["simple/demo-pkg", "/pypi/simple/demo-pkg/"],
    ["simple/Demo_Pkg/", "/pypi/simple/demo-pkg/"],
    [
      "simple/demo.-.pkg?format=application/vnd.pypi.simple.v1%2Bjson",
      "/pypi/simple/demo-pkg/?format=application%2Fvnd.pypi.simple.v1%2Bjson",
    ],
    ["simple/Demo?x=%0d%0aSet-Cookie:%20a", "/pypi/simple/demo/?x=%0D%0ASet-Cookie%3A+a"],
  ])("%s moves to %s", async (path, location) => {
    const bench = new PypiBench();
    expect(await bench.get(path)).toEqual({ kind: "redirect", status: 301, location });
    expect(bench.memory.requests).toEqual([]);
  });
});

describe("a page in JSON", () => {
  test("keeps every field and sends clients to us", async () => {
    const more = { "project-status": { status: "archived", reason: "done" }, "alternate-locations": ["https://b.example/demo-pkg/"] };
    const meta = { "api-version": "1.4", "_last-serial": 4711, tracks: ["https://a.example/demo-pkg/"], future: 1 };
    const bench = new PypiBench().publish("demo-pkg", demoPage({ ...more, meta, "x-future": [1] }));
    const answer = await bench.page("simple/demo-pkg/");
    expect(JSON.parse(answer.body.toString())).toEqual({
      meta,
      name: "demo-pkg",
      ...more,
      "x-future": [1],
      versions: ["1.0"],
      files: [
        fileEntry(WHEEL, WHEEL_BYTES, {
          url: `../../files/demo-pkg/${WHEEL}`,
          "core-metadata": { sha256: sha256(METADATA) },
          provenance: PROVENANCE,
        }),
        fileEntry(SDIST, SDIST_BYTES, { url: `../../files/demo-pkg/${SDIST}`, "core-metadata": false, provenance: null }),
      ],
    });
    expect(answer).toMatchObject({
      contentType: "application/vnd.pypi.simple.v1+json",
      name: "demo-pkg",
      varies: { accept: true, origin: true },
      headers: { "X-PyPI-Last-Serial": "4711" },
    });
    expect(answer.freshness).not.toHaveProperty("stale");
  });

  test("writes the metadata promise under one key, and no promise of a signature", async () => {
    const sidecars = { "dist-info-metadata": { sha256: sha256("m") }, "data-dist-info-metadata": { sha256: sha256("m") }, "gpg-sig": true };
    const bench = new PypiBench().publish("demo-pkg", demoPage({ files: [fileEntry(WHEEL, "w", { ...sidecars, "x-future": "kept" })] }));
    const file = (await bench.files("demo-pkg"))[WHEEL];
    expect(file).toMatchObject({ "core-metadata": { sha256: sha256("m") }, "x-future": "kept" });
    for (const key of Object.keys(sidecars)) expect(file).not.toHaveProperty([key]);
  });

  test.each([
    ["1.4", {}, "1.4"],
    ["1.1", {}, "1.1"],
    ["1.0", {}, "1.0"],
    ["1.99", {}, "1.4"],
    ["1.4", { versions: undefined }, "1.0"],
    ["1.4", { files: [fileEntry(SDIST, "s", { size: undefined })] }, "1.0"],
  ])("from %s and %j promises %s", async (upstream, more, served) => {
    const bench = new PypiBench().publish("demo-pkg", demoPage({ meta: { "api-version": upstream }, ...more }));
    expect(await bench.json("simple/demo-pkg/")).toMatchObject({ meta: { "api-version": served } });
  });

  test("encodes what file names may hold", async () => {
    const name = "demo_pkg-1!1.0+cu12.1-py3-none-any.whl";
    const bench = new PypiBench().publish("demo-pkg", demoPage({ files: [fileEntry(name, "w")] }));
    expect((await bench.files("demo-pkg"))[name]).toMatchObject({ url: "../../files/demo-pkg/demo_pkg-1!1.0%2Bcu12.1-py3-none-any.whl" });
  });
});

describe("a page in HTML", () => {
  test("escapes everything that upstream chose", async () => {
    const evil = `"><script>alert('x')</script>&`;
    const bench = new PypiBench().publish(
      "demo-pkg",
      demoPage({
        meta: { "api-version": "1.4", "_last-serial": "1--><script>", tracks: ['https://a.example/"><script>'] },
        "project-status": { status: evil, reason: evil },
        files: [fileEntry(WHEEL, WHEEL_BYTES, { yanked: evil, "requires-python": evil, hashes: { sha256: sha256("x"), sha3: evil } })],
      }),
    );
    const page = await bench.page("simple/demo-pkg/", "text/html");
    const html = page.body.toString();
    expect(html).not.toContain("<script>");
    expect(html).toContain('data-yanked="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;"');
    expect(html).not.toContain("SERIAL");
    expect(page).not.toHaveProperty("headers");
  });

  test("keeps what HTML has room for", async () => {
    const bench = new PypiBench().publish("demo-pkg", demoPage());
    const page = await bench.page("simple/demo-pkg/", "text/html");
    const promise = `sha256=${sha256(METADATA)}`;
    expect(page.contentType).toBe("text/html; charset=utf-8");
    expect(page.body.toString().split("\n")).toEqual([
      "<!DOCTYPE html>",
      "<html>",
      "<head>",
      '<meta name="pypi:repository-version" content="1.4">',
      "<title>Links for demo-pkg</title>",
      "</head>",
      "<body>",
      "<h1>Links for demo-pkg</h1>",
      `<a href="../../files/demo-pkg/${WHEEL}#sha256=${sha256(WHEEL_BYTES)}" data-requires-python="&gt;=3.9" data-core-metadata="${promise}" data-dist-info-metadata="${promise}" data-provenance="${PROVENANCE}">${WHEEL}</a><br>`,
      `<a href="../../files/demo-pkg/${SDIST}#sha256=${sha256(SDIST_BYTES)}" data-requires-python="&gt;=3.9">${SDIST}</a><br>`,
      "</body>",
      "</html>",
      "<!--SERIAL 4711-->",
      "",
    ]);
  });

  test("is made JSON of, and promises no more than it held", async () => {
    const anchor = `<a href="${FILES}/${SDIST}#md5=${"0".repeat(32)}" data-yanked="">${SDIST}</a>`;
    const bench = new PypiBench().publish("demo-pkg", `<meta name="pypi:repository-version" content="1.1">${anchor}`);
    expect(await bench.json("simple/demo-pkg/")).toEqual({
      meta: { "api-version": "1.0" },
      name: "demo-pkg",
      files: [
        {
          filename: SDIST,
          url: `../../files/demo-pkg/${SDIST}`,
          hashes: { md5: "0".repeat(32) },
          "requires-python": null,
          yanked: true,
          "core-metadata": false,
        },
      ],
    });
  });

  test("depends on the origin only where it names one", async () => {
    const bench = new PypiBench().publish("demo-pkg", demoPage({ files: [fileEntry(SDIST, "s")] }));
    expect((await bench.page("simple/demo-pkg/", "text/html")).varies).toEqual({ accept: true, origin: false });
    const byFormat = await bench.get("simple/demo-pkg/?format=text/html", { accept: "application/xml" });
    expect(byFormat).toMatchObject({ kind: "page", varies: { accept: false, origin: false } });
  });

  test("is not made for a client that takes none", async () => {
    const bench = new PypiBench().publish("demo-pkg", demoPage());
    await expect(bench.get("simple/demo-pkg/", { accept: "application/xml" })).rejects.toMatchObject({ code: "NOT_ACCEPTABLE" });
  });
});

describe("upstream changes its word about a file that was admitted", () => {
  test("another sha256: the page goes on to name ours, and a warning is logged", async () => {
    const bench = new PypiBench().publish("demo-pkg", demoPage());
    const admission = bench.memory.admit(refOf(WHEEL), "the bytes that were verified");
    const file = (await bench.files("demo-pkg"))[WHEEL];
    expect(file).toMatchObject({ hashes: { sha256: admission.digest }, size: admission.sizeBytes, "core-metadata": false });
    expect(file).not.toHaveProperty("provenance");
    expect(await bench.html("simple/demo-pkg/")).toContain(`#sha256=${admission.digest}`);
    expect(bench.memory.warnings[0]).toMatchObject({ file: WHEEL, admitted: admission.digest, claimed: sha256(WHEEL_BYTES) });
  });

  test("another md5, where that is all it claims", async () => {
    const was = { algorithm: "md5" as const, hex: "0".repeat(32), claimedBy: "the simple index of demo-pkg" };
    const bench = new PypiBench().publish("demo-pkg", demoPage({ files: [fileEntry(SDIST, "s", { hashes: { md5: "1".repeat(32) } })] }));
    const admission = bench.memory.admit(refOf(SDIST), "verified", { claims: [was] });
    expect((await bench.files("demo-pkg"))[SDIST]).toMatchObject({ hashes: { sha256: admission.digest } });
    expect((await bench.files("demo-pkg"))[SDIST]?.["hashes"]).not.toHaveProperty("md5");
    expect(bench.memory.warnings).not.toEqual([]);
  });
});

describe("an admitted file that upstream still vouches for", () => {
  test("gets the digest and size that upstream does not give, and keeps those it does", async () => {
    const weak = { md5: "0".repeat(32) };
    const bench = new PypiBench().publish(
      "demo-pkg",
      demoPage({ files: [fileEntry(SDIST, SDIST_BYTES, { hashes: weak, size: undefined })] }),
    );
    bench.memory.admit(refOf(SDIST), SDIST_BYTES);
    expect((await bench.files("demo-pkg"))[SDIST]).toMatchObject({
      hashes: { ...weak, sha256: sha256(SDIST_BYTES) },
      size: SDIST_BYTES.length,
    });
    expect(bench.memory.warnings).toEqual([]);
  });
});

describe("an upstream that fails or forgets", () => {
  test.each([
    ["an error page", "<h1>Service unavailable</h1>", "text/html"],
    ["another project's page", JSON.stringify(demoPage({ name: "other" })), "application/vnd.pypi.simple.v1+json"],
  ])("%s with status 200 leaves the held page in place, marked stale", async (_what, body, contentType) => {
    const bench = new PypiBench().publish("demo-pkg", demoPage());
    await bench.page("simple/demo-pkg/");
    bench.publish("demo-pkg", body, contentType);
    const answer = await bench.page("simple/demo-pkg/");
    expect(answer.body.toString()).toContain(WHEEL);
    expect(answer.freshness.stale).toContain("demo-pkg");
    expect(await bench.ecosystem.resolve(REPOSITORY, refOf(WHEEL))).toMatchObject({ ref: refOf(WHEEL) });
  });

  test("a failure with nothing held is thrown as it is", async () => {
    const bench = new PypiBench();
    bench.memory.failure = new AssayError("UPSTREAM_TIMEOUT", "too slow");
    bench.memory.admit(refOf(WHEEL), WHEEL_BYTES);
    await expect(bench.get("simple/demo-pkg/")).rejects.toMatchObject({ code: "UPSTREAM_TIMEOUT" });
  });

  test("a project that is gone is not found where nothing of it was admitted", async () => {
    const bench = new PypiBench().publish("demo-pkg", demoPage());
    await bench.page("simple/demo-pkg/");
    bench.memory.pages.clear();
    await expect(bench.get("simple/demo-pkg/")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(bench.ecosystem.resolve(REPOSITORY, refOf(WHEEL))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("a project that is gone lists what was admitted, with what was known of it, and nothing else", async () => {
    const bench = new PypiBench().publish(
      "demo-pkg",
      demoPage({ files: [fileEntry(WHEEL, WHEEL_BYTES, { yanked: "old" }), fileEntry(SDIST, "s")] }),
    );
    await bench.page("simple/demo-pkg/");
    bench.memory.pages.clear();
    bench.memory.admit(refOf(WHEEL), WHEEL_BYTES);
    const answer = await bench.page("simple/demo-pkg/");
    expect(JSON.parse(answer.body.toString())).toEqual({
      meta: { "api-version": "1.1" },
      name: "demo-pkg",
      versions: ["1.0"],
      files: [fileEntry(WHEEL, WHEEL_BYTES, { url: `../../files/demo-pkg/${WHEEL}`, yanked: "old", "core-metadata": false })],
    });
    expect(answer.freshness.stale).toMatch(/no upstream has this project/);
  });

  test("offline, admitted files are found though their page was never fetched", async () => {
    const bench = new PypiBench();
    bench.memory.failure = new AssayError("OFFLINE", "offline");
    await expect(bench.get("simple/demo-pkg/")).rejects.toMatchObject({ code: "NOT_FOUND" });
    bench.memory.admit(refOf(SDIST), SDIST_BYTES);
    expect(Object.keys(await bench.files("demo-pkg"))).toEqual([SDIST]);
  });

  test("without any upstream the answer says so", async () => {
    const handled = new PypiBench().ecosystem.handle({ ...REPOSITORY, upstreams: [] }, requestOf(["simple", "demo-pkg", ""]));
    await expect(handled).rejects.toMatchObject({ code: "UPSTREAM_NOT_CONFIGURED" });
  });
});

describe("resolving", () => {
  test("a file that upstream has taken off its page is not fetched any more", async () => {
    const bench = new PypiBench().publish("demo-pkg", demoPage());
    await bench.page("simple/demo-pkg/");
    bench.publish("demo-pkg", demoPage({ files: [fileEntry(SDIST, SDIST_BYTES)] }));
    await expect(bench.ecosystem.resolve(REPOSITORY, refOf(WHEEL))).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await bench.ecosystem.resolve(REPOSITORY, refOf(SDIST))).toMatchObject({ ref: refOf(SDIST) });
  });

  test("a file of a quarantined project is not fetched any more", async () => {
    const bench = new PypiBench().publish("demo-pkg", demoPage());
    await bench.page("simple/demo-pkg/");
    bench.publish("demo-pkg", demoPage({ "project-status": { status: "quarantined" } }));
    await expect(bench.ecosystem.resolve(REPOSITORY, refOf(WHEEL))).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await bench.files("demo-pkg")).toEqual({});
  });

  test("gives every claim, its author, and the promise for the wheel's METADATA", async () => {
    const bench = new PypiBench().publish("demo-pkg", demoPage());
    const claimedBy = "the simple index of demo-pkg";
    expect(await bench.ecosystem.resolve(REPOSITORY, refOf(WHEEL))).toEqual({
      ref: refOf(WHEEL),
      upstream: REPOSITORY.upstreams[0],
      url: new URL(`${FILES}/packages/aa/bb/${WHEEL}`),
      sizeBytes: WHEEL_BYTES.length,
      claims: [{ algorithm: "sha256", hex: sha256(WHEEL_BYTES), claimedBy }],
      publishedAt: Date.parse("2026-01-02T03:04:05.678Z"),
      firstSeenAt: expect.any(Number),
      manifestClaims: [{ algorithm: "sha256", hex: sha256(METADATA), claimedBy: `the core-metadata of ${claimedBy}` }],
    });
  });

  test.each(["yesterday", "2026-01-02", "2026-01-02T03:04:05", "2026-13-45T03:04:05Z", "1"])(
    "upload time %j dates nothing",
    async (time) => {
      const bench = new PypiBench().publish("demo-pkg", demoPage({ files: [fileEntry(SDIST, "s", { "upload-time": time })] }));
      expect(await bench.ecosystem.resolve(REPOSITORY, refOf(SDIST))).not.toHaveProperty("publishedAt");
      expect((await bench.files("demo-pkg"))[SDIST]).toMatchObject({ "upload-time": time });
    },
  );
});

test("an archive is for the mirror to answer, as bytes to be saved", async () => {
  const bench = new PypiBench();
  expect(await bench.get(`files/Demo_Pkg/${WHEEL}`)).toEqual({
    kind: "artifact",
    ref: refOf(WHEEL),
    contentType: "application/octet-stream",
  });
  expect(bench.memory.requests).toEqual([]);
});
