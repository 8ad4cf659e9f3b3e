import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { auditProvenance } from "../../src/cli/audit.ts";
import { auditReproducible } from "../../src/cli/audit-reproducible.ts";
import { explain, inspectProvenance, type ReportCommand } from "../../src/cli/explain.ts";
import type { PublishFlags } from "../../src/cli/publish.ts";
import { parseDigest } from "../../src/core/digest.ts";
import { rebuildsIn } from "../../src/core/rebuild.ts";
import { temporaryFolder } from "../store/temporary-folder.ts";
import { changePolicy } from "../support/change-policy.ts";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { addToken } from "../support/hosted-bench.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";
import { manifestText, packageContent } from "../support/package-folder.ts";
import { type PackageRepository, packageRepository } from "../support/package-repository.ts";
import { signedRelease } from "../support/signed-release.ts";
import type { Loose } from "../support/sigstore-instance.ts";
import { type SigstoreServices, startSigstore } from "../support/sigstore-services.ts";

/**
 * Level L3, with everything in it real but the identity provider: a package is published with provenance from a git repository, a second Assay mirrors it, and `assay audit --reproducible` fetches the
 * commit from a git host on loopback, packs it and compares.
 */
const scratch = mkdtempSync(join(tmpdir(), "assay-reproducible-"));
const trustedRoot = join(scratch, "root.json");
const PURL = "pkg:aam/%40myorg/demo@1.2.3";
const TARBALL = "/aam/packages/@myorg/demo/1.2.3/tarball";
let sigstore: SigstoreServices;
let hosts: GitServer;

beforeAll(async () => {
  [sigstore, hosts] = [await startSigstore(), await startGitServer()];
  writeFileSync(trustedRoot, JSON.stringify(sigstore.instance.trustedRoot()));
});
afterAll(async () => {
  await Promise.all([sigstore?.close(), hosts?.close()]);
  rmSync(scratch, { recursive: true, force: true });
});

const SIGNERS = `
signers:
  ci: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool, trust: internal}}
`;
const asking = (level: string): string =>
  `${SIGNERS}rules: [{match: ["pkg:aam/**"], signed_by: {any: [ci]}, provenance: {level: ${level}, on_missing: error}}]\n`;

interface Second {
  readonly mirror: MirrorBench;
  readonly configFile: string;
  readonly policyFile: string;
}

async function start(repository: string, policy: string, git = ""): Promise<Second> {
  const dataDir = temporaryFolder();
  const policyFile = join(dataDir, "policy.yaml");
  writeFileSync(policyFile, `version: 1\n${policy}`);
  const config = `policy: ${policyFile}\ntrust: {internal: {sigstore: ${trustedRoot}}}\nrepositories:\n  - ${repository}\n${git}`;
  const mirror = await startMirror({ config, dataDir });
  onTestFinished(() => mirror.close());
  return { mirror, configFile: join(dataDir, "test-config.yaml"), policyFile };
}

interface Publication {
  readonly policy: string;
  /** The package's folder; the repository's root where it is left out. */
  readonly folder?: string;
  readonly flags?: PublishFlags;
  readonly env?: Readonly<Record<string, string>>;
  /** How the mirror is to know the git host. */
  readonly git?: string;
}

interface Published extends Second {
  readonly registry: MirrorBench;
  readonly commit: string;
}

/** A package published from `repository`, whose history the git host has, and an Assay that mirrors it. */
async function published(repository: PackageRepository, { policy, folder, flags, env, git }: Publication): Promise<Published> {
  const { mirror: registry } = await start("{name: skills, ecosystem: aam, type: hosted, trust: internal}", SIGNERS);
  await signedRelease({
    repository,
    ...(folder === undefined ? {} : { folder }),
    to: `${registry.url}/skills/`,
    token: await addToken(registry.dataDir),
    sigstore,
    trustedRoot,
    flags: flags && !flags.allowDirty ? flags : { provenance: true, ...flags },
    ...(env ? { env } : {}),
  });
  const bare = hosts.repository("acme/tool");
  onTestFinished(() => bare.remove());
  bare.git(["fetch", "--quiet", repository.folder, "+refs/*:refs/*"]);
  const known = git ?? `git: {hosts: [{host: github.com, url: "${hosts.origin}/"}]}\n`;
  const upstream = `{name: aam, ecosystem: aam, upstreams: [{url: "${registry.url}/skills/", trust: internal}]}`;
  return { ...(await start(upstream, policy, known)), registry, commit: repository.commit };
}

interface Answer {
  readonly exit: number;
  readonly text: string;
}

async function command(
  { mirror, configFile }: Second,
  json: boolean,
  run: (command: ReportCommand) => Promise<number>,
  flags: { readonly offline?: true } = {},
): Promise<Answer> {
  const env = { ASSAY_TRUST: "{public: {tuf: off}}", PATH: process.env["PATH"] };
  const config = loadConfig({ env, flags: { config: configFile, data: mirror.dataDir, ...flags } });
  const printed: string[] = [];
  const exit = await run({ config, env, print: (text) => void printed.push(text), json, repository: undefined });
  return { exit, text: printed.join("") };
}

async function rebuild(second: Second, flags: { readonly offline?: true } = {}): Promise<{ readonly exit: number; readonly said: Loose }> {
  const { exit, text } = await command(second, true, (asked) => auditReproducible(asked, [PURL]), flags);
  return { exit, said: JSON.parse(text) };
}

async function reported({ mirror }: Second): Promise<Loose> {
  return ((await (await mirror.get(`/api/v1/artifacts?purl=${encodeURIComponent(PURL)}`)).json()) as Loose).artifacts[0];
}

const statusOf = async ({ mirror }: Second): Promise<number> => (await mirror.get(TARBALL)).status;

describe("a package that follows from its source", () => {
  test("is L3 once it was rebuilt: a policy that asks for L3 refuses it before, and admits it after without a download", async () => {
    const second = await published(packageRepository(), { policy: asking("L2") });
    expect(await statusOf(second)).toBe(200);
    await changePolicy(second.mirror, second.policyFile, `version: 1\n${asking("L3")}`);
    expect(await statusOf(second)).toBe(403);
    await second.registry.close();
    const { exit, said } = await rebuild(second);
    expect(exit).toBe(0);
    expect(said.rebuilds).toMatchObject([
      {
        purl: expect.stringContaining("demo"),
        result: "identical",
        level: { before: "L2", after: "L3" },
        source: { repository: "https://github.com/acme/tool", commit: second.commit, folder: "", ref: "refs/tags/v1.0.0" },
        differences: [],
        differencesCount: 0,
      },
    ]);
    expect(said.rebuilds[0].rebuilt).toEqual(said.rebuilds[0].published);
    expect(await statusOf(second)).toBe(200);
    expect(readdirSync(join(second.mirror.dataDir, "tmp")).filter((name) => name.startsWith("rebuild"))).toEqual([]);
  }, 120_000);

  test("is told of from then on by explain, inspect, audit and the API, in words and as evidence with both digests", async () => {
    const second = await published(packageRepository(), { policy: asking("L2") });
    expect(await statusOf(second)).toBe(200);
    const { text } = await command(second, false, (asked) => auditReproducible(asked, [PURL]));
    expect(text).toContain("came to the same bytes");
    const { level, evidence, digest } = await reported(second);
    expect(level).toMatchObject({ reached: "L3", why: expect.stringContaining(second.commit.slice(0, 12)) });
    expect(evidence.filter(({ verifier }: Loose) => verifier === "rebuild")).toMatchObject([
      {
        subject: digest,
        outcome: { claims: { result: "identical", published_sha256: digest, rebuilt_sha256: digest, commit: second.commit } },
      },
    ]);
    for (const look of [(asked: ReportCommand) => explain(asked, PURL), (asked: ReportCommand) => inspectProvenance(asked, PURL)]) {
      const told = await command(second, false, look);
      expect(told.text).toMatch(/identical: rebuilding it from its source came to the same bytes/);
      expect(told.text).toContain(`sha256:${digest}`);
    }
    const audited = await command(second, false, (asked) => auditProvenance(asked, { purls: [PURL], all: false, level: "L3" }));
    expect(audited).toMatchObject({ exit: 0, text: expect.stringMatching(/admitted +L3 +L3/) });
  }, 120_000);

  test("is rebuilt before it was ever let in, where the policy asks for L3 from the start", async () => {
    const second = await published(packageRepository(), { policy: asking("L3") });
    expect(await statusOf(second)).toBe(403);
    expect((await rebuild(second)).said.rebuilds).toMatchObject([{ result: "identical", level: { before: "L2", after: "L3" } }]);
    expect(await statusOf(second)).toBe(200);
    expect(await reported(second)).toMatchObject({ level: { reached: "L3" }, held: true });
  }, 120_000);

  test("is packed from the folder and with the time that its provenance states", async () => {
    const inFolder = Object.fromEntries(Object.entries(packageContent()).map(([path, content]) => [`pkg/demo/${path}`, content]));
    const repository = packageRepository({ ...inFolder, "package.agent.json": manifestText({ name: "@myorg/another" }) });
    const env = { SOURCE_DATE_EPOCH: "1700000000" };
    const second = await published(repository, { policy: asking("L2"), folder: join(repository.folder, "pkg/demo"), env });
    expect((await rebuild(second)).said.rebuilds).toMatchObject([{ result: "identical", source: { folder: "pkg/demo" } }]);
  }, 120_000);

  test("stays L3 when its bytes are fetched and checked once more", async () => {
    const second = await published(packageRepository(), { policy: asking("L3") });
    await rebuild(second);
    expect(await statusOf(second)).toBe(200);
    const { digest } = await reported(second);
    const blobs = join(second.mirror.dataDir, "blobs-v1");
    const [file] = readdirSync(blobs, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(digest));
    rmSync(join(blobs, file ?? "missing"));
    // The one that served it has it open.
    const mirror = await startMirror({ config: readFileSync(second.configFile, "utf8"), dataDir: second.mirror.dataDir });
    onTestFinished(() => mirror.close());
    expect(await reported({ ...second, mirror })).toMatchObject({ held: false });
    expect(await statusOf({ ...second, mirror })).toBe(200);
    expect(await reported({ ...second, mirror })).toMatchObject({ level: { reached: "L3" }, held: true });
  }, 120_000);

  test("stays L3 beside a later rebuild that does not succeed, and takes none over for other bytes", async () => {
    const second = await published(packageRepository(), { policy: asking("L2") });
    await rebuild(second);
    const { ref, digest, evidence } = await reported(second);
    const before = rebuildsIn(evidence)[0];
    if (!before) throw new Error("it was not rebuilt");
    const { rebuilds } = second.mirror.assay;
    const asker = { kind: "command", command: "audit" } as const;
    const other = parseDigest("b".repeat(64));
    await rebuilds.record(ref, { ...before, result: "differs", rebuilt: other, differencesCount: 1, builder: "another" }, asker);
    const results = async (): Promise<unknown[]> =>
      rebuildsIn((await reported(second)).evidence).map(({ result, builder }) => [result, builder]);
    expect(await results()).toEqual([
      ["identical", before.builder],
      ["differs", "another"],
    ]);
    expect((await reported(second)).level.reached).toBe("L3");
    await rebuilds.record(ref, before, asker);
    expect(await results()).toEqual([["identical", before.builder]]);
    const foreign = { ...before, published: other, rebuilt: other };
    await expect(rebuilds.record(ref, foreign, asker)).rejects.toMatchObject({ code: "CONFLICT" });
    expect((await reported(second)).digest).toBe(digest);
  }, 120_000);

  test("stays L2 where its provenance does not claim that it is reproducible", async () => {
    const repository = packageRepository();
    // Never packed, so the bytes are those of the commit; but the tree has a change, which the statement tells of.
    repository.write("package.agent.lock", "{}");
    const second = await published(repository, { policy: asking("L2"), flags: { allowDirty: true } });
    const { exit, said } = await rebuild(second);
    expect(exit).toBe(2);
    expect(said.rebuilds).toMatchObject([{ result: "identical", level: { before: "L2", after: "L2" } }]);
    expect((await reported(second)).level.why).toMatch(/does not claim to be reproducible/);
  }, 120_000);
});

describe("a package that does not follow from its source", () => {
  const changed = async (policy: string): Promise<Second> => {
    const repository = packageRepository({ "skills/demo/left.md": "left out\n" });
    repository.write("skills/demo/SKILL.md", "---\nname: demo\ndescription: a skilL\n---\n");
    repository.write("skills/demo/added.md", "not in the commit\n");
    rmSync(join(repository.folder, "skills/demo/left.md"));
    return published(repository, { policy, flags: { allowDirty: true } });
  };

  test("is told apart file by file, stays L2, and is refused where L3 is asked for", async () => {
    const second = await changed(asking("L2"));
    expect(await statusOf(second)).toBe(200);
    const { exit, said } = await rebuild(second);
    expect(exit).toBe(2);
    const [found] = said.rebuilds;
    expect(found).toMatchObject({ result: "differs", level: { before: "L2", after: "L2" }, differencesCount: 3 });
    expect(found.published.listingSha256).not.toBe(found.rebuilt.listingSha256);
    const entry = /^sha256:[0-9a-f]{64} [0-9]+ bytes mode 0644$/;
    expect(found.differences).toEqual([
      { kind: "changed", path: "skills/demo/SKILL.md", published: expect.stringMatching(entry), rebuilt: expect.stringMatching(entry) },
      { kind: "only-published", path: "skills/demo/added.md", published: expect.stringMatching(entry), rebuilt: null },
      { kind: "only-rebuilt", path: "skills/demo/left.md", published: null, rebuilt: expect.stringMatching(entry) },
    ]);
    expect(await statusOf(second)).toBe(200);
    const told = await command(second, false, (asked) => explain(asked, PURL));
    expect(told.text).toMatch(/difference +changed "skills\/demo\/SKILL\.md": published sha256:[0-9a-f]{16} /);
    await changePolicy(second.mirror, second.policyFile, `version: 1\n${asking("L3")}`);
    const refused = await second.mirror.get(TARBALL);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain("came to something else (3 differences)");
  }, 120_000);

  test("is remembered as such though the line that says so is a refusal", async () => {
    const second = await changed(asking("L2"));
    expect(await statusOf(second)).toBe(200);
    await changePolicy(second.mirror, second.policyFile, `version: 1\n${asking("L3")}`);
    await rebuild(second);
    expect(await (await second.mirror.get(TARBALL)).text()).toContain("came to something else");
  }, 120_000);

  test("that is not held is told apart by its digest alone", async () => {
    const second = await changed(asking("L3"));
    expect(await statusOf(second)).toBe(403);
    const [found] = (await rebuild(second)).said.rebuilds;
    expect(found).toMatchObject({
      result: "differs",
      level: { after: "L2" },
      differences: [],
      notes: expect.arrayContaining([expect.stringContaining("not held")]),
    });
    expect(await statusOf(second)).toBe(403);
  }, 120_000);
});

describe("what cannot be rebuilt changes nothing and says why", () => {
  test.each([
    { name: "a git host that is not configured", git: "", exit: 2, code: "UPSTREAM_NOT_ALLOWED" },
    {
      name: "a repository that the host's patterns leave out",
      git: 'git: {hosts: [{host: github.com, url: "HOST/", repositories: ["acme/other"]}]}\n',
      exit: 2,
      code: "UPSTREAM_NOT_ALLOWED",
    },
    {
      name: "a host that has no such repository",
      git: 'git: {hosts: [{host: github.com, url: "HOST/elsewhere/"}]}\n',
      exit: 76,
      code: "UPSTREAM_MALFORMED",
    },
    {
      name: "a repository larger than the limit",
      git: 'git: {hosts: [{host: github.com, url: "HOST/"}]}\nlimits: {git_repository: 1kB}\n',
      exit: 76,
      code: "UPSTREAM_LIMIT",
    },
  ])(
    "$name",
    async ({ git, exit, code }) => {
      const second = await published(packageRepository({ "large.md": randomBytes(8192).toString("hex") }), {
        policy: asking("L2"),
        git: git.replace("HOST", hosts.origin),
      });
      expect(await statusOf(second)).toBe(200);
      const answer = await rebuild(second);
      expect(answer).toMatchObject({ exit, said: { artifacts: [], rebuilds: [], errors: [{ code }] } });
      expect((await reported(second)).level.reached).toBe("L2");
    },
    120_000,
  );

  test("offline no source is fetched", async () => {
    const second = await published(packageRepository(), { policy: asking("L2") });
    expect(await statusOf(second)).toBe(200);
    const asked = hosts.requests.length;
    expect(await rebuild(second, { offline: true })).toMatchObject({ exit: 69, said: { errors: [{ code: "OFFLINE" }] } });
    expect(hosts.requests).toHaveLength(asked);
  }, 120_000);

  test("a source that only a signer names whom the policy does not let count: nobody is asked for it", async () => {
    const other = asking("L0").replace("repository: acme/tool", "repository: acme/other");
    const second = await published(packageRepository(), { policy: other });
    expect(await statusOf(second)).toBe(403);
    const asked = hosts.requests.length;
    expect(await rebuild(second)).toMatchObject({ exit: 65, said: { rebuilds: [], errors: [{ code: "UNPROCESSABLE" }] } });
    expect(hosts.requests).toHaveLength(asked);
  }, 120_000);

  test("a package that nobody has signed", async () => {
    const second = await published(packageRepository(), { policy: asking("L2"), flags: {} });
    expect(await statusOf(second)).toBe(403);
    expect(await rebuild(second)).toMatchObject({ exit: 65, said: { errors: [{ code: "UNPROCESSABLE" }] } });
  }, 120_000);

  test("nothing named is wrong usage", async () => {
    const second = await published(packageRepository(), { policy: asking("L2") });
    await expect(command(second, true, (asked) => auditReproducible(asked, []))).rejects.toMatchObject({ code: "USAGE" });
  }, 120_000);
});
