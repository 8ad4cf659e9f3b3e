import { describe, expect, test } from "vitest";
import { isPackageName, isVersion } from "../../../src/ecosystems/npm/names.ts";
import { routeOf } from "../../../src/ecosystems/npm/routes.ts";
import { request } from "./npm-bench.ts";

describe("paths that are refused before anything is asked upstream", () => {
  test.each([
    { path: "..%2fexpress", code: "BAD_REQUEST" },
    { path: "@scope%2f..%2f..%2fetc", code: "BAD_REQUEST" },
    { path: "@scope%2f%2fname", code: "BAD_REQUEST" },
    { path: "@..%2fname", code: "BAD_REQUEST" },
    { path: "%252e%252e", code: "BAD_REQUEST" },
    { path: "na%0d%0ame", code: "BAD_REQUEST" },
    { path: "na%00me", code: "BAD_REQUEST" },
    { path: "na me", code: "BAD_REQUEST" },
    { path: "__proto__", code: "BAD_REQUEST" },
    { path: ".hidden", code: "BAD_REQUEST" },
    { path: "node_modules", code: "BAD_REQUEST" },
    { path: "@scope", code: "BAD_REQUEST" },
    { path: "n".repeat(513), code: "BAD_REQUEST" },
    { path: "näme", code: "BAD_REQUEST" },
    { path: "express/-/express-1.0.0.exe", code: "BAD_REQUEST" },
    { path: "express/-/..%2f..%2fx.tgz", code: "BAD_REQUEST" },
    { path: "express/-/a%0d%0ab-1.0.0.tgz", code: "BAD_REQUEST" },
    { path: `express/-/${"n".repeat(509)}.tgz`, code: "BAD_REQUEST" },
    { path: "express/-/a/b.tgz", code: "NOT_FOUND" },
    { path: "@a/b/-/@c/b-1.0.0.tgz", code: "NOT_FOUND" },
    { path: "express/-", code: "NOT_FOUND" },
    { path: "express/1.0.0/more", code: "NOT_FOUND" },
    { path: "-/npm/v1/attestations/express", code: "BAD_REQUEST" },
    { path: "-/npm/v1/attestations/express@..", code: "BAD_REQUEST" },
    { path: "-/npm/v1/attestations/express@1.0.0%2f..", code: "BAD_REQUEST" },
    { path: "-/npm/v1/tokens", code: "NOT_FOUND" },
    { path: "-/package/express/collaborators", code: "NOT_FOUND" },
    { path: "-/all", code: "NOT_FOUND" },
    { path: "", code: "NOT_FOUND" },
  ])("GET $path: $code", ({ path, code }) => {
    expect(() => routeOf(request(path))).toThrow(expect.objectContaining({ code }));
  });

  test.each(["express", "-/v1/login", "-/npm/v1/security/nothing", "express/-rev/1"])(
    "POST %s is a change, and a mirror takes none",
    (path) => {
      expect(() => routeOf(request(path, { method: "POST" }))).toThrow(expect.objectContaining({ code: "METHOD_NOT_ALLOWED" }));
    },
  );

  test("GET of an audit is not allowed", () => {
    expect(() => routeOf(request("-/npm/v1/security/audits"))).toThrow(expect.objectContaining({ code: "METHOD_NOT_ALLOWED" }));
  });
});

test.each([
  { path: "express", route: { kind: "packument", name: "express" } },
  { path: "express/", route: { kind: "packument", name: "express" } },
  { path: "constructor", route: { kind: "packument", name: "constructor" } },
  { path: "JSONStream", route: { kind: "packument", name: "JSONStream" } },
  { path: "old~'!()*name", route: { kind: "packument", name: "old~'!()*name" } },
  { path: "@babel/core", route: { kind: "packument", name: "@babel/core" } },
  { path: "@babel%2fcore", route: { kind: "packument", name: "@babel/core" } },
  { path: "@babel%2Fcore/latest", route: { kind: "manifest", name: "@babel/core", selector: "latest" } },
  { path: "express/__proto__", route: { kind: "manifest", name: "express", selector: "__proto__" } },
  { path: "express/-/express-1.0.0.tgz", route: { kind: "archive", name: "express", file: "express-1.0.0.tgz" } },
  { path: "@babel/core/-/core-7.0.0.tgz", route: { kind: "archive", name: "@babel/core", file: "core-7.0.0.tgz" } },
  { path: "@babel%2fcore/-/core-7.0.0.tgz", route: { kind: "archive", name: "@babel/core", file: "core-7.0.0.tgz" } },
  { path: "@babel/core/-/@babel/core-7.0.0.tgz", route: { kind: "archive", name: "@babel/core", file: "core-7.0.0.tgz" } },
  { path: "-/package/express/dist-tags", route: { kind: "dist-tags", name: "express" } },
  { path: "-/package/@babel%2fcore/dist-tags", route: { kind: "dist-tags", name: "@babel/core" } },
  { path: "-/npm/v1/attestations/sigstore@2.0.0", route: { kind: "attestations", name: "sigstore", version: "2.0.0" } },
  { path: "-/npm/v1/attestations/@npmcli%2farborist@1.0.14", route: { kind: "attestations", name: "@npmcli/arborist", version: "1.0.14" } },
  { path: "-/npm/v1/attestations/@npmcli/arborist@1.0.14", route: { kind: "attestations", name: "@npmcli/arborist", version: "1.0.14" } },
  { path: "-/npm/v1/keys", route: { kind: "keys" } },
  { path: "-/ping", route: { kind: "ping" } },
  { path: "-/whoami", route: { kind: "whoami" } },
  { path: "-/v1/search?text=x", route: { kind: "search" } },
])("GET $path", ({ path, route }) => {
  expect(routeOf(request(path))).toEqual(route);
});

test.each([
  ["express", true],
  ["@types/_private", true],
  ["@types/-dashed", true],
  ["@/name", false],
  ["@scope/", false],
  ["@scope/.name", false],
  ["-dashed", false],
  ["_private", false],
  ["a/b", false],
  ["@a/b/c", false],
  ["", false],
  ["favicon.ico", false],
])("%j is a package name: %s", (name, expected) => {
  expect(isPackageName(name)).toBe(expected);
});

test.each([
  ["1.0.0", true],
  ["1.0.0-beta.1+build", true],
  ["1.0.0beta", true],
  ["v1.0.0", true],
  ["1.0", false],
  ["latest", false],
  ["__proto__", false],
  ["1.0.0/..", false],
  ["1.0.0\n", false],
  [" 1.0.0", false],
  [`1.0.0-${"9a".repeat(200)}`, false],
])("%j is a version: %s", (version, expected) => {
  expect(isVersion(version)).toBe(expected);
});
