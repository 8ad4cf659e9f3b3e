import { expect, test } from "vitest";
import { formatPurl, parsePurl } from "../../src/core/purl.ts";

test.each(["", "left-pad", "pkg:npm", "pkg:cargo/serde@1.0.0", "pkg:npm/%ZZ@1"])("%j is refused as a package URL", (text) => {
  expect(() => parsePurl(text)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
});

test.each([
  { ecosystem: "npm", name: "@scope/name", version: "1.0.0", file: "name-1.0.0.tgz", purl: "pkg:npm/%40scope/name@1.0.0" },
  { ecosystem: "npm", name: "JSONStream", version: "1.0.0", file: "JSONStream-1.0.0.tgz", purl: "pkg:npm/JSONStream@1.0.0" },
  {
    ecosystem: "aam",
    name: "@myorg/code-review",
    version: "1.3.0",
    file: "myorg--code-review-1.3.0.aam",
    purl: "pkg:aam/%40myorg/code-review@1.3.0",
  },
  { ecosystem: "pypi", name: "six", version: "1.16.0", file: "six-1.16.0.tar.gz", purl: "pkg:pypi/six@1.16.0?file_name=six-1.16.0.tar.gz" },
] as const)("$purl names what it was made of", ({ purl, ...ref }) => {
  expect(formatPurl(ref)).toBe(purl);
  const parsed = parsePurl(purl);
  expect(parsed).toMatchObject({ ecosystem: ref.ecosystem, name: ref.name, version: ref.version });
});
