import { execFile, execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ClientRun, findClient, Workspace } from "../support/clients.ts";
import { archiveOf, type DirectoryBench, startDirectoryBench } from "../support/directory-bench.ts";
import { SigstoreInstance } from "../support/sigstore-instance.ts";

const client = findClient("aam");
if (client === undefined) console.warn("skipped: the aam CLI is not on this machine (PATH is where it is looked for)");
/** A namespace of its own has no way out, not even to this machine. */
const CUT_OFF = ["unshare", "--map-root-user", "--net"];
const withoutNetwork = canLeaveNetwork();
if (!withoutNetwork) console.warn("the aam CLI is not cut off from the network here: this account may not make a network namespace");

let bench: DirectoryBench;
let workspace: Workspace;

beforeEach(async () => {
  workspace = new Workspace();
  bench = await startDirectoryBench();
});
afterEach(() => workspace.remove());

/** Runs the CLI where it can reach nobody. */
function aam(...args: readonly string[]): Promise<ClientRun> {
  const [command = "", ...before] = withoutNetwork ? [...CUT_OFF, client ?? ""] : [client ?? ""];
  const env = { PATH: process.env["PATH"], HOME: workspace.folder, NO_COLOR: "1", TERM: "dumb", COLUMNS: "4000" };
  return new Promise((resolve) => {
    execFile(command, [...before, ...args], { cwd: workspace.folder, env, timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
      resolve({ code, output: `${stdout}\n${stderr}` });
    });
  });
}

function canLeaveNetwork(): boolean {
  try {
    const [unshare = "", ...flags] = CUT_OFF;
    execFileSync(unshare, [...flags, "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function register(): Promise<void> {
  expect(await aam("registry", "add", "kept", `file://${bench.path}`, "--default")).toMatchObject({ code: 0 });
}

const installed = (folder: string): string => readFileSync(join(workspace.folder, ".aam/packages", folder, "aam.yaml"), "utf8");

describe.skipIf(client === undefined)("the real aam CLI on a directory that Assay keeps", { timeout: 240_000 }, () => {
  test("searches it and installs from it, cut off from any network", async () => {
    bench.publish("@acme/review", [
      { version: "1.0.0" },
      { version: "1.4.2", manifest: { keywords: ["audit"], description: "reviews code: no, # really" } },
    ]);
    bench.publish("git-utils", [{ version: "1.0.1" }]);
    expect(await bench.fetch("@acme/review@1.0.0", "@acme/review@1.4.2", "git-utils@1.0.1")).toEqual([200, 200, 200]);
    await bench.sync();
    await register();
    const found = await aam("search", "audit", "--json");
    expect(JSON.parse(found.output)).toMatchObject({
      results: [{ name: "@acme/review", version: "1.4.2", description: "reviews code: no, # really", artifact_types: ["skill"] }],
    });
    for (const [specifier, version] of [
      ["git-utils", "1.0.1"],
      ["@acme/review@^1.0.0", "1.4.2"],
    ] as const) {
      const install = await aam("install", specifier);
      expect(install).toMatchObject({ code: 0, output: expect.stringContaining(`@${version}`) });
    }
    expect(installed("acme--review")).toContain('"version": "1.4.2"');
    const lock = readFileSync(join(workspace.folder, ".aam/aam-lock.yaml"), "utf8");
    const [, digest = ""] = /"?checksum"?: "?(sha256:[0-9a-f]{64})/.exec(bench.read("packages/git-utils/metadata.yaml")) ?? [];
    expect(lock).toContain(digest);
  });

  test("is not disturbed by the signatures beside an archive, which it does not read", async () => {
    const signing = new SigstoreInstance();
    bench = await startDirectoryBench({ signing });
    bench.publish("tool", [{ version: "1.0.0" }]);
    const signatures = [{ type: "sigstore", bundle: signing.signMessage(archiveOf("tool", { version: "1.0.0" })) }];
    bench.upstream.serve("/aam/packages/tool/1.0.0/signature", {
      contentType: "application/json",
      body: JSON.stringify({ name: "tool", version: "1.0.0", signatures, attestations: [] }),
    });
    expect(await bench.fetch("tool@1.0.0")).toEqual([200]);
    await bench.sync();
    expect(bench.files().has("packages/tool/versions/1.0.0.aam.sigstore.json")).toBe(true);
    await register();
    expect(JSON.parse((await aam("search", "tool", "--json")).output)).toMatchObject({ results: [{ name: "tool", version: "1.0.0" }] });
    expect(await aam("install", "tool")).toMatchObject({ code: 0, output: expect.stringContaining("tool@1.0.0") });
  });

  test("takes the newest release, where a pre-release that it could not install is newer", async () => {
    bench.publish("tool", [{ version: "1.0.0" }, { version: "2.0.0-beta.1" }]);
    await bench.fetch("tool@1.0.0", "tool@2.0.0-beta.1");
    await bench.sync();
    await register();
    const install = await aam("install", "tool");
    expect(install).toMatchObject({ code: 0, output: expect.stringContaining("tool@1.0.0") });
    expect(install.output).not.toContain("Traceback");
  });

  test("is never shown a version that was yanked", async () => {
    bench.publish("tool", [{ version: "1.0.0" }, { version: "1.1.0" }]);
    await bench.fetch("tool@1.0.0", "tool@1.1.0");
    await bench.sync();
    bench.publish("tool", [{ version: "1.0.0" }, { version: "1.1.0", yanked: true }]);
    await bench.sync();
    await register();
    expect(await aam("install", "tool")).toMatchObject({ code: 0, output: expect.stringContaining("tool@1.0.0") });
  });

  test("refuses an archive that somebody changed in the directory: its checksum is always there", async () => {
    bench.publish("tool", [{ version: "1.0.0" }]);
    await bench.fetch("tool@1.0.0");
    await bench.sync();
    writeFileSync(join(bench.path, "packages/tool/versions/1.0.0.aam"), "evil");
    await register();
    expect((await aam("install", "tool")).code).not.toBe(0);
    expect(existsSync(join(workspace.folder, ".aam/packages/tool"))).toBe(false);
  });

  test("reads every file of it, whatever texts packages are described with", async () => {
    const odd = [
      "no",
      "2026-01-01",
      "1_000",
      "- a: b",
      "tab\there",
      "\u0085\u2028\u007f\ufeff\u200b",
      "\ud800",
      "😀 'quoted' \"twice\" \\",
      "{a: [b",
      "[/b] [link=evil]",
    ];
    for (const [position, description] of odd.entries()) {
      bench.publish(`odd-${position}`, [{ version: "1.0.0", manifest: { description: `x${description}`, keywords: [description] } }]);
    }
    const names = odd.map((_, position) => `odd-${position}@1.0.0`);
    expect(new Set(await bench.fetch(...names))).toEqual(new Set([200]));
    await bench.sync();
    await register();
    const { output } = await aam("search", "odd", "--json");
    // The archive of one has a character in its own manifest that the client stops at.
    expect(bench.leftOut()).toEqual(["odd-5@1.0.0 CLIENT_MANIFEST"]);
    expect((JSON.parse(output) as { results: unknown[] }).results).toHaveLength(odd.length - 1);
    for (const [position] of odd.entries()) {
      if (position !== 5) expect([position, await aam("install", `odd-${position}`)]).toMatchObject([position, { code: 0 }]);
    }
  });
});
