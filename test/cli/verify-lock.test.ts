import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { type SubjectFlags, verifySubjects } from "../../src/cli/verify-subjects.ts";
import { codeOf } from "../contract/code-of.ts";
import { buildAam, buildWheel } from "../support/archives.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { publishAams, publishWheels } from "../support/releases.ts";
import { sharedData } from "../support/shared-data.ts";
import { type Loose, SigstoreInstance } from "../support/sigstore-instance.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-cli-lock-"));
const OTHER_BYTES = "ab".repeat(32);
const REVIEW = buildAam({ name: "@myorg/review", version: "2.0.0" }).bytes;
const TOOL = buildAam({ name: "tool", version: "1.0.1" }).bytes;
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

let upstream: FakeUpstream;
let elsewhere: FakeUpstream;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  elsewhere = await startFakeUpstream();
  publishAams(upstream, "@myorg/review", [{ version: "2.0.0" }]);
  publishAams(upstream, "tool", [{ version: "1.0.1" }]);
  publishAams(upstream, "liar", [{ version: "1.0.0", saysItIs: "tool" }]);
});
afterAll(async () => {
  await upstream.close();
  await elsewhere.close();
  rmSync(folder, { recursive: true });
});

/** A project with its lock, and a data folder with nothing in it. */
class Project {
  readonly root = mkdtempSync(join(folder, "project-"));
  readonly lock: string;
  policy = "version: 1\n";
  upstreamUrl = `${upstream.origin}/aam/`;

  constructor(lock: Loose | string, { name = "package.agent.lock", manifest }: { readonly name?: string; readonly manifest?: Loose } = {}) {
    this.lock = join(this.root, name);
    writeFileSync(this.lock, typeof lock === "string" ? lock : JSON.stringify(lock));
    if (manifest) writeFileSync(join(this.root, "package.agent.json"), JSON.stringify(manifest));
  }

  async verify(
    flags: SubjectFlags = {},
    subjects: readonly string[] = [],
  ): Promise<{ readonly code: number; readonly text: string; readonly json: Loose }> {
    const [policy, config] = [join(this.root, "policy.yaml"), join(this.root, "assay.yaml")];
    writeFileSync(policy, this.policy);
    writeFileSync(
      config,
      `repositories:\n  - {name: aam, ecosystem: aam, upstreams: [{url: "${this.upstreamUrl}", retries: 0}]}\n  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/pypi/simple/", retries: 0}]}\n`,
    );
    const given = subjects.length > 0 ? flags : { lock: this.lock, ...flags };
    let text = "";
    const print = (more: string): void => {
      text += more;
    };
    const loaded = loadConfig({ env: {}, flags: { config, policy, data: join(this.root, "data"), offline: flags.offline } });
    const code = await verifySubjects({ config: loaded, env: {}, now: Date.now(), print }, subjects, given);
    return { code, text, json: flags.json ? JSON.parse(text) : undefined };
  }

  blobs(): readonly string[] {
    const root = join(this.root, "data", "blobs-v1");
    return readdirSync(root, { recursive: true, encoding: "utf8" })
      .map((path) => join(root, path))
      .filter((path) => statSync(path).isFile());
  }
}

function entry(name: string, version: string, pin: string, more: Loose = {}, source: Loose = {}): Loose {
  const tarball = `${elsewhere.origin}/evil/${version}.aam`;
  return {
    version,
    source: { type: "registry", registry: elsewhere.origin, name, version, tarball, ...source },
    integrity: `sha256-${pin}`,
    ...more,
  };
}
const tool = (pin = sha256(TOOL)): Loose => entry("tool", "1.0.1", pin);
const lockOf = (resolved: Loose): Loose => ({ lockVersion: 2, resolved });
const goodLock = (): Loose =>
  lockOf({ "@myorg/review": entry("@myorg/review", "2.0.0", sha256(REVIEW), { dependencies: { tool: "1.0.1" } }), tool: tool() });
const MANIFEST: Loose = { name: "app", version: "1.0.0", dependencies: { "@myorg/review": "^2.0.0" } };

describe("what is not what a lock pins", () => {
  test("is refused where it must be fetched, with both sides, and not kept", async () => {
    const project = new Project(lockOf({ tool: tool(OTHER_BYTES) }));
    const { code, text } = await project.verify();
    expect(code).toBe(2);
    expect(text).toContain("refused      L0     pkg:aam/tool@1.0.1");
    expect(text).toContain(
      `CHECKSUM_MISMATCH: expected sha256 ${OTHER_BYTES} (claimed by package.agent.lock for tool@1.0.1), got ${sha256(TOOL)}`,
    );
    expect(project.blobs()).toEqual([]);
  });

  test("is refused where it is held, and nobody is asked for it", async () => {
    const project = new Project(lockOf({ tool: tool() }));
    expect(await project.verify()).toMatchObject({ code: 0 });
    const asked = upstream.requests.length;
    writeFileSync(project.lock, JSON.stringify(lockOf({ tool: tool(OTHER_BYTES) })));
    const { code, json } = await project.verify({ json: true, offline: true });
    expect(code).toBe(2);
    expect(json.entries).toMatchObject([
      { outcome: "refused", digest: `sha256:${sha256(TOOL)}`, reasons: [{ code: "CHECKSUM_MISMATCH" }] },
    ]);
    expect(upstream.requests).toHaveLength(asked);
  });

  test("says nothing about the archive to those who ask without that lock, before it is held and after", async () => {
    const project = new Project(lockOf({ tool: tool(OTHER_BYTES) }));
    expect(await project.verify()).toMatchObject({ code: 2 });
    expect(await project.verify({}, ["pkg:aam/tool@1.0.1"])).toMatchObject({ code: 0 });
    rmSync(join(project.root, "data"), { recursive: true });
    expect(await project.verify()).toMatchObject({ code: 2 });
    writeFileSync(project.lock, JSON.stringify(lockOf({ tool: tool() })));
    expect(await project.verify()).toMatchObject({ code: 0 });
    writeFileSync(project.lock, JSON.stringify(lockOf({ tool: tool(OTHER_BYTES) })));
    expect(await project.verify()).toMatchObject({ code: 2 });
    expect(await project.verify({}, ["pkg:aam/tool@1.0.1"])).toMatchObject({ code: 0 });
  });

  test("every mismatch of a lock is told in one run", async () => {
    const resolved = { "@myorg/review": entry("@myorg/review", "2.0.0", OTHER_BYTES), tool: tool(OTHER_BYTES) };
    const { code, json } = await new Project(lockOf(resolved)).verify({ json: true });
    expect(code).toBe(2);
    expect(json.summary).toEqual({ verified: 0, refused: 2, failed: 0, uncovered: 0 });
  });
});

test("bytes that were changed on disk are found by reading them, whatever the index says", async () => {
  const project = new Project(lockOf({ tool: tool() }));
  expect(await project.verify()).toMatchObject({ code: 0 });
  const [blob = ""] = project.blobs();
  const bytes = readFileSync(blob);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  writeFileSync(blob, bytes);
  for (const { code, text } of [await project.verify(), await project.verify({}, ["pkg:aam/tool@1.0.1"])]) {
    expect(code).toBe(74);
    expect(text).toContain(`expected sha256 ${sha256(TOOL)}`);
    expect(text).toContain(`got ${sha256(bytes)} from the store`);
  }
});

test("what is held is judged by the policy of now", async () => {
  const project = new Project(lockOf({ tool: tool() }));
  expect(await project.verify()).toMatchObject({ code: 0 });
  project.policy = 'version: 1\ndeny: [{purl: "pkg:aam/tool", reason: "withdrawn"}]\n';
  expect(await project.verify()).toMatchObject({ code: 2, text: expect.stringContaining("DENIED") });
});

test("what is refused for itself stays refused, though a lock pins it", async () => {
  const { bytes } = buildAam({ name: "tool", version: "1.0.0" });
  const project = new Project(lockOf({ liar: entry("liar", "1.0.0", sha256(bytes)) }));
  expect(await project.verify()).toMatchObject({ code: 2, text: expect.stringContaining("IDENTITY_MISMATCH") });
});

test("what cannot be had is told, and the rest is still looked at", async () => {
  const project = new Project(lockOf({ gone: entry("gone", "1.0.0", OTHER_BYTES), tool: tool() }));
  const { code, json } = await project.verify({ json: true });
  expect(code).toBe(66);
  expect(json.entries).toMatchObject([{ outcome: "failed", error: { code: "NOT_FOUND" } }, { outcome: "verified" }]);
  const offline = await new Project(lockOf({ tool: tool() })).verify({ offline: true });
  expect(offline).toMatchObject({ code: 69, text: expect.stringContaining("[OFFLINE]") });
});

test("nobody is asked at the addresses that a lock names", async () => {
  expect(await new Project(goodLock()).verify()).toMatchObject({ code: 0 });
  expect(elsewhere.requests).toEqual([]);
});

describe("a frozen lock", () => {
  const stale: Loose = { ...MANIFEST, dependencies: { ...MANIFEST["dependencies"], more: "^1.0.0" } };

  test("that is stale ends it before anything is asked for; without --frozen it is told", async () => {
    const project = new Project(goodLock(), { manifest: stale });
    const asked = upstream.requests.length;
    expect(await codeOf(project.verify({ frozen: true }))).toBe("BAD_REQUEST");
    await expect(project.verify({ frozen: true })).rejects.toThrow('asks for "more" as "^1.0.0", and the lock has none of it');
    expect(upstream.requests).toHaveLength(asked);
    expect(await project.verify()).toMatchObject({ code: 0, text: expect.stringContaining('stale: package.agent.json asks for "more"') });
  });

  test("needs its manifest, beside it or by name", async () => {
    const project = new Project(goodLock());
    expect(await codeOf(project.verify({ frozen: true }))).toBe("NOT_FOUND");
    const manifest = join(project.root, "other.json");
    writeFileSync(manifest, JSON.stringify(MANIFEST));
    expect(await project.verify({ frozen: true, manifest })).toMatchObject({ code: 0 });
    writeFileSync(manifest, JSON.stringify(stale));
    expect(await codeOf(project.verify({ frozen: true, manifest }))).toBe("BAD_REQUEST");
    writeFileSync(join(project.root, "package.agent.yaml"), 'dependencies: {"@myorg/review": ^2.0.0}\n');
    expect(await project.verify({ frozen: true })).toMatchObject({ code: 0 });
    writeFileSync(join(project.root, "package.agent.json"), JSON.stringify(stale));
    expect(await codeOf(project.verify({ frozen: true }))).toBe("BAD_REQUEST");
    expect(await codeOf(project.verify({ manifest: join(project.root, "missing.json") }))).toBe("NOT_FOUND");
  });

  test("that names what no registry publishes is not verified; without --frozen it is told", async () => {
    const lock = goodLock();
    lock.resolved.local = { ...entry("local", "1.0.0", OTHER_BYTES), source: { type: "file", path: "../local\u001b[2K" } };
    const project = new Project(lock, { manifest: { ...MANIFEST, dependencies: { ...MANIFEST["dependencies"], local: "1.0.0" } } });
    const frozen = await project.verify({ frozen: true, json: true });
    expect(frozen.code).toBe(65);
    expect(frozen.json.entries.at(-1)).toMatchObject({ outcome: "uncovered", uncovered: { source: "path" } });
    const told = await project.verify();
    expect(told).toMatchObject({ code: 0, text: expect.stringContaining("3 packages: 2 verified, 1 not covered") });
    expect(told.text).not.toContain("\u001b");
  });

  test("that is met by manifest and mirror is verified, and nothing is written to it", async () => {
    const project = new Project(goodLock(), { manifest: MANIFEST });
    const before = { text: readFileSync(project.lock, "utf8"), ...mtimeOf(project.lock) };
    const { code, json } = await project.verify({ frozen: true, json: true });
    expect(code).toBe(0);
    expect(json).toEqual({
      lock: project.lock,
      format: "package.agent.lock, version 2",
      frozen: true,
      stale: [],
      notes: [],
      entries: [
        expect.objectContaining({
          name: "pkg:aam/%40myorg/review@2.0.0",
          outcome: "verified",
          digest: `sha256:${sha256(REVIEW)}`,
          level: "L0",
        }),
        {
          at: 'resolved["tool"]',
          name: "pkg:aam/tool@1.0.1",
          outcome: "verified",
          digest: `sha256:${sha256(TOOL)}`,
          level: "L0",
          reasons: [],
          warnings: [],
          error: null,
          uncovered: null,
          pins: [{ algorithm: "sha256", hex: sha256(TOOL) }],
        },
      ],
      summary: { verified: 2, refused: 0, failed: 0, uncovered: 0 },
    });
    expect({ text: readFileSync(project.lock, "utf8"), ...mtimeOf(project.lock) }).toEqual(before);
    expect(readdirSync(project.root).sort()).toEqual(["assay.yaml", "data", "package.agent.json", "package.agent.lock", "policy.yaml"]);
  });
});

const mtimeOf = (path: string): { readonly mtimeMs: number; readonly ino: number } => {
  const { mtimeMs, ino } = statSync(path);
  return { mtimeMs, ino };
};

describe("a lock that cannot be used", () => {
  test("is told with all that is wrong, and nobody is asked", async () => {
    const asked = upstream.requests.length;
    const project = new Project(lockOf({ tool: { ...tool(), version: "^1" }, other: { ...tool(), integrity: "sha256-x" } }));
    await expect(project.verify()).rejects.toThrow(/resolved\["tool"\].*\n.*resolved\["other"\]/);
    expect(await codeOf(project.verify())).toBe("BAD_REQUEST");
    expect(upstream.requests).toHaveLength(asked);
  });

  test("is told with the first twenty of many", async () => {
    const resolved = Object.fromEntries(Array.from({ length: 25 }, (_, position) => [`tool-${position}`, tool()]));
    await expect(new Project(lockOf(resolved)).verify()).rejects.toThrow("and 5 more");
  });

  test.each([
    ["a name that is no lock's", { name: "package-agent.json" }, {}, "USAGE"],
    ["a manifest for the lock of the aam client", { name: "aam-lock.yaml" }, { manifest: "package.agent.json" }, "USAGE"],
    ["a repository that there is not", {}, { repository: "npm" }, undefined],
  ] as const)("%s", async (_, project, flags, expected) => {
    const verified = new Project(lockOf({ tool: tool() }), project).verify(flags);
    expect(await codeOf(verified)).toBe(expected);
    if (expected === undefined)
      expect(await verified).toMatchObject({ code: 65, text: expect.stringContaining("no repository for aam packages is called") });
  });

  test("one that is not there", async () => {
    expect(await codeOf(new Project("").verify({ lock: join(folder, "missing", "package.agent.lock") }))).toBe("NOT_FOUND");
  });
});

test("the lock of the aam client is verified by its digests, and what it leaves out is told", async () => {
  const lock = (pin: string): string => `lockfile_version: 1
packages:
  tool: {version: 1.0.1, source: corp, checksum: "sha256:${pin}", dependencies: {more: ^1.0.0}}
`;
  const good = await new Project(lock(sha256(TOOL)), { name: "aam-lock.yaml" }).verify();
  expect(good).toMatchObject({ code: 0, text: expect.stringContaining("2 packages: 1 verified, 1 not covered") });
  const bad = await new Project(lock(OTHER_BYTES), { name: "aam-lock.yaml" }).verify();
  expect(bad).toMatchObject({ code: 2, text: expect.stringContaining("CHECKSUM_MISMATCH") });
});

const data = sharedData("aam");
describe.skipIf(data === undefined)("the specification's own lock and registries", () => {
  const project = (registry: string): Project => {
    const made = new Project(readFileSync(join(data ?? "", "package.agent.lock"), "utf8"), {
      manifest: { name: "app", version: "1.0.0", dependencies: { "@myorg/code-review": "stable" } },
    });
    made.upstreamUrl = `${pathToFileURL(join(data ?? "", registry)).href}/`;
    return made;
  };

  test("are verified where they have the same bytes", async () => {
    const { code, text } = await project("registry-uaaps").verify({ frozen: true });
    expect(text).toContain("3 packages: 3 verified");
    expect(code).toBe(0);
  });

  test("are refused where another packer made other bytes of the same packages", async () => {
    const { code, json } = await project("registry").verify({ frozen: true, json: true });
    expect(code).toBe(2);
    expect(json.summary).toMatchObject({ refused: 3 });
  });
});

test("several files are verified by what is given with all of them", async () => {
  const project = new Project("");
  const signed = join(project.root, "signed.bin");
  writeFileSync(signed, "signed");
  const instance = new SigstoreInstance();
  const [trustedRoot, bundle] = [join(project.root, "root.json"), join(project.root, "bundle.json")];
  writeFileSync(trustedRoot, JSON.stringify(instance.trustedRoot()));
  writeFileSync(bundle, JSON.stringify(instance.signMessage(Buffer.from("signed"))));
  const flags = { trustedRoot, bundle: [bundle] };
  expect(await project.verify(flags, [signed, signed])).toMatchObject({ code: 0 });
  const { code, json } = await project.verify({ ...flags, json: true }, [signed, project.lock]);
  expect(code).toBe(2);
  expect(json).toMatchObject([
    { file: signed, verdict: "admit" },
    { file: project.lock, verdict: "refuse" },
  ]);
});

describe("package URLs", () => {
  const verify = (subjects: readonly string[], flags: SubjectFlags = {}, project = new Project("")) => project.verify(flags, subjects);

  test("are verified by the mirror's road, and what cannot be looked at is told", async () => {
    const { code, json } = await verify(["pkg:aam/tool@1.0.1", "pkg:aam/liar@1.0.0", "pkg:aam/gone@1.0.0"], { json: true });
    expect(code).toBe(2);
    expect(json.artifacts).toMatchObject([
      { name: "pkg:aam/tool@1.0.1", outcome: "verified", digest: `sha256:${sha256(TOOL)}` },
      { outcome: "refused", reasons: [{ code: "IDENTITY_MISMATCH" }] },
      { outcome: "failed", error: { code: "NOT_FOUND" } },
    ]);
    expect(json.summary).toEqual({ verified: 1, refused: 1, failed: 1, uncovered: 0 });
  });

  test("are fetched anew where the store has lost them", async () => {
    const project = new Project("");
    expect(await verify(["pkg:aam/tool@1.0.1"], {}, project)).toMatchObject({
      code: 0,
      text: expect.stringContaining("1 package: 1 verified"),
    });
    for (const blob of project.blobs()) rmSync(blob);
    expect(await verify(["pkg:aam/tool@1.0.1"], { offline: true }, project)).toMatchObject({ code: 69 });
    expect(await verify(["pkg:aam/tool@1.0.1"], {}, project)).toMatchObject({ code: 0 });
    expect(project.blobs()).toHaveLength(1);
  });

  test.each<{ readonly name: string; readonly subjects: readonly string[]; readonly flags: SubjectFlags }>([
    { name: "nothing", subjects: [], flags: {} },
    { name: "a lock and a file", subjects: ["file"], flags: { lock: "package.agent.lock" } },
    { name: "files and package URLs", subjects: ["file", "pkg:aam/tool@1.0.1"], flags: {} },
    { name: "evidence for a package URL", subjects: ["pkg:aam/tool@1.0.1"], flags: { bundle: ["b.json"] } },
    { name: "evidence for a lock", subjects: [], flags: { lock: "package.agent.lock", trustedRoot: "r.json" } },
    { name: "a frozen package URL", subjects: ["pkg:aam/tool@1.0.1"], flags: { frozen: true } },
    { name: "a frozen file", subjects: ["file"], flags: { frozen: true, bundle: ["b.json"] } },
    { name: "a file from a repository", subjects: ["file"], flags: { repository: "aam", bundle: ["b.json"] } },
  ])("$name is no use", async ({ subjects, flags }) => {
    const config = loadConfig({ env: {}, flags: {} });
    const command = { config, env: {}, now: Date.now(), print: () => {} };
    expect(await codeOf((async () => verifySubjects(command, subjects, flags))())).toBe("USAGE");
  });
});

describe("a lock that names no files", () => {
  const WHEEL = buildWheel({ name: "six", version: "1.16.0" });
  const requirements = (...hashes: readonly string[]): Project =>
    new Project(`six==1.16.0 ${hashes.map((hash) => `--hash=sha256:${hash}`).join(" ")}\nidna==3.7\n`, { name: "requirements.txt" });
  beforeAll(() => void publishWheels(upstream, "six", [{ version: "1.16.0" }]));

  test("is no lock for other bytes", async () => {
    const { code, json } = await requirements(OTHER_BYTES).verify({ json: true });
    expect(code).toBe(65);
    expect(json["entries"][0]).toMatchObject({ name: "pkg:pypi/six@1.16.0", outcome: "failed", error: { code: "BAD_REQUEST" } });
  });

  test("is verified file by file, and what it does not pin is told", async () => {
    const { code, json } = await requirements(sha256(WHEEL.bytes), OTHER_BYTES).verify({ json: true });
    expect(code).toBe(0);
    expect(json["summary"]).toEqual({ verified: 1, refused: 0, failed: 0, uncovered: 2 });
    expect(json["entries"][0]).toMatchObject({ outcome: "verified", pins: [{ algorithm: "sha256", hex: sha256(WHEEL.bytes) }] });
    expect(await requirements(sha256(WHEEL.bytes)).verify({ frozen: true })).toMatchObject({ code: 65 });
  });
});
