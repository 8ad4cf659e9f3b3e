import { describe, expect, test } from "vitest";
import { negotiateIntegrity, negotiateSimple } from "../../../src/ecosystems/pypi/negotiate.ts";

const JSON_V1 = "application/vnd.pypi.simple.v1+json";
const HTML_V1 = "application/vnd.pypi.simple.v1+html; charset=utf-8";
const TEXT = "text/html; charset=utf-8";

function simple(accept: string | undefined, query = ""): string {
  return negotiateSimple(accept, new URLSearchParams(query)).contentType;
}

describe("an Accept header that nothing satisfies", () => {
  test.each([
    ["another type", "application/json"],
    ["another version", "application/vnd.pypi.simple.v2+json"],
    ["every type at zero", "*/*;q=0"],
    ["the only type at zero", "text/html;q=0"],
    ["no type at all", "nonsense"],
    ["only separators", ",,;;,=,"],
    ["a quality that is no number", "text/html;q=high"],
    ["a header injection", "text/plain\r\nX: y"],
    ["control characters", "\0\u0001"],
    ["quotes without end", 'text/plain;a="'],
    ["names of object members", "__proto__/constructor, toString/*"],
  ])("%s is not acceptable", (_what, accept) => {
    expect(() => simple(accept)).toThrow(expect.objectContaining({ code: "NOT_ACCEPTABLE" }));
  });

  test("one past the length that is read is a bad request", () => {
    const filler = `text/html,${"x/y,".repeat(1000)}`;
    expect(simple(filler.slice(0, 2048))).toBe(TEXT);
    expect(() => simple(filler.slice(0, 2049))).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
  });
});

describe("an Accept header", () => {
  test.each([
    ["nothing", undefined, TEXT],
    ["an empty one", " ", TEXT],
    ["anything", "*/*", TEXT],
    ["a browser's", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT],
    ["pip's", `${JSON_V1}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01`, JSON_V1],
    ["uv's", `${JSON_V1}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01`, JSON_V1],
    ["a lower quality for JSON", `${JSON_V1};q=0.5, application/vnd.pypi.simple.v1+html`, HTML_V1],
    ["JSON at zero", `${JSON_V1};q=0, */*;q=0.1`, TEXT],
    ["the alias of the newest JSON", "application/vnd.pypi.simple.latest+json", JSON_V1],
    ["the alias of the newest HTML", "application/vnd.pypi.simple.latest+html", HTML_V1],
    ["capitals", "Application/VND.pypi.simple.V1+JSON", JSON_V1],
    ["something foreign first", `application/xml, ${JSON_V1};q=0.2`, JSON_V1],
  ])("%s gets its type", (_what, accept, expected) => {
    expect(simple(accept)).toBe(expected);
  });
});

describe("?format=", () => {
  test.each([
    [`format=${JSON_V1}`, JSON_V1],
    [`format=${encodeURIComponent(JSON_V1)}`, JSON_V1],
    ["format=text/html", TEXT],
    ["format=application/vnd.pypi.simple.latest%2Bhtml", HTML_V1],
  ])("%s wins over Accept", (query, expected) => {
    expect(simple("application/xml", query)).toBe(expected);
  });

  test.each(["format=", "format=json", "format=__proto__", "format=text/html%0d%0aX:%20y"])("%s is not acceptable", (query) => {
    expect(() => simple("*/*", query)).toThrow(expect.objectContaining({ code: "NOT_ACCEPTABLE" }));
  });
});

describe("the Integrity API", () => {
  test.each([
    [undefined, "application/vnd.pypi.integrity.v1+json"],
    ["*/*", "application/vnd.pypi.integrity.v1+json"],
    ["application/json", "application/json"],
  ])("answers Accept %s with %s", (accept, expected) => {
    expect(negotiateIntegrity(accept)).toBe(expected);
  });

  test("has no HTML", () => {
    expect(() => negotiateIntegrity("text/html")).toThrow(expect.objectContaining({ code: "NOT_ACCEPTABLE" }));
  });
});
