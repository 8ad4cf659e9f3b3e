import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { ArtifactRef } from "../../src/core/artifact.ts";
import type { Index } from "../../src/core/ports/index-store.ts";
import type { Verdict } from "../../src/core/verdict.ts";
import { SqliteIndex } from "../../src/store/sqlite-index.ts";
import { decide } from "../support/decided.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LEFT_PAD: ArtifactRef = { repository: "npm", ecosystem: "npm", name: "left-pad", version: "1.3.0", file: "left-pad-1.3.0.tgz" };
const FLASK: ArtifactRef = {
  repository: "pypi",
  ecosystem: "pypi",
  name: "flask-login",
  version: "0.6.3",
  file: "Flask_Login-0.6.3-py3-none-any.whl",
};
const REFUSE: Verdict = {
  kind: "refuse",
  reasons: [{ code: "DENIED", rule: "deny[0]", verifier: "policy", text: "stolen \u001b[2Jby somebody", help: "use another" }],
};

let dataDir: string;
let index: Index;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "assay-cli-log-"));
  index = await SqliteIndex.open({ dataDir, clock: { now: Date.now } });
  await decide(index, LEFT_PAD, { time: "2026-01-01T10:00:00.000Z" });
  await decide(index, LEFT_PAD, { verdict: REFUSE, time: "2026-02-01T10:00:00.000Z", repeats: 3 });
  await decide(index, FLASK, {
    verdict: REFUSE,
    time: "2026-03-01T10:00:00.000Z",
    asker: { kind: "command", command: "explain" },
    detail: "\u001b[31m",
  });
});
afterAll(async () => {
  await index.close();
  rmSync(dataDir, { recursive: true });
});

function show(...flags: readonly string[]): { code: number | null; out: string; err: string } {
  return log("show", ...flags);
}

function log(...flags: readonly string[]): { code: number | null; out: string; err: string } {
  const args = ["src/main.ts", "log", ...flags, ...(flags.includes("--data") ? [] : ["--data", dataDir])];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

describe("assay log show", () => {
  test.each([
    { name: "an outcome there is none of", flags: ["--outcome", "refused"], code: 64 },
    { name: "a time that is none", flags: ["--since", "yesterday"], code: 64 },
    { name: "a time of nobody's calendar", flags: ["--since", "2026-99-01"], code: 64 },
    { name: "a pattern that is none", flags: ["--purl", "pkg:npm/left/*/pad"], code: 65 },
    { name: "a position that is none", flags: ["--after", "-1"], code: 64 },
    { name: "a purl that is none", flags: ["--purl", "left-pad"], code: 65 },
    { name: "a data folder without an index", flags: ["--data", join(tmpdir(), "assay-no-such-folder")], code: 66 },
  ])("says no to $name", ({ flags, code }) => {
    expect(show(...flags)).toMatchObject({ code, out: "", err: expect.stringMatching(/^assay: /) });
  });

  test("tells a person who asked for what, what it came to and why, and no terminal what to do", () => {
    expect(show()).toEqual({
      code: 0,
      err: "",
      out: `\
2026-01-01 10:00:00Z  admit                pkg:npm/left-pad@1.3.0  (192.0.2.1, pip/26.0)
2026-02-01 10:00:00Z  refuse               pkg:npm/left-pad@1.3.0  (192.0.2.1, pip/26.0, 3 times more)
                      DENIED [deny[0]] stolen  [2Jby somebody
2026-03-01 10:00:00Z  refuse               pkg:pypi/flask-login@0.6.3?file_name=Flask_Login-0.6.3-py3-none-any.whl  (cli: explain)
                      DENIED [deny[0]] stolen  [2Jby somebody
                      \\u{1b}[31m
`,
    });
  });

  test("prints as JSON what is kept, byte for byte", async () => {
    const { out } = show("--json");
    expect(out).toBe((await index.decisions({ from: 0, limit: 10 })).map(({ text }) => `${text}\n`).join(""));
  });

  test("export prints them all, and goes on where a program has left off", async () => {
    const kept = (await index.decisions({ from: 0, limit: 10 })).map(({ text }) => `${text}\n`);
    expect(log("export").out).toBe(kept.join(""));
    expect(log("export", "--after", "0", "--limit", "1").out).toBe(kept[1]);
    expect(log("export", "--after", "2")).toEqual({ code: 0, out: "", err: "" });
  });

  test.each([
    { flags: ["--purl", "pkg:npm/left-pad"], positions: [0, 1] },
    { flags: ["--purl", "pkg:npm/left-pad@1.3.0", "--outcome", "refuse"], positions: [1] },
    { flags: ["--purl", "pkg:npm/left-pad@1.3.1"], positions: [] },
    { flags: ["--purl", "pkg:pypi/Flask.Login"], positions: [2] },
    { flags: ["--since", "2026-01-15"], positions: [1, 2] },
    { flags: ["--since", "2026-02-01T10:00:00.001Z"], positions: [2] },
    { flags: ["--since", "1ms"], positions: [] },
    { flags: ["--until", "2026-02-01T10:00:00.000Z"], positions: [0] },
    { flags: ["--purl", "pkg:*/*l*@*.6.*"], positions: [2] },
    { flags: ["--purl", "pkg:npm/left-*", "--limit", "1"], positions: [0] },
    { flags: ["--repository", "npm", "--after", "0"], positions: [1] },
  ])("$flags: entries $positions", ({ flags, positions }) => {
    const { out, code } = show("--json", ...flags);
    expect(code).toBe(0);
    const lines = out.split("\n").filter((line) => line !== "");
    expect(lines.map((line) => (JSON.parse(line) as { position: number }).position)).toEqual(positions);
  });

  test("--follow goes on with what another process writes, until it is told to stop", { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, ["src/main.ts", "log", "show", "--data", dataDir, "--json", "--follow"], { cwd: ROOT });
    onTestFinished(() => void child.kill("SIGKILL"));
    let out = "";
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const lines = (count: number) =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (out.split("\n").length > count) resolve();
        };
        child.stdout.on("data", look);
        look();
      });
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    await lines(3);
    await decide(index, LEFT_PAD, { time: "2026-04-01T10:00:00.000Z" });
    await lines(4);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    expect(JSON.parse(out.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({ position: 3, time: "2026-04-01T10:00:00.000Z" });
  });
});
