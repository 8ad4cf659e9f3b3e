import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS, type Limits } from "../../../src/core/limits.ts";
import { parseSimplePage } from "../../../src/ecosystems/pypi/simple-page.ts";
import type { SimpleProject } from "../../../src/ecosystems/pypi/simple-project.ts";
import { demoPage, FILES, fileEntry, JSON_TYPE, SDIST, sha256, UPSTREAM, WHEEL } from "./pypi-fixture.ts";

const PAGE_URL = new URL(`${UPSTREAM}demo-pkg/`);

function parse(body: string, contentType: string, limits: Partial<Limits> = {}): SimpleProject {
  return parseSimplePage({ body: Buffer.from(body), contentType, url: PAGE_URL }, "demo-pkg", { ...DEFAULT_LIMITS, ...limits });
}

function json(page: unknown, limits?: Partial<Limits>): SimpleProject {
  return parse(JSON.stringify(page), JSON_TYPE, limits);
}

function html(page: string, limits?: Partial<Limits>): SimpleProject {
  return parse(page, "text/html", limits);
}

function withFile(more: Record<string, unknown>): Record<string, unknown> {
  return demoPage({ files: [fileEntry(SDIST, "bytes", more)] });
}

describe("a page in JSON that is none", () => {
  const error = '<!DOCTYPE html><html><body><a href="/login">Log in</a></body></html>';
  test.each([
    ["an error page in HTML announced as JSON", error, JSON_TYPE, "UPSTREAM_MALFORMED"],
    ["nothing", "", JSON_TYPE, "UPSTREAM_MALFORMED"],
    ["a cut document", JSON.stringify(demoPage()).slice(0, -1), JSON_TYPE, "UPSTREAM_MALFORMED"],
    ["a list", "[]", JSON_TYPE, "UPSTREAM_MALFORMED"],
    ["an error object", '{"message": "not found"}', JSON_TYPE, "UPSTREAM_MALFORMED"],
    ["files that are no list", '{"files": {}}', JSON_TYPE, "UPSTREAM_MALFORMED"],
    ["nesting past the limit", `{"files": ${"[".repeat(128)}${"]".repeat(128)}}`, JSON_TYPE, "UPSTREAM_LIMIT"],
    ["JSON under no type", JSON.stringify(demoPage()), "", "UPSTREAM_CONTENT_TYPE"],
    ["JSON under another type", JSON.stringify(demoPage()), "text/plain", "UPSTREAM_CONTENT_TYPE"],
    ["another major version's type", JSON.stringify(demoPage()), "application/vnd.pypi.simple.v2+json", "UPSTREAM_CONTENT_TYPE"],
    ["200,001 files", `{"files": [${"0,".repeat(200_000)}0]}`, JSON_TYPE, "UPSTREAM_LIMIT"],
  ])("%s", (_what, body, contentType, code) => {
    expect(() => parse(body, contentType)).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    ["another project's page", demoPage({ name: "other" })],
    ["a name that is no text", demoPage({ name: 7 })],
    ["API version 2", demoPage({ meta: { "api-version": "2.0" } })],
    ["an API version that is none", demoPage({ meta: { "api-version": "1.4; rm" } })],
    ["a file that is no object", demoPage({ files: [7] })],
    ["a file without name", withFile({ filename: undefined })],
    ["a file without address", withFile({ url: null })],
    ["hashes that are a list", withFile({ hashes: ["sha256"] })],
    ["a hash that is no text", withFile({ hashes: { sha256: 7 } })],
    ["a hash that is too short", withFile({ hashes: { sha256: "a".repeat(63) } })],
    ["a hash that is too long", withFile({ hashes: { sha256: "a".repeat(65) } })],
    ["a hash that is no hexadecimal", withFile({ hashes: { md5: "g".repeat(32) } })],
    ["a metadata digest that is too short", withFile({ "core-metadata": { sha256: "a" } })],
  ])("%s is malformed", (_what, page) => {
    expect(() => json(page)).toThrow(expect.objectContaining({ code: "UPSTREAM_MALFORMED" }));
  });

  test("one file past the limit", () => {
    expect(json(demoPage(), { listedFiles: 2 }).files).toHaveLength(2);
    expect(() => json(demoPage(), { listedFiles: 1 })).toThrow(expect.objectContaining({ code: "UPSTREAM_LIMIT" }));
  });
});

describe("a file that nobody could ask for is left out, and the rest of the page kept", () => {
  test.each([
    ["a path for a name", { filename: "../../etc/passwd" }],
    ["an encoded path for a name", { filename: "demo_pkg-1.0%2f.tar.gz" }],
    ["a script for a name", { filename: 'demo_pkg-1.0"><script>alert(1)</script>.tar.gz' }],
    ["a control character in the name", { filename: "demo_pkg-1.0\r\n.tar.gz" }],
    ["another project's name", { filename: "other-1.0.tar.gz" }],
    ["a page for a name", { filename: "demo_pkg-1.0.html" }],
    ["a javascript address", { url: "javascript:alert(1)" }],
    ["a file address", { url: "file:///etc/passwd" }],
    ["a data address", { url: "data:text/plain,x" }],
    ["an ftp address", { url: "ftp://files.example/demo_pkg-2.0.tar.gz" }],
    ["an address that is none", { url: "http://[" }],
    ["an absurdly long address", { url: `${FILES}/${"a".repeat(9000)}` }],
  ])("%s", (_what, more) => {
    const page = demoPage({ files: [fileEntry("demo_pkg-2.0.tar.gz", "bytes", more), fileEntry(SDIST, "bytes")] });
    expect(json(page).files.map((file) => file.name.file)).toEqual([SDIST]);
  });

  test("the second of two files of one name", () => {
    const files = json(demoPage({ files: [fileEntry(SDIST, "first"), fileEntry(SDIST, "second")] })).files;
    expect(files.map((file) => file.hashes)).toEqual([{ sha256: sha256("first") }]);
  });

  test("all files of a quarantined project", () => {
    expect(json(demoPage({ "project-status": { status: "quarantined", reason: "malware" } })).files).toEqual([]);
    const meta = '<meta name="pypi:project-status" content="quarantined">';
    expect(html(`${meta}<a href="${SDIST}">${SDIST}</a>`).files).toEqual([]);
  });
});

describe("what a file says in JSON", () => {
  test.each([
    ["credentials in its address are dropped", { url: `https://user:secret@files.example/${SDIST}#x` }, { url: `${FILES}/${SDIST}` }],
    ["a relative address is relative to the page", { url: `../../files/${SDIST}` }, { url: `https://registry.example/files/${SDIST}` }],
    ["an empty hash claims nothing", { hashes: { sha256: "" } }, { hashes: {}, claims: [] }],
    ["an unknown algorithm is shown, but claims nothing", { hashes: { sha3_256: "ff" } }, { hashes: { sha3_256: "ff" }, claims: [] }],
    ["a yank reason that is empty is none", { yanked: "" }, { yanked: false }],
    ["a yank reason is kept", { yanked: "broken" }, { yanked: "broken" }],
    ["the misspelt metadata key is read", { "dist-info-metadata": { sha256: sha256("m") } }, { metadataSha256: sha256("m") }],
    ["a provenance that is no address is none", { provenance: "javascript:alert(1)" }, { provenance: null }],
  ])("%s", (_what, more, expected) => {
    expect(json(withFile(more)).files[0]).toMatchObject(expected);
  });

  test.each([
    ["a promise of metadata without digest", { "core-metadata": true }, "metadataSha256"],
    ["a promise of metadata in a weak digest only", { "core-metadata": { md5: "0".repeat(32) } }, "metadataSha256"],
    ["a size below zero", { size: -1 }, "sizeBytes"],
    ["a size that is no number", { size: "12" }, "sizeBytes"],
    ["a size past what numbers hold", { size: 2 ** 60 }, "sizeBytes"],
    ["an upload time that is no text", { "upload-time": 1 }, "uploadTime"],
    ["a Python version that is no text", { "requires-python": ["3"] }, "requiresPython"],
  ])("%s is not believed", (_what, more, key) => {
    expect(json(withFile(more)).files[0]).not.toHaveProperty(key);
  });
});

describe("HTML that is no page of a simple index", () => {
  test.each([
    ["an error page", "<html><head><title>Sign in</title></head><body><h1>Sign in</h1><form></form></body></html>"],
    ["an error page with links", '<title>502</title><a href="/status">status</a><a href="mailto:a@b">mail</a>'],
    ["the list of all projects", '<title>Simple index</title><a href="/simple/demo-pkg/">demo-pkg</a>'],
    ["another project's files", '<a href="other-1.0.tar.gz">other-1.0.tar.gz</a>'],
    ["nothing", ""],
    ["bytes", "\0\u0001"],
    ["JSON", JSON.stringify(demoPage())],
    ["API version 2", '<meta name="pypi:repository-version" content="2.0"><title>Links for demo-pkg</title>'],
    ["a hash that is too short", `<a href="${SDIST}#sha256=abc">${SDIST}</a>`],
  ])("%s is malformed", (_what, page) => {
    expect(() => html(page)).toThrow(expect.objectContaining({ code: "UPSTREAM_MALFORMED" }));
  });

  test.each([
    ["links", '<a href="x">', { listedFiles: 2 }, 2],
    ["levels", "<b>", { jsonDepth: 5 }, 5],
  ])("one past the limit of %s", (_what, element, limits, most) => {
    const page = (count: number): string => `<title>Links for demo-pkg</title>${element.repeat(count)}`;
    expect(html(page(most), limits).files).toEqual([]);
    expect(() => html(page(most + 1), limits)).toThrow(expect.objectContaining({ code: "UPSTREAM_LIMIT" }));
  });
});

describe("a page in HTML", () => {
  test("keeps every attribute", () => {
    const digest = sha256("wheel");
    const page = html(`<!DOCTYPE html><html><head>
      <meta name="pypi:repository-version" content="1.4">
      <meta name="pypi:project-status" content="archived"><meta name="pypi:project-status-reason" content="done &amp; dusted">
      <meta name="pypi:tracks" content="https://a.example/simple/demo-pkg/"><meta name="pypi:tracks" content="javascript:alert(1)">
      <meta name="pypi:alternate-locations" content="https://b.example/simple/demo-pkg/">
      </head><body><a href="../">..</a>
      <A HREF="${FILES}/${WHEEL}#sha256=${digest}" data-requires-python="&gt;=3.9" data-yanked="it&#39;s &lt;broken&gt;"
        data-dist-info-metadata="sha256=${sha256("m")}" data-gpg-sig="true" data-provenance="${FILES}/p">${WHEEL}</A>
      <a href="demo_pkg-1.0%2Bx.tar.gz#egg=demo&md5=${"0".repeat(32)}" data-yanked>text of no meaning</a>
      </body></html><!--SERIAL 42-->`);
    expect(page).toMatchObject({
      apiMinor: 4,
      status: { status: "archived", reason: "done & dusted" },
      tracks: ["https://a.example/simple/demo-pkg/"],
      alternateLocations: ["https://b.example/simple/demo-pkg/"],
      lastSerial: "42",
    });
    expect(page.files).toMatchObject([
      {
        name: { file: WHEEL },
        url: `${FILES}/${WHEEL}`,
        hashes: { sha256: digest },
        requiresPython: ">=3.9",
        yanked: "it's <broken>",
        metadataSha256: sha256("m"),
        provenance: `${FILES}/p`,
      },
      {
        name: { file: "demo_pkg-1.0+x.tar.gz" },
        url: `${UPSTREAM}demo-pkg/demo_pkg-1.0%2Bx.tar.gz`,
        hashes: { md5: "0".repeat(32) },
        yanked: true,
      },
    ]);
  });

  test.each([
    ["another origin", "https://mirror.example/x/", `https://mirror.example/x/${SDIST}`],
    ["a script is ignored", "javascript:alert(1)/", `${UPSTREAM}demo-pkg/${SDIST}`],
    ["a local file is ignored", "file:///etc/", `${UPSTREAM}demo-pkg/${SDIST}`],
  ])("base href: %s", (_what, base, url) => {
    expect(html(`<base href="${base}"><a href="${SDIST}">x</a>`).files).toMatchObject([{ url }]);
  });

  test("may be empty where it says what it is", () => {
    expect(html("<h1>Links for demo-pkg</h1>").files).toEqual([]);
    expect(html('<meta name="pypi:repository-version" content="1.0">').files).toEqual([]);
  });

  test.each([
    ["a scheme that is none of ours", '<a href="javascript:demo_pkg-1.0.tar.gz">x</a>'],
    ["a broken encoding", '<a href="demo_pkg-1.0%zz.tar.gz">x</a>'],
    ["an encoded slash", '<a href="demo_pkg-1.0%2Fx.tar.gz">x</a>'],
    ["no address", `<a name="${SDIST}">${SDIST}</a>`],
  ])("a link with %s is no file", (_what, anchor) => {
    expect(html(`<title>Links for demo-pkg</title>${anchor}`).files).toEqual([]);
  });
});
