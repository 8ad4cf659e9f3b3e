import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../../src/core/json.ts";
import { readPredicate } from "../../../src/verify/provenance/read-predicate.ts";
import { COMMIT, type PREDICATES, REF, REPOSITORY, statementOf } from "./statements.ts";

type Name = keyof typeof PREDICATES;

/** The fields that each specification requires, by their path. */
const REQUIRED: Readonly<Record<Exclude<Name, "pypiPublish">, readonly string[]>> = {
  uaaps: [
    "builder",
    "builder.id",
    "buildType",
    "invocation",
    "invocation.configSource",
    "invocation.configSource.uri",
    "invocation.configSource.digest",
    "materials",
    "materials.0.uri",
    "materials.0.digest",
  ],
  slsaV02: ["builder", "builder.id", "buildType"],
  slsaV1: [
    "buildDefinition",
    "buildDefinition.buildType",
    "buildDefinition.externalParameters",
    "buildDefinition.externalParameters.workflow",
    "buildDefinition.externalParameters.workflow.ref",
    "buildDefinition.externalParameters.workflow.repository",
    "buildDefinition.externalParameters.workflow.path",
    "runDetails",
    "runDetails.builder",
    "runDetails.builder.id",
  ],
  npmPublish: ["name", "version", "registry"],
};

const rows = Object.entries(REQUIRED).flatMap(([name, paths]) => paths.map((path) => [name as Name, path] as const));

describe("a required field", () => {
  test.each(rows)("%s: %s missing, null or of another type is malformed", (name, path) => {
    for (const value of [undefined, null, 7, true, [], ""] as (JsonValue | undefined)[]) {
      const read = readPredicate(statementOf(name, { [path]: value }));
      expect(read, JSON.stringify(value)).toMatchObject({ ok: false, finding: { code: "PREDICATE_MALFORMED" } });
    }
  });

  test.each(["uaaps", "slsaV02", "slsaV1", "npmPublish"] as const)("%s without a predicate is malformed", (name) => {
    expect(readPredicate(statementOf(name, {}, { predicate: null }))).toMatchObject({
      ok: false,
      finding: { code: "PREDICATE_MALFORMED" },
    });
  });
});

describe("an optional field of another type is malformed", () => {
  test.each<[Name, string, JsonValue]>([
    ["uaaps", "metadata.reproducible", "true"],
    ["uaaps", "invocation.configSource.entryPoint", 7],
    ["uaaps", "metadata.completeness.materials", "yes"],
    ["uaaps", "materials", []],
    ["uaaps", "materials.0", "git+https://github.com/acme/tool"],
    ["uaaps", "materials.0.digest", {}],
    ["uaaps", "invocation.configSource.digest", {}],
    ["uaaps", "invocation.configSource.digest", { sha1: 7 }],
    ["uaaps", "invocation.configSource.digest", { md5: "00" }],
    ["slsaV02", "materials", {}],
    ["slsaV02", "metadata.reproducible", 1],
    ["slsaV02", "invocation.configSource.uri", 7],
    ["slsaV1", "buildDefinition.resolvedDependencies", {}],
    ["slsaV1", "buildDefinition.internalParameters.github.repository_id", 772247423],
    ["slsaV1", "runDetails.metadata.invocationId", {}],
  ])("%s %s = %j", (name, path, value) => {
    expect(readPredicate(statementOf(name, { [path]: value }))).toMatchObject({ ok: false, finding: { code: "PREDICATE_MALFORMED" } });
  });
});

describe("a source that two readers could take for two repositories is malformed", () => {
  test.each([
    ["no scheme", "github.com/acme/tool@v1"],
    ["another scheme", `git+http://github.com/acme/tool@${REF}`],
    ["ssh", `git+ssh://github.com/acme/tool@${REF}`],
    ["a user name", `git+https://user@github.com/acme/tool@${REF}`],
    ["a user name that looks like the host", `git+https://github.com@evil.example/acme/tool@${REF}`],
    ["a port", `git+https://github.com:8443/acme/tool@${REF}`],
    ["a query", `git+https://github.com/acme/tool?x=1@${REF}`],
    ["a fragment", `git+https://github.com/acme/tool#x@${REF}`],
    ["a percent escape", `git+https://github.com/acme%2Ftool@${REF}`],
    ["a dot segment", `git+https://github.com/acme/x/../tool@${REF}`],
    ["a single dot segment", `git+https://github.com/acme/./tool@${REF}`],
    ["an empty segment", `git+https://github.com/acme//tool@${REF}`],
    ["a backslash", `git+https://github.com/acme\\tool@${REF}`],
    ["a space", `git+https://github.com/acme/ tool@${REF}`],
    ["no path", `git+https://github.com@${REF}`],
    ["no path but a slash", `git+https://github.com/@${REF}`],
    ["no host", `git+https:///acme/tool@${REF}`],
    ["an empty ref", "git+https://github.com/acme/tool@"],
    ["2049 characters", `git+https://github.com/acme/tool@${"a".repeat(2049 - "github.com/acme/tool@".length)}`],
  ])("%s", (_what, uri) => {
    const changes = { "invocation.configSource.uri": uri };
    expect(readPredicate(statementOf("uaaps", changes))).toMatchObject({ ok: false, finding: { code: "PREDICATE_MALFORMED" } });
    if (uri.startsWith("git+"))
      expect(readPredicate(statementOf("slsaV02", changes))).toMatchObject({ finding: { code: "PREDICATE_MALFORMED" } });
  });

  test("no ref, where the AAM specification asks for one", () => {
    const changes = { "invocation.configSource.uri": `git+${REPOSITORY}` };
    expect(readPredicate(statementOf("uaaps", changes))).toMatchObject({ finding: { code: "PREDICATE_MALFORMED" } });
    expect(readPredicate(statementOf("slsaV02", changes))).toMatchObject({
      ok: true,
      value: { source: { repository: REPOSITORY, ref: undefined } },
    });
  });

  test.each([`git+${REPOSITORY}.git@${REF}`, `git+${REPOSITORY}/@${REF}`])("%s is the same repository", (uri) => {
    expect(readPredicate(statementOf("uaaps", { "invocation.configSource.uri": uri }))).toMatchObject({
      value: { source: { repository: REPOSITORY, ref: REF } },
    });
  });

  test("a ref may hold what Git lets it hold", () => {
    const ref = "refs/heads/a@b#12";
    expect(readPredicate(statementOf("uaaps", { "invocation.configSource.uri": `git+${REPOSITORY}@${ref}` }))).toMatchObject({
      value: { source: { ref } },
    });
  });
});

describe("the statement around it", () => {
  test.each([
    "https://uaaps.github.io/provenance/v2",
    "https://uaaps.github.io/provenance/v1/",
    "https://slsa.dev/verification_summary/v1",
    "",
  ])("the predicate type %j is unsupported", (predicateType) => {
    expect(readPredicate(statementOf("uaaps", {}, { predicateType }))).toMatchObject({
      ok: false,
      finding: { code: "PREDICATE_UNSUPPORTED" },
    });
  });

  test.each<[Name, boolean]>([
    ["uaaps", false],
    ["pypiPublish", false],
    ["slsaV02", true],
    ["slsaV1", true],
    ["npmPublish", true],
  ])("%s in a statement v0.1: %s", (name, ok) => {
    const read = readPredicate(statementOf(name, {}, { type: "https://in-toto.io/Statement/v0.1" }));
    expect(read).toMatchObject(ok ? { ok } : { ok, finding: { code: "STATEMENT_MALFORMED" } });
  });

  test.each(["uaaps", "slsaV1", "npmPublish"] as const)("%s in a statement of an unknown version is malformed", (name) => {
    const read = readPredicate(statementOf(name, {}, { type: "https://in-toto.io/Statement/v9" }));
    expect(read).toMatchObject({ ok: false, finding: { code: "STATEMENT_MALFORMED" } });
  });
});

describe("what is read", () => {
  test("unknown fields are ignored, everywhere", () => {
    const changes = { x: 1, "builder.x": [], "invocation.x": {}, "invocation.configSource.x": null, "materials.0.x": 1, "metadata.x": "y" };
    expect(readPredicate(statementOf("uaaps", changes))).toEqual(readPredicate(statementOf("uaaps")));
  });

  test.each([
    ["uaaps", { sha1: COMMIT }],
    ["slsaV02", { sha1: COMMIT }],
    ["slsaV1", { gitCommit: COMMIT }],
  ] as const)("%s: repository, ref, commit and entry point", (name, digest) => {
    expect(readPredicate(statementOf(name))).toMatchObject({
      ok: true,
      value: { kind: "build", source: { repository: REPOSITORY, ref: REF, digest, entryPoint: expect.stringContaining("publish.yml") } },
    });
  });

  test("only `true` claims to be reproducible", () => {
    expect(readPredicate(statementOf("uaaps", { "metadata.reproducible": true }))).toMatchObject({ value: { reproducible: true } });
    expect(readPredicate(statementOf("uaaps", { metadata: undefined }))).toMatchObject({ value: { reproducible: false } });
  });

  test("incomplete materials are a warning", () => {
    const read = readPredicate(statementOf("uaaps", { "metadata.completeness.materials": false }));
    expect(read).toMatchObject({ ok: true, value: { warnings: [expect.any(String)] } });
  });

  test("an unknown build type of SLSA v1 has no source that Assay understands", () => {
    const changes = { "buildDefinition.buildType": "https://builds.example/v1", "buildDefinition.externalParameters": {} };
    expect(readPredicate(statementOf("slsaV1", changes))).toMatchObject({
      ok: true,
      value: { source: undefined, warnings: [expect.any(String)] },
    });
  });

  test("the job that npm names on GitLab is no workflow", () => {
    const read = readPredicate(
      statementOf("slsaV02", { buildType: "https://github.com/npm/cli/gitlab/v0alpha1", "invocation.configSource.entryPoint": "publish" }),
    );
    expect(read).toMatchObject({ ok: true, value: { source: { entryPoint: undefined } } });
  });

  test("PEP 740's publish predicate may be null or an object", () => {
    for (const predicate of [null, {}, { x: 1 }]) {
      expect(readPredicate(statementOf("pypiPublish", {}, { predicate }))).toEqual({ ok: true, value: { kind: "pypi-publish" } });
    }
  });
});
