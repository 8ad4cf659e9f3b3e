import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { type PrefetchFlags, prefetch } from "../../src/cli/prefetch.ts";
import { codeOf } from "../contract/code-of.ts";
import { buildNpmTarball, buildWheel } from "../support/archives.ts";
import { noise, publishTarball } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { publishTarballs, publishWheels } from "../support/releases.ts";
import type { Loose } from "../support/sigstore-instance.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-cli-prefetch-"));
const OTHER = "ab".repeat(32);
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const wheelHash = (name: string, version: string): string => sha256(buildWheel({ name, version }).bytes);
const integrity = (name: string, version: string): string =>
  `sha512-${createHash("sha512").update(buildNpmTarball({ name, version }).bytes).digest("base64")}`;

let upstream: FakeUpstream;
beforeEach(async () => {
  upstream = await startFakeUpstream();
  publishWheels(upstream, "six", [{ version: "1.15.0" }, { version: "1.16.0" }]);
  publishTarballs(upstream, "left-pad", [{ version: "1.3.0" }]);
  publishTarballs(upstream, "fsevents", [{ version: "2.0.0" }]);
  publishTarballs(upstream, "liar", [{ version: "1.0.0", saysItIs: "left-pad" }]);
  return () => upstream.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A project with locks, and a data folder with nothing in it. */
class Project {
  readonly root = mkdtempSync(join(folder, "project-"));
  readonly shown: string[] = [];
  /** Further repositories. */
  more = "";

  lock(name: string, text: string | Loose): string {
    const path = join(this.root, name);
    writeFileSync(path, typeof text === "string" ? text : JSON.stringify(text));
    return path;
  }

  async prefetch(
    paths: readonly string[],
    flags: PrefetchFlags = {},
    { interrupted = new AbortController().signal, isTerminal = false } = {},
  ) {
    const config = join(this.root, "assay.yaml");
    const at = (path: string): string => upstream.url(path).href;
    writeFileSync(
      config,
      `metadata_ttl: 0s\nrepositories:\n  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${at("/pypi/simple/")}", retries: 0}]}\n  - {name: npm, ecosystem: npm, upstreams: [{url: "${at("/npm/")}", retries: 0}]}\n${this.more}`,
    );
    const policy = join(this.root, "policy.yaml");
    writeFileSync(policy, "version: 1\n");
    let text = "";
    const code = await prefetch(
      {
        config: loadConfig({ env: {}, flags: { config, policy, data: join(this.root, "data") } }),
        env: {},
        print: (more) => (text += more),
        warn: (more) => void this.shown.push(more),
        isTerminal,
        columns: 80,
        interrupted,
      },
      paths,
      flags,
    );
    return { code, text, json: (flags.json ? JSON.parse(text) : undefined) as Loose };
  }

  blobs(): number {
    const files = readdirSync(join(this.root, "data", "blobs-v1"), { recursive: true, withFileTypes: true });
    return files.filter((entry) => entry.isFile()).length;
  }
}

const requirement = (version: string, ...hashes: readonly string[]): string =>
  `six==${version} ${hashes.map((hash) => `--hash=sha256:${hash}`).join(" ")}\n`;
const SIX = requirement("1.16.0", wheelHash("six", "1.16.0"));
const npmLock = (packages: Loose): Loose => ({ lockfileVersion: 3, packages });
const locked = (name: string, version: string, more: Loose = {}): Loose => ({
  [`node_modules/${name}`]: {
    version,
    resolved: `https://elsewhere.example/${name}/-/${name}-${version}.tgz`,
    integrity: integrity(name, version),
    ...more,
  },
});
const archives = (): readonly string[] => upstream.requests.map(({ path }) => path).filter((path) => /\.(?:whl|tgz)$/.test(path));

describe("what is not as it is locked", () => {
  test("a digest that no file of the index has is told with both sides, and nothing is fetched", async () => {
    const project = new Project();
    const { code, text } = await project.prefetch([project.lock("requirements.txt", requirement("1.16.0", OTHER))]);
    expect(code).toBe(65);
    expect(text).toContain("bad entry     pkg:pypi/six@1.16.0");
    expect(text).toContain(`expected a file of six 1.16.0 with sha256 ${OTHER} (claimed by requirements.txt:1 for six)`);
    expect(text).toContain(`got six-1.16.0-py3-none-any.whl with sha256 ${wheelHash("six", "1.16.0")} from pypi`);
    expect(archives()).toEqual([]);
  });

  test("the digest of another version's file is none of this version", async () => {
    const project = new Project();
    const { code } = await project.prefetch([project.lock("requirements.txt", requirement("1.15.0", wheelHash("six", "1.16.0")))]);
    expect(code).toBe(65);
    expect(archives()).toEqual([]);
  });

  test("of several digests, one that no file has is not covered", async () => {
    const project = new Project();
    const { code, text } = await project.prefetch([
      project.lock("requirements.txt", requirement("1.16.0", OTHER, wheelHash("six", "1.16.0"))),
    ]);
    expect(code).toBe(0);
    expect(text).toContain(`pypi has no file of version 1.16.0 with sha256 ${OTHER}`);
    expect(text).toContain("1 archive: 1 admitted, 0 already here, 1 not covered");
  });

  test("an archive with another digest than is pinned is refused and not kept", async () => {
    const project = new Project();
    const { code, text } = await project.prefetch([
      project.lock("package-lock.json", npmLock(locked("left-pad", "1.3.0", { integrity: integrity("other", "1.0.0") }))),
    ]);
    expect(code).toBe(2);
    expect(text).toContain("refused       pkg:npm/left-pad@1.3.0");
    expect(text).toContain("(claimed by package-lock.json for left-pad@1.3.0)");
    expect(project.blobs()).toBe(0);
  });

  test("one that is held is compared with the lock all the same, and stays for others", async () => {
    const project = new Project();
    const good = project.lock("package-lock.json", npmLock(locked("left-pad", "1.3.0")));
    expect((await project.prefetch([good])).code).toBe(0);
    const wrong = project.lock("npm-shrinkwrap.json", npmLock(locked("left-pad", "1.3.0", { integrity: integrity("other", "1.0.0") })));
    const { code, text } = await project.prefetch([wrong]);
    expect(code).toBe(2);
    expect(text).toContain("CHECKSUM_MISMATCH");
    const weaker = `sha1-${Buffer.from("00".repeat(20), "hex").toString("base64")}`;
    expect(
      (await project.prefetch([project.lock("npm-shrinkwrap.json", npmLock(locked("left-pad", "1.3.0", { integrity: weaker })))])).code,
    ).toBe(2);
    expect((await project.prefetch([good])).text).toContain("1 archive: 0 admitted, 1 already here");
    expect(project.blobs()).toBe(1);
  });

  test("two locks that pin other bytes of one archive", async () => {
    const project = new Project();
    const one = project.lock("package-lock.json", npmLock(locked("left-pad", "1.3.0")));
    const other = project.lock("npm-shrinkwrap.json", npmLock(locked("left-pad", "1.3.0", { integrity: integrity("other", "1.0.0") })));
    const { code, text } = await project.prefetch([one, other]);
    expect(code).toBe(65);
    expect(text).toContain("two locks pin other bytes of left-pad-1.3.0.tgz");
  });

  test("an archive that is not what it says is refused, and the others are brought in", async () => {
    const project = new Project();
    const lie = { integrity: integrity("left-pad", "1.0.0") };
    const { code, json } = await project.prefetch(
      [project.lock("package-lock.json", npmLock({ ...locked("liar", "1.0.0", lie), ...locked("left-pad", "1.3.0") }))],
      { json: true },
    );
    expect(code).toBe(2);
    expect(json["summary"]).toMatchObject({ archives: 2, admitted: 1, refused: 1 });
    expect(json["artifacts"][0]).toMatchObject({ purl: "pkg:npm/liar@1.0.0", outcome: "refused", repository: "npm" });
    expect(json["artifacts"][0]["reasons"]).not.toEqual([]);
  });

  test("a lock that cannot be used ends it before anything is asked for", async () => {
    const project = new Project();
    const [good, bad] = [project.lock("requirements.txt", SIX), project.lock("package-lock.json", "{")];
    expect(await codeOf(project.prefetch([good, bad]))).toBe("BAD_REQUEST");
    expect(upstream.requests).toEqual([]);
  });
});

describe("what cannot be had", () => {
  test("an upstream that fails", async () => {
    upstream.fault("*", { kind: "status", status: 503 });
    const project = new Project();
    const { code, text } = await project.prefetch([
      project.lock("requirements.txt", SIX),
      project.lock("package-lock.json", npmLock(locked("left-pad", "1.3.0"))),
    ]);
    expect(code).toBe(69);
    expect(text).toContain("unavailable   pkg:pypi/six@1.16.0");
    expect(text).toContain("unavailable   pkg:npm/left-pad@1.3.0");
  });

  test("an archive that upstream does not list", async () => {
    const project = new Project();
    const { code, text } = await project.prefetch([project.lock("package-lock.json", npmLock(locked("left-pad", "9.9.9")))]);
    expect(code).toBe(69);
    expect(text).toContain("no upstream of npm lists left-pad-9.9.9.tgz");
  });

  test("what stands beside an archive: it is here, and incomplete", async () => {
    upstream.fault("/npm/-/npm/v1/attestations/left-pad@1.3.0", { kind: "status", status: 500 });
    const project = new Project();
    const { code, json } = await project.prefetch([project.lock("package-lock.json", npmLock(locked("left-pad", "1.3.0")))], {
      json: true,
    });
    expect(code).toBe(69);
    expect(json["summary"]).toMatchObject({ admitted: 1, incomplete: 1 });
    expect(json["artifacts"][0]["missing"]).toMatchObject([
      { path: "-/npm/v1/attestations/left-pad@1.3.0", error: { code: "UPSTREAM_STATUS" } },
    ]);
    upstream.heal();
    const again = await project.prefetch([join(project.root, "package-lock.json")], { json: true });
    expect(again).toMatchObject({ code: 0, json: { summary: { present: 1, incomplete: 0 } } });
  });
});

test("everything is asked of the repository that serves it, whatever addresses a lock holds, and once", async () => {
  const elsewhere = await startFakeUpstream();
  const project = new Project();
  const locks = [
    project.lock("requirements.txt", `--index-url ${elsewhere.origin}/simple/\n--find-links ${elsewhere.origin}/\n${SIX}`),
    project.lock(
      "package-lock.json",
      npmLock(locked("left-pad", "1.3.0", { resolved: `${elsewhere.origin}/left-pad/-/left-pad-1.3.0.tgz` })),
    ),
    project.lock(
      "pnpm-lock.yaml",
      `lockfileVersion: '9.0'\npackages:\n  left-pad@1.3.0: {resolution: {integrity: ${integrity("left-pad", "1.3.0")}}}\n  own@file:../own: {resolution: {type: directory, directory: ../own}}\n`,
    ),
  ];
  const { code, text } = await project.prefetch(locks);
  expect(code).toBe(0);
  expect(text).toContain("note: requirements.txt:1: the address after --index-url is not followed");
  expect(text).toContain("not covered   own");
  expect(text).toContain("2 archives: 2 admitted, 0 already here, 1 not covered");
  expect(elsewhere.connections).toBe(0);
  expect(archives()).toHaveLength(2);
  await elsewhere.close();
});

test("a second run finds what the first brought in, and fetches no archive", async () => {
  const project = new Project();
  const lock = project.lock("requirements.txt", `${SIX}${requirement("1.15.0", wheelHash("six", "1.15.0"))}`);
  expect((await project.prefetch([lock])).text).toContain("2 archives: 2 admitted, 0 already here");
  const before = archives().length;
  expect((await project.prefetch([lock])).text).toContain("2 archives: 0 admitted, 2 already here");
  expect(archives()).toHaveLength(before);
});

test("a file that upstream took off its page since is the lock's all the same, where it is held", async () => {
  const project = new Project();
  const lock = project.lock("requirements.txt", SIX);
  expect((await project.prefetch([lock])).code).toBe(0);
  publishWheels(upstream, "six", [{ version: "1.15.0" }]);
  expect((await project.prefetch([lock])).text).toContain("1 archive: 0 admitted, 1 already here");
  expect((await new Project().prefetch([lock])).code).toBe(65);
});

test.each([
  ["1.0", 0],
  ["1.0.0+cpu", 0],
  ["1.0+gpu", 65],
])("a build of a version: locked as %s", async (version, expected) => {
  publishWheels(upstream, "torch", [{ version: "1.0+cpu" }]);
  const project = new Project();
  const lock = project.lock("requirements.txt", `torch==${version} --hash=sha256:${wheelHash("torch", "1.0+cpu")}\n`);
  expect((await project.prefetch([lock])).code).toBe(expected);
});

test("a name is asked of the first repository only, of the one that is named, or of the one that has it", async () => {
  const other = await startFakeUpstream();
  publishWheels(other, "six", [{ version: "1.16.0" }]);
  const project = new Project();
  project.more = `  - {name: inside, ecosystem: pypi, upstreams: [{url: "${other.origin}/pypi/simple/", retries: 0}]}\n`;
  const lock = project.lock("requirements.txt", SIX);
  upstream.remove("/pypi/simple/six/");
  expect((await project.prefetch([lock])).code).toBe(69);
  expect(other.requests).toEqual([]);
  expect((await project.prefetch([lock], { repository: "inside" })).code).toBe(0);
  expect((await project.prefetch([lock])).text).toContain("1 archive: 0 admitted, 1 already here");
  expect((await project.prefetch([lock], { repository: "nowhere" })).text).toContain('no repository for pypi packages is called "nowhere"');
  await other.close();
});

test("an interrupted run ends with what it has begun, and the next one goes on", async () => {
  const project = new Project();
  const lock = project.lock("package-lock.json", npmLock({ ...locked("left-pad", "1.3.0"), ...locked("fsevents", "2.0.0") }));
  const interruption = new AbortController();
  upstream.serve("/npm/left-pad/-/left-pad-1.3.0.tgz", () => {
    interruption.abort();
    return { body: buildNpmTarball({ name: "left-pad", version: "1.3.0" }).bytes };
  });
  const { code, text } = await project.prefetch([lock], { jobs: "1" }, { interrupted: interruption.signal });
  expect(code).toBe(130);
  expect(text).toContain("2 archives: 1 admitted, 0 already here");
  expect(text).toContain("interrupted: what is here stays");
  expect((await project.prefetch([lock])).text).toContain("2 archives: 1 admitted, 1 already here");
});

test("what is for other machines is left out, but for its index page", async () => {
  const project = new Project();
  const lock = project.lock(
    "package-lock.json",
    npmLock({ ...locked("left-pad", "1.3.0"), ...locked("fsevents", "2.0.0", { os: ["darwin"] }) }),
  );
  const { code, json } = await project.prefetch([lock], { platform: ["manylinux_2_28_x86_64"], json: true });
  expect(code).toBe(0);
  expect(json["left_out"]).toMatchObject([{ purl: "pkg:npm/fsevents@2.0.0", reason: "it says that it is for other machines" }]);
  expect(archives()).toEqual(["/npm/left-pad/-/left-pad-1.3.0.tgz"]);
  expect(upstream.requestsFor("/npm/fsevents")).toHaveLength(1);
  upstream.fault("/npm/fsevents", { kind: "status", status: 500 });
  rmSync(join(project.root, "data"), { recursive: true });
  const again = await project.prefetch([lock], { platform: ["manylinux_2_28_x86_64"], json: true });
  expect(again).toMatchObject({ code: 69, json: { missing_pages: [{ name: "fsevents" }] } });
});

test("a terminal is shown how far it is, on one line that goes away", async () => {
  const project = new Project();
  upstream.fault("/npm/left-pad/-/left-pad-1.3.0.tgz", { kind: "slow", bytesPerSecond: 600 });
  await project.prefetch([project.lock("package-lock.json", npmLock(locked("left-pad", "1.3.0")))], {}, { isTerminal: true });
  expect(project.shown.join("")).toMatch(/\r.{3}\[\.{20}] 0 of 1 archives {2}/);
  expect(project.shown.at(-1)).toBe("\r\u001b[K");
});

test.each([
  ["a word for a platform that is none", { platform: ["linux"] }],
  ["a word for a Python that is none", { python: ["2.7"] }],
  ["no jobs", { jobs: "0" }],
  ["more jobs than are fetched at once", { jobs: "65" }],
])("%s is wrong usage", async (_, flags) => {
  const project = new Project();
  expect(await codeOf(project.prefetch([project.lock("requirements.txt", SIX)], flags))).toBe("USAGE");
});

test("where there is no room the run ends, and says for which archive", async () => {
  const project = new Project();
  project.more = "cache: {max_size: 1MiB}\n";
  const files = { "package/noise.bin": noise(2 * 1024 * 1024) };
  publishTarball(upstream, { name: "wide", files });
  const pin = createHash("sha512").update(buildNpmTarball({ name: "wide", version: "1.0.0", files }).bytes);
  const lock = project.lock("package-lock.json", {
    lockfileVersion: 3,
    packages: { "node_modules/wide": { version: "1.0.0", integrity: `sha512-${pin.digest("base64")}` } },
  });
  await expect(project.prefetch([lock])).rejects.toMatchObject({
    code: "STORE_FULL",
    message: expect.stringMatching(/^pkg:npm\/wide@1\.0\.0: .*max_size/),
    help: expect.any(String),
  });
});
