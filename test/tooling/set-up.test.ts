import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const TOOLING = fileURLToPath(new URL("../../config/tooling", import.meta.url));
const RUN = "config/tooling/run.mjs";

/**
 * Stands in for npm: notes how it was called, then does what the real one would leave behind, or fails as FAKE_NPM_FAILS says.
 * An "installed" Node is a script that says it is version 99 and hands everything else to the real one.
 */
const FAKE_NPM = `
const fs = require("node:fs"), path = require("node:path");
const args = process.argv.slice(2);
fs.appendFileSync("npm-calls", args[0] + " " + process.version + "\\n");
if (process.env.FAKE_NPM_FAILS) { console.error("npm error code " + process.env.FAKE_NPM_FAILS + "\\nnpm error in its own words"); process.exit(1); }
if (args[0] === "ci") {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  fs.mkdirSync("node_modules/.bin", { recursive: true });
} else {
  const name = args.find((arg) => arg.endsWith("@26")).split("@")[0];
  const bin = path.join(args[args.indexOf("--prefix") + 1], "node_modules", name, "bin");
  fs.mkdirSync(bin, { recursive: true });
  fs.writeFileSync(path.join(bin, "node"), '#!/bin/sh\\n[ "$1" = --version ] && { echo v99.0.0; exit; }\\nexec "${process.execPath}" "$@"\\n', { mode: 0o755 });
}
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "assay-set-up-"));
  mkdirSync(join(root, "config/tooling"), { recursive: true });
  mkdirSync(join(root, "fake-npm"));
  cpSync(join(TOOLING, "run.mjs"), join(root, RUN));
  cpSync(join(TOOLING, "set-up"), join(root, "config/tooling/set-up"), { recursive: true });
  write("fake-npm/npm-cli.js", FAKE_NPM);
  write("package.json", JSON.stringify({ type: "module", engines: { node: ">=24.15" } }));
  write(
    "package-lock.json",
    JSON.stringify({ lockfileVersion: 3, packages: { "": {}, "node_modules/a": { version: "1.0.0", integrity: "sha512-a" } } }),
  );
  write("fake-npm/package.json", '{"type":"commonjs"}');
  write("hello.ts", 'const words: string[] = process.argv.slice(2);\nconsole.log("hello", ...words);\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  writeFileSync(join(root, path), text);
}

function npmCalls(): string[] {
  return existsSync(join(root, "npm-calls")) ? readFileSync(join(root, "npm-calls"), "utf8").trim().split("\n") : [];
}

interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], env: Record<string, string> = {}): { child: ChildProcess; ended: Promise<Run> } {
  const npm = { npm_execpath: join(root, "fake-npm/npm-cli.js") };
  const child = spawn(process.execPath, [RUN, ...args], {
    cwd: root,
    env: { ...process.env, ...npm, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = new Promise<Run>((resolve) => child.once("close", (code, signal) => resolve({ code, signal, out, err })));
  return { child, ended };
}

const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Run> => start(args, env).ended;

describe("set-up that cannot go on says why and what next, and runs nothing", () => {
  test.each([
    { name: "no network", env: { FAKE_NPM_FAILS: "ENOTFOUND" }, args: ["hello.ts"], says: "npm did not reach its registry (ENOTFOUND)" },
    { name: "npm fails", env: { FAKE_NPM_FAILS: "EUSAGE" }, args: ["hello.ts"], says: "npm error in its own words" },
    { name: "no npm", env: { npm_execpath: "", PATH: "/nowhere" }, args: ["hello.ts"], says: "there is no npm in PATH" },
    {
      name: "another client's path for npm",
      env: { npm_execpath: "/x/pnpm.cjs", PATH: "/nowhere" },
      args: ["hello.ts"],
      says: "there is no npm in PATH",
    },
    { name: "no such script", env: {}, args: ["none.ts"], says: "there is no none.ts in this project" },
    { name: "no such tool", env: {}, args: ["none"], says: '"none" is neither a script nor an installed tool' },
    { name: "a tool outside .bin", env: {}, args: ["../x"], says: "neither a script nor an installed tool" },
    { name: "nothing to run", env: {}, args: [], says: "without a target" },
  ])("$name", async ({ env, args, says }) => {
    const { code, out, err } = await run(args, env);
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err).toContain(says);
    expect(err).toMatch(/^assay: next step: .+/m);
    expect(err).not.toContain("    at ");
  });

  test("a lock file that is gone", async () => {
    rmSync(join(root, "package-lock.json"));
    expect((await run(["hello.ts"])).err).toContain("package-lock.json is missing");
  });

  test("a Node that was installed and does not run", async () => {
    write("package.json", JSON.stringify({ type: "module", engines: { node: ">=100" } }));
    const { code, err } = await run(["hello.ts"]);
    expect(code).toBe(1);
    expect(err).toContain("does not run on this machine");
  });
});

describe("dependencies", () => {
  test("are installed once, and again when the lock file changes", async () => {
    expect(await run(["hello.ts", "a b", "--c"])).toMatchObject({
      code: 0,
      out: "hello a b --c\n",
      err: "assay: installing dependencies (npm ci)\n",
    });
    expect(await run(["hello.ts"])).toMatchObject({ code: 0, err: "" });
    expect(npmCalls()).toHaveLength(1);
    write("package-lock.json", JSON.stringify({ lockfileVersion: 3, packages: { "": {}, "node_modules/a": { version: "2.0.0" } } }));
    expect((await run(["hello.ts"])).code).toBe(0);
    expect(npmCalls()).toHaveLength(2);
  });

  test("are installed once by three that start together", async () => {
    const runs = await Promise.all([run(["hello.ts"]), run(["hello.ts"]), run(["hello.ts"])]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(npmCalls()).toHaveLength(1);
    expect(existsSync(join(root, ".node/set-up.lock"))).toBe(false);
  });

  test("are installed past the lock of a set-up that was killed", async () => {
    const gone = spawn(process.execPath, ["-e", ""]);
    await new Promise((resolve) => gone.once("close", resolve));
    mkdirSync(join(root, ".node"));
    write(".node/set-up.lock", String(gone.pid));
    expect((await run(["hello.ts"])).code).toBe(0);
    expect(npmCalls()).toHaveLength(1);
  });

  test.each([
    { name: "what npm installed already is left as it is", record: { version: "1.0.0", integrity: "sha512-a" }, calls: 0 },
    { name: "other content under the same version is not", record: { version: "1.0.0", integrity: "sha512-b" }, calls: 1 },
    { name: "another version is not", record: { version: "1.0.1", integrity: "sha512-a" }, calls: 1 },
  ])("$name", async ({ record, calls }) => {
    mkdirSync(join(root, "node_modules/a"), { recursive: true });
    write("node_modules/.package-lock.json", JSON.stringify({ packages: { "node_modules/a": record } }));
    expect((await run(["hello.ts"])).code).toBe(0);
    expect(npmCalls()).toHaveLength(calls);
  });

  test("a tool is run by the name it has in .bin", async () => {
    await run(["hello.ts"]);
    write("node_modules/.bin/tool", "#!/usr/bin/env node\nconsole.log('tool', process.argv[2]);\n");
    expect(await run(["tool", "x"])).toMatchObject({ code: 0, out: "tool x\n" });
    write("node_modules/.bin/native", "#!/bin/sh\necho no\n");
    expect((await run(["native"])).err).toContain("native is not a Node program");
  });
});

describe("a Node that is too old", () => {
  beforeEach(() => write("package.json", JSON.stringify({ type: "module", engines: { node: ">=99.0" } })));

  test("is replaced once, for what is run and for npm ci", async () => {
    const first = await run(["hello.ts", "x"]);
    expect(first).toMatchObject({ code: 0, out: "hello x\n" });
    expect(first.err).toContain(`Node ${process.versions.node} is too old (this needs >=99.0); installing Node 26 into .node/`);
    expect(npmCalls().map((call) => call.split(" ")[0])).toEqual(["install", "ci"]);
    expect(await run(["hello.ts"])).toMatchObject({ code: 0, err: "" });
    expect(npmCalls()).toHaveLength(2);
  });

  test("is replaced in PATH too", async () => {
    write(
      "path.ts",
      'import { execFileSync } from "node:child_process";\nconsole.log(execFileSync("node", ["--version"], { encoding: "utf8" }));\n',
    );
    expect((await run(["path.ts"])).out).toContain("v99.0.0");
  });
});

describe.each([
  { name: "in place of the bootstrap", engines: ">=24.15" },
  { name: "below the bootstrap", engines: ">=99.0" },
])("what runs $name", ({ engines }) => {
  beforeEach(() => write("package.json", JSON.stringify({ type: "module", engines: { node: engines } })));

  test("passes its exit code on", async () => {
    write("seven.ts", "process.exit(7);\n");
    expect((await run(["seven.ts"])).code).toBe(7);
  });

  test("passes the signal on that ended it", async () => {
    write("self.ts", 'process.kill(process.pid, "SIGKILL");\nsetInterval(() => {}, 1000);\n');
    expect((await run(["self.ts"])).signal).toBe("SIGKILL");
  });

  test.each(["SIGTERM", "SIGINT"] as const)("gets %s once and may finish", async (signal) => {
    write(
      "serve.ts",
      `let times = 0;\nprocess.on("${signal}", () => { times++; setTimeout(() => { console.log("times", times); process.exit(3); }, 300); });\nsetInterval(() => {}, 1000);\nconsole.log("up");\n`,
    );
    const { child, ended } = start(["serve.ts"]);
    await new Promise<void>((resolve) => child.stdout?.on("data", (text: string) => text.includes("up") && resolve()));
    child.kill(signal);
    const { code, out } = await ended;
    expect(out).toContain("times 1");
    expect(code).toBe(3);
  });
});
