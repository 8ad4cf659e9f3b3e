import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { type AuditScope, auditProvenance } from "../../src/cli/audit.ts";
import { explain, inspectProvenance, type ReportCommand } from "../../src/cli/explain.ts";
import type { ArtifactReport } from "../../src/mirror/explain/report.ts";
import { codeOf } from "../contract/code-of.ts";
import { buildAam } from "../support/archives.ts";
import { AttestedIndex, PUBLISH_TYPE, SLSA_TYPE, slsaPredicate } from "../support/attested-index.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";
import { ISSUER, type Loose, REPOSITORY, SigstoreInstance, uriName, WORKFLOW } from "../support/sigstore-instance.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "assay-cli-explain-"));
const rootFile = join(folder, "root.json");
const policyFile = join(folder, "policy.yaml");
const EVIL = "https://github.com/evil/tool";
const DAY_MS = 86_400_000;

const instance = new SigstoreInstance();
/** What a certificate of another repository says. */
const evilLeaf = {
  names: [uriName(`${EVIL}/.github/workflows/release.yml@refs/tags/v1.0.0`)],
  claims: {
    8: ISSUER,
    9: `${EVIL}/.github/workflows/release.yml@refs/tags/v1.0.0`,
    11: "github-hosted",
    12: EVIL,
    13: "b".repeat(40),
    14: "refs/tags/v1.0.0",
    15: "666",
    18: `${EVIL}/.github/workflows/release.yml@refs/tags/v1.0.0`,
    20: "push",
    23: "pypi\u202e<b>",
  },
};

let upstream: FakeUpstream;
let mirror: MirrorBench;
let index: AttestedIndex;
let second: AttestedIndex;
let configFile: string;

beforeAll(async () => {
  writeFileSync(rootFile, JSON.stringify(instance.trustedRoot()));
  setPolicy("version: 1\n");
  upstream = await startFakeUpstream();
  index = new AttestedIndex(upstream, instance);
  second = new AttestedIndex(upstream, instance, "/second");
  const config = `
policy: ${policyFile}
metadata_ttl: 1h
trust: {private: {sigstore: ${rootFile}}}
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/pypi/simple/", retries: 0, trust: private}]}
  - {name: second, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/second/simple/", retries: 0, trust: private}]}
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.origin}/npm/", retries: 0}]}
  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/", retries: 0}]}
`;
  mirror = await startMirror({ config });
  configFile = join(mirror.dataDir, "test-config.yaml");
});
afterAll(async () => {
  await mirror.close();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

function setPolicy(text: string): void {
  writeFileSync(policyFile, text);
}

interface Answer {
  readonly code: number;
  readonly text: string;
}
interface Flags {
  readonly offline?: boolean;
  readonly repository?: string;
  readonly dataDir?: string;
  readonly config?: string;
}

/** A command beside the running mirror, over the same data folder. */
async function run(work: (command: ReportCommand) => Promise<number>, json: boolean, flags: Flags = {}): Promise<Answer> {
  let text = "";
  const { offline, repository, dataDir = mirror.dataDir, config: file = configFile } = flags;
  const config = loadConfig({ env: {}, flags: { config: file, data: dataDir, offline } });
  const print = (more: string): void => {
    text += more;
  };
  const code = await work({ config, env: {}, json, repository, print });
  return { code, text };
}

const explainText = (purl: string, flags?: Flags): Promise<Answer> => run((command) => explain(command, purl), false, flags);
async function explainJson(purl: string, flags?: Flags): Promise<{ readonly code: number; readonly artifacts: readonly ArtifactReport[] }> {
  const { code, text } = await run((command) => explain(command, purl), true, flags);
  return { code, artifacts: (JSON.parse(text) as Loose).artifacts };
}
const audit = (scope: Partial<AuditScope>, json = false, flags?: Flags): Promise<Answer> =>
  run((command) => auditProvenance(command, { purls: [], all: false, level: undefined, ...scope }), json, flags);
const install = async (path: string, repository = "pypi"): Promise<number> => (await mirror.get(`/${repository}/${path}`)).status;

describe("what a policy makes of one archive", () => {
  const ACME = `signers:
  acme: {sigstore: {issuer: "${ISSUER}", repository: acme/tool, repository_id: "1234567", trust: private}}
`;
  interface Row {
    readonly name: string;
    readonly project: string;
    readonly policy: string;
    readonly publish?: Partial<Parameters<AttestedIndex["publish"]>[0]>;
    readonly before?: Partial<Parameters<AttestedIndex["publish"]>[0]>;
    readonly code: number;
    readonly verdict: Loose;
    readonly says: readonly string[];
    readonly suggested: readonly string[];
  }
  const refused = (...codes: readonly string[]) => ({ kind: "refuse", reasons: codes.map((code) => expect.objectContaining({ code })) });
  const admitted = (...codes: readonly string[]) => ({ kind: "admit", warnings: codes.map((code) => expect.objectContaining({ code })) });

  test.each<Row>([
    {
      name: "bytes that are not those claimed",
      project: "mismatch",
      policy: "version: 1\n",
      publish: { claims: "ab".repeat(32) },
      code: 2,
      verdict: refused("CHECKSUM_MISMATCH"),
      says: ["decided by what no policy can change", "CHECKSUM_MISMATCH: no policy can allow this"],
      suggested: [],
    },
    {
      name: "a signature about other bytes",
      project: "otherbytes",
      policy: "version: 1\n",
      publish: { about: Buffer.from("other bytes") },
      code: 2,
      verdict: refused("SUBJECT_MISMATCH"),
      says: ["sigstore", "SUBJECT_MISMATCH", "decided by what holds where no policy says otherwise", "digest: sha256:"],
      suggested: ["waiver"],
    },
    {
      name: "a signer whom nobody speaks about",
      project: "unlisted",
      policy: "version: 1\n",
      code: 0,
      verdict: admitted(),
      says: [
        "admitted by the policy of now",
        `signed by           ${WORKFLOW}`,
        `repository          ${REPOSITORY} (id 1234567, owner id 7654321)`,
        "trust root          private (sha256:",
        "unlisted",
        "L1, where the policy asks for L0",
        '      repository_id: "1234567"',
      ],
      suggested: ["signer"],
    },
    {
      name: "a signer whom the policy names",
      project: "named",
      policy: `version: 1\n${ACME}rules:\n  - {name: ours, match: ["pkg:pypi/named"], signed_by: {any: [acme]}}\n`,
      code: 0,
      verdict: admitted(),
      says: ["ours (policy.yaml:5:5), by its pattern pkg:pypi/named", "named by the policy, as acme"],
      suggested: [],
    },
    {
      name: "another signer than the policy names",
      project: "wrong",
      policy: `version: 1\n${ACME}rules:\n  - {name: ours, match: ["pkg:pypi/wrong"], signed_by: {any: [acme]}}\n`,
      publish: { sign: { leaf: evilLeaf } },
      code: 2,
      verdict: refused("SIGNER_UNTRUSTED"),
      says: [
        "decided by ours (policy.yaml:5:5)",
        "untrusted",
        "pypi\\u{202e}<b>",
        "in the place of ours (policy.yaml:5:5)",
        "  evil-tool:\n",
      ],
      suggested: ["signer", "waiver"],
    },
    {
      name: "another signer than the version before",
      project: "moved",
      policy: "version: 1\n",
      before: { uploadTime: "2023-01-01T00:00:00Z" },
      publish: { version: "1.1", sign: { leaf: evilLeaf } },
      code: 2,
      verdict: refused("SIGNER_CHANGED"),
      says: ["expected the signer of 1.0"],
      suggested: ["signer", "waiver"],
    },
    {
      name: "a denial",
      project: "denied",
      policy: 'version: 1\ndeny:\n  - {purl: "pkg:pypi/denied", reason: "bad\\e[2J\\u202e <b>actor</b>"}\n',
      code: 2,
      verdict: refused("DENIED"),
      says: ["deny[0] (policy.yaml:3:5)", "bad\\u{1b}[2J\\u{202e} <b>actor</b>"],
      suggested: ["waiver"],
    },
    {
      name: "a denial that is waived",
      project: "waived",
      policy: `version: 1
deny:
  - {purl: "pkg:pypi/waived", reason: "compromised"}
waivers:
  - {purl: "pkg:pypi/waived@1.0", waive: [deny], owner: sec@acme.com, reason: "looked at", expires: 2199-12-31}
`,
      code: 0,
      verdict: admitted("DENIED"),
      says: ["admitted with 1 warning", "waived by sec@acme.com until"],
      suggested: ["signer"],
    },
    {
      name: "an archive that is too young",
      project: "young",
      policy: "version: 1\ndefaults:\n  min_age: 7d\n",
      publish: { uploadTime: new Date(Date.now() - DAY_MS).toISOString() },
      code: 2,
      verdict: refused("TOO_YOUNG"),
      says: ["decided by defaults (policy.yaml)", "wait 6 days"],
      suggested: ["waiver"],
    },
    {
      name: "no signature where there must be one",
      project: "unsigned",
      policy: "version: 1\ndefaults:\n  signature: {require: true, on_missing: error}\n",
      publish: { sign: "none" },
      code: 2,
      verdict: refused("SIGNATURE_MISSING"),
      says: ["nothing published", "require: false"],
      suggested: ["rule", "waiver"],
    },
    {
      name: "no signature where none is needed, in audit mode",
      project: "audited",
      policy: "version: 1\nmode: audit\ndefaults:\n  signature: {require: true, on_missing: error}\n",
      publish: { sign: "none" },
      code: 0,
      verdict: admitted("SIGNATURE_MISSING"),
      says: ["audit: nothing is refused by policy", "Warnings"],
      suggested: ["rule", "waiver"],
    },
    {
      name: "a build provenance that the certificate confirms",
      project: "built",
      policy: "version: 1\ndefaults:\n  provenance: {level: L2, on_missing: error}\n",
      publish: { predicate: slsaPredicate() },
      code: 0,
      verdict: admitted(),
      says: ["L2, where the policy asks for L2; not higher because nobody has rebuilt it", SLSA_TYPE],
      suggested: ["signer"],
    },
    {
      name: "a lower level than is asked for",
      project: "low",
      policy: "version: 1\ndefaults:\n  provenance: {level: L2, on_missing: error}\n",
      code: 2,
      verdict: refused("PROVENANCE_TOO_LOW"),
      says: ["expected level L2, got L1", "level: L1", PUBLISH_TYPE],
      suggested: ["rule", "waiver"],
    },
  ])("$name", async ({ project, policy, publish = {}, before, code, verdict, says, suggested }) => {
    // It comes in under a policy that lets in what can be: what is explained is the policy of now, not what was decided then.
    setPolicy("version: 1\n");
    const earlier = before && index.publish({ name: project, ...before });
    const { purl } = index.publish({ name: project, ...publish });
    if (earlier) await explainJson(earlier.purl);
    await explainJson(purl);
    setPolicy(policy);
    const { text, code: exit } = await explainText(purl);
    expect(exit).toBe(code);
    for (const each of says) expect(text).toContain(each);
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    const { artifacts } = await explainJson(purl);
    expect(artifacts).toHaveLength(1);
    expect(artifacts[0]).toMatchObject({ purl, verdict });
    expect(artifacts[0]?.suggestions.map(({ kind }) => kind)).toEqual(suggested);
    setPolicy("version: 1\n");
  });
});

describe("the same report", () => {
  test("is answered to JSON and to browsers by the mirror, which asks nobody", async () => {
    const { path, purl } = index.publish({ name: "served", sign: { leaf: evilLeaf } });
    expect(await install(path)).toBe(200);
    const asked = upstream.requests.length;
    const api = `/api/v1/artifacts?purl=${encodeURIComponent(purl)}`;
    const fromMirror = (await (await mirror.get(api, { headers: { accept: "application/json" } })).json()) as Loose;
    expect(fromMirror.artifacts).toEqual((await explainJson(purl)).artifacts);
    expect(Object.keys(fromMirror.artifacts[0])).toEqual(
      expect.arrayContaining([
        "purl",
        "ref",
        "decidedAt",
        "digest",
        "sizeBytes",
        "url",
        "upstream",
        "claims",
        "publishedAt",
        "firstSeenAt",
        "evidence",
        "verdict",
      ]),
    );

    const browser = { headers: { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" } };
    const page = await mirror.get(api, browser);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+';/);
    expect(page.headers.get("vary")).toBe("Accept");
    const html = await page.text();
    expect(html).toContain("evil/tool");
    expect(html).toContain("pypi\\u{202e}&lt;b&gt;");
    expect(html).not.toMatch(/<script|<b>/);
    expect(upstream.requests.length).toBe(asked);
  });

  test.each([
    { accept: "*/*", type: "application/json" },
    { accept: "", type: "application/json" },
    { accept: "text/html;q=0, application/json", type: "application/json" },
    { accept: "application/json, text/html;q=0.5", type: "application/json" },
    { accept: "text/html", type: "text/html; charset=utf-8" },
  ])("as $type for $accept", async ({ accept, type }) => {
    const { path, purl } = index.publish({ name: "typed" });
    await install(path);
    const response = await mirror.get(`/api/v1/artifacts?purl=${encodeURIComponent(purl)}`, { headers: { accept } });
    expect(response.headers.get("content-type")).toBe(type);
  });

  test.each([
    { query: "?purl=pkg:pypi/nobody-asked@1.0", status: 404, says: "nothing was fetched" },
    { query: "?purl=<script>alert(1)</script>", status: 400, says: "expected a package URL" },
    { query: "?purl=pkg:pypi/served", status: 400, says: "expected a purl with a version" },
    { query: "", status: 400, says: "expected ?purl=" },
  ])("is an error page for browsers where there is none: $query", async ({ query, status, says }) => {
    const page = await mirror.get(`/api/v1/artifacts${query}`, { headers: { accept: "text/html" } });
    expect(page.status).toBe(status);
    const html = await page.text();
    expect(html).toContain(says);
    expect(html).not.toContain("<script");
    const json = await mirror.get(`/api/v1/artifacts${query}`);
    expect(json.status).toBe(status);
    expect(json.headers.get("content-type")).toBe("application/problem+json");
  });
});

describe("what a purl names", () => {
  test("without a file name: every file of the version that was fetched; without a version: every one held", async () => {
    const { path } = index.publish({ name: "many", version: "1.0" });
    index.publish({ name: "many", version: "2.0" });
    await install(path);
    expect((await explainJson("pkg:pypi/many@1.0.0")).artifacts.map(({ ref }) => ref.version)).toEqual(["1.0"]);
    expect((await explainJson("pkg:pypi/Many")).artifacts.map(({ ref }) => ref.version)).toEqual(["1.0"]);
    await explainJson("pkg:pypi/many@2.0");
    expect((await explainJson("pkg:pypi/many")).artifacts.map(({ ref }) => ref.version)).toEqual(["1.0", "2.0"]);
  });

  test("the same name in two repositories is two archives, and one of them where that one is asked for", async () => {
    const mine = index.publish({ name: "twice" });
    const theirs = second.publish({ name: "twice", sign: "none" });
    await install(mine.path);
    await install(theirs.path, "second");
    const { artifacts } = await explainJson("pkg:pypi/twice@1.0");
    expect(artifacts.map(({ ref, level }) => [ref.repository, level.reached])).toEqual([
      ["pypi", "L1"],
      ["second", "L0"],
    ]);
    expect((await explainJson("pkg:pypi/twice@1.0", { repository: "second" })).artifacts.map(({ ref }) => ref.repository)).toEqual([
      "second",
    ]);
  });

  test("what nobody fetched goes down the road, through the first repository alone", async () => {
    index.publish({ name: "fresh" });
    const { purl } = second.publish({ name: "fresh" });
    const { code, artifacts } = await explainJson(purl);
    expect(code).toBe(0);
    expect(artifacts.map(({ ref, held }) => [ref.repository, held])).toEqual([["pypi", true]]);
    expect(upstream.requestsFor("/second/simple/fresh/")).toEqual([]);
    // The running mirror has it too: nothing is fetched twice.
    const fetched = upstream.requestsFor(`/pypi/files/${artifacts[0]?.ref.file}`).length;
    expect(await install(`files/fresh/${artifacts[0]?.ref.file}`)).toBe(200);
    expect(upstream.requestsFor(`/pypi/files/${artifacts[0]?.ref.file}`)).toHaveLength(fetched);
  });

  test.each([
    { name: "no purl", purl: "left-pad", code: "BAD_REQUEST" },
    { name: "a purl of a type that Assay does not know", purl: "pkg:cargo/serde@1.0.0", code: "BAD_REQUEST" },
    { name: "a name that no project can have", purl: "pkg:pypi/..%2F..%2Fetc@1.0", code: "BAD_REQUEST" },
    { name: "nothing held, and no version", purl: "pkg:pypi/nothing-of-this", code: "BAD_REQUEST" },
    { name: "a project that nobody has", purl: "pkg:pypi/nobody-has-this@1.0", code: "NOT_FOUND" },
    { name: "a version that there is not", purl: "pkg:pypi/many@9.9", code: "NOT_FOUND" },
    { name: "a file that there is not", purl: "pkg:pypi/many@1.0?file_name=other-1.0.zip", code: "NOT_FOUND" },
    { name: "a repository that there is not", purl: "pkg:pypi/many@1.0", flags: { repository: "npm" }, code: "BAD_REQUEST" },
    { name: "nothing known, offline", purl: "pkg:pypi/never-fetched@1.0", flags: { offline: true }, code: "OFFLINE" },
  ])("$name is an error", async ({ purl, flags, code }) => {
    expect(await codeOf(explainText(purl, flags))).toBe(code);
  });

  test("what is known is told offline, and nobody is asked", async () => {
    const { path, purl } = index.publish({ name: "offline" });
    await install(path);
    const asked = upstream.requests.length;
    expect(await explainText(purl, { offline: true })).toMatchObject({
      code: 0,
      text: expect.stringContaining("admitted by the policy of now"),
    });
    expect(upstream.requests.length).toBe(asked);
  });

  test("what an upstream fails to give is that failure, and nothing is kept of it", async () => {
    const { purl, file } = index.publish({ name: "failing" });
    upstream.fault(`/pypi/files/${file}`, { kind: "status", status: 500 });
    expect(await codeOf(explainText(purl))).toBe("UPSTREAM_STATUS");
    upstream.heal();
    expect(await explainText(purl)).toMatchObject({ code: 0 });
  });
});

test("other bytes that upstream has by now are told, and what was admitted stays what is explained", async () => {
  const { path, purl, file, bytes } = index.publish({ name: "replaced" });
  await install(path);
  const { artifacts } = await explainJson(purl);
  expect(artifacts).toMatchObject([{ otherBytes: null }]);
  const digest = artifacts[0]?.digest ?? "";
  const blobs = join(mirror.dataDir, "blobs-v1");
  for (const name of readdirSync(blobs, { recursive: true })) if (String(name).includes(digest)) rmSync(join(blobs, String(name)));
  upstream.serve(`/pypi/files/${file}`, { body: Buffer.concat([bytes, Buffer.from("more")]) });
  // Under an address that is in no memory, so that the store is looked into.
  expect(await install(`${path}?again`)).toBe(403);
  const { text } = await explainText(purl);
  expect(text).toContain("its bytes are not in the store");
  expect(text).toMatch(/other bytes +sha256:[0-9a-f]{64} came from upstream/);
  const other = { digest: expect.not.stringContaining(digest), seenAt: expect.any(String) };
  expect((await explainJson(purl)).artifacts).toMatchObject([{ digest, held: false, otherBytes: other }]);
});

test("what was verified under another root is undecided until it is verified again, which nobody does offline", async () => {
  const ownRoot = join(folder, "own-root.json");
  const config = join(folder, "own.yaml");
  writeFileSync(ownRoot, JSON.stringify(instance.trustedRoot()));
  writeFileSync(config, readFileSync(configFile, "utf8").replace(rootFile, ownRoot));
  const own = { config, dataDir: mkdtempSync(join(folder, "roots-")) };
  const { purl } = index.publish({ name: "rerooted" });
  expect(await explainText(purl, own)).toMatchObject({ code: 0, text: expect.stringContaining("L1, where the policy asks") });
  writeFileSync(ownRoot, JSON.stringify(new SigstoreInstance().trustedRoot()));
  const offline = await explainText(purl, { ...own, offline: true });
  expect(offline).toMatchObject({ code: 69, text: expect.stringContaining("undecided") });
  expect(offline.text).toContain("roots or keys that have changed since");
  expect(await explainText(purl, own)).toMatchObject({ code: 2, text: expect.stringMatching(/CERTIFICATE_UNTRUSTED|LOG_ENTRY_UNTRUSTED/) });
});

test("a version whose tags cannot be asked for is undecided, where the policy wants a tag", async () => {
  const { bytes } = buildAam({ name: "tagged", version: "1.0.0" });
  const integrity = `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
  const versions = { "1.0.0": { version: "1.0.0", integrity } };
  upstream.serve("/aam/packages/tagged", {
    contentType: "application/json",
    body: JSON.stringify({ name: "tagged", versions, "dist-tags": { stable: "1.0.0" } }),
  });
  upstream.serve("/aam/packages/tagged/1.0.0/tarball", { body: bytes });
  const dataDir = mkdtempSync(join(folder, "tags-"));
  setPolicy("version: 1\ngovernance: {install_policy: {require_tag: stable}}\n");
  expect(await explainText("pkg:aam/tagged@1.0.0", { dataDir })).toMatchObject({ code: 0 });
  setPolicy("version: 1\ngovernance: {install_policy: {require_tag: approved}}\n");
  expect(await explainText("pkg:aam/tagged@1.0.0", { dataDir })).toMatchObject({ code: 2, text: expect.stringContaining("GOVERNANCE") });
  const database = new Database(join(dataDir, "assay.db"));
  database.exec("DELETE FROM document_bodies; DELETE FROM listed_files; DELETE FROM documents");
  database.close();
  const { code, text } = await audit({ all: true }, false, { dataDir, offline: true });
  expect(code).toBe(69);
  expect(text).toContain("undecided");
  expect(text).toContain("its dist-tags could not be had");
  setPolicy("version: 1\n");
});

describe("inspect provenance", () => {
  const inspect = (purl: string, json = false): Promise<Answer> => run((command) => inspectProvenance(command, purl), json);

  test("shows what is signed, and what the certificate confirms of it", async () => {
    const { purl } = index.publish({ name: "inspected", predicate: slsaPredicate() });
    const { code, text } = await inspect(purl);
    expect(code).toBe(0);
    for (const fact of [
      "builder      https://github.com/actions/runner/github-hosted",
      `built from   ${REPOSITORY}`,
      `at commit    gitCommit:${"a".repeat(40)}`,
      "certificate  repository confirmed, ref confirmed, commit confirmed, workflow confirmed",
      `statement    ${SLSA_TYPE}`,
    ])
      expect(text).toContain(fact);
  });

  test("of what nobody signed says so, and of what does not verify why", async () => {
    const unsigned = index.publish({ name: "plain", sign: "none" });
    expect((await inspect(unsigned.purl)).text).toContain("none that was verified");
    const wrong = index.publish({ name: "forged", about: Buffer.from("other") });
    const { code, text } = await inspect(wrong.purl);
    expect(code).toBe(2);
    expect(text).toMatch(/Not verified\n.*SUBJECT_MISMATCH/);
  });
});

describe("audit --provenance", () => {
  test.each([
    { name: "nothing", scope: {} },
    { name: "both", scope: { all: true, purls: ["pkg:pypi/a@1"] } },
  ])("naming $name is a mistake", async ({ scope }) => {
    expect(await codeOf(audit(scope))).toBe("USAGE");
  });

  test("one line an archive and a summary; below what is asked for, refused and not to be looked at are told apart", async () => {
    const built = index.publish({ name: "audit-built", predicate: slsaPredicate() });
    const signed = index.publish({ name: "audit-signed" });
    const bad = index.publish({ name: "audit-bad", claims: "ab".repeat(32) });
    const purls = [built.purl, signed.purl, bad.purl, "pkg:pypi/nobody-has-this@1.0", "no\u001b[2Jpurl"];
    const { code, text } = await audit({ purls, level: "L2" });
    expect(code).toBe(2);
    expect(text).toContain(`admitted   L2     L2     ${built.purl}\n`);
    expect(text).toContain(`below      L1     L2     ${signed.purl}\n`);
    expect(text).toContain(`refused    L1     L2     ${bad.purl}\n`);
    expect(text).toContain(`signed by ${REPOSITORY} at aaaaaaaaaaaa`);
    expect(text).toContain("3 archives: 1 as asked, 1 below, 1 refused, 2 that could not be looked at\n");
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    const json = JSON.parse((await audit({ purls, level: "L2" }, true)).text) as Loose;
    expect(json.summary).toEqual({ level: "L2", archives: 3, asAsked: 1, below: 1, refused: 1, undecided: 0, failed: 2 });
    expect(json.errors.map(({ code }: Loose) => code)).toEqual(["NOT_FOUND", "BAD_REQUEST"]);
    expect(json.artifacts.map(({ purl }: Loose) => purl)).toEqual([built.purl, signed.purl, bad.purl]);
  });

  test("by the policy's own requirement, where no level is given", async () => {
    const { purl } = index.publish({ name: "audit-policy" });
    expect(await audit({ purls: [purl] })).toMatchObject({ code: 0 });
    setPolicy("version: 1\ndefaults:\n  provenance: {level: L2, on_missing: warn}\n");
    // Served with a warning, and below all the same.
    expect(await audit({ purls: [purl] })).toMatchObject({
      code: 2,
      text: expect.stringContaining("1 archive: 0 as asked, 1 below, 0 refused"),
    });
    setPolicy("version: 1\n");
  });

  test("what cannot be looked at is no success", async () => {
    expect(await audit({ purls: ["pkg:pypi/nobody-has-this@1.0"] })).toMatchObject({ code: 66 });
  });

  test("--all walks through everything that was admitted, in every repository, with the network away", async () => {
    const dataDir = mkdtempSync(join(folder, "data-"));
    expect(await audit({ all: true }, false, { dataDir, offline: true })).toMatchObject({
      code: 0,
      text: expect.stringContaining("0 archives: 0 as asked"),
    });
    const published = [
      ...Array.from({ length: 7 }, (_, count) => index.publish({ name: "walk", version: `1.${count}` })),
      index.publish({ name: "walk-more" }),
    ];
    for (const { purl } of published) await explainText(purl, { dataDir });
    await explainText(second.publish({ name: "walk-second", sign: "none" }).purl, { dataDir, repository: "second" });
    const asked = upstream.requests.length;
    const { code, text } = await audit({ all: true, level: "L1" }, true, { dataDir, offline: true });
    expect(code).toBe(2);
    const { artifacts, summary } = JSON.parse(text) as Loose;
    expect(artifacts.map(({ purl }: Loose) => purl)).toEqual([
      ...published.map(({ purl }) => purl),
      "pkg:pypi/walk-second@1.0?file_name=walk_second-1.0-py3-none-any.whl",
    ]);
    expect(summary).toMatchObject({ archives: 9, asAsked: 8, below: 1 });
    expect(upstream.requests.length).toBe(asked);
  });
});

describe("as a process of its own, beside the one that serves", () => {
  function assay(...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
    const child = spawn(process.execPath, ["src/main.ts", ...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk));
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })));
  }
  const flags = (): readonly string[] => ["--config", configFile, "--data", mirror.dataDir];

  test("nothing but the answer is on standard output, nothing at all on standard error, and it ends", async () => {
    const { purl } = index.publish({ name: "process" });
    const { code, out, err } = await assay("explain", purl, "--json", ...flags());
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({ artifacts: [{ purl, held: true }] });
    expect(await assay("inspect", "provenance", purl, ...flags())).toMatchObject({
      code: 0,
      out: expect.stringContaining("signed by"),
      err: "",
    });
    expect(await assay("audit", "--provenance", purl, "--level", "L2", ...flags())).toMatchObject({ code: 2, err: "" });
  }, 60_000);

  test.each([
    { args: ["explain"], code: 64, says: "missing required argument" },
    { args: ["explain", "left-pad"], code: 65, says: "expected a package URL" },
    { args: ["explain", "pkg:pypi/never-fetched@1.0", "--offline"], code: 69, says: "leave --offline out" },
    { args: ["audit", "pkg:pypi/a@1"], code: 64, says: "--provenance" },
    { args: ["audit", "--provenance"], code: 64, says: "either package URLs or --all" },
    { args: ["audit", "--provenance", "--all", "--level", "L9"], code: 64, says: "L9" },
    { args: ["audit", "--provenance", "--run-scripts", "pkg:npm/a"], code: 64, says: "--run-scripts" },
    { args: ["audit", "--provenance", "--run-build-backend", "pkg:pypi/a"], code: 64, says: "--run-build-backend" },
  ])(
    "$args ends with $code and says why",
    async ({ args, code, says }) => {
      expect(await assay(...args, ...flags())).toMatchObject({ code, out: "", err: expect.stringContaining(says) });
    },
    60_000,
  );
});
