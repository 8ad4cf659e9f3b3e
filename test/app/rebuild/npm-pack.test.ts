import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { runIsolated } from "../../../src/app/rebuild/isolated-command.ts";
import { directoryIn, npmPack } from "../../../src/app/rebuild/npm-pack.ts";
import { folderOf } from "../../support/package-folder.ts";

const searchPath = process.env["PATH"];
let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "assay-npm-pack-"));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const manifest = (more: Readonly<Record<string, unknown>> = {}): string => JSON.stringify({ name: "demo", version: "1.0.0", ...more });

test("no script of the package runs, whatever its own configuration says", async () => {
  const ran = join(scratch, "ran");
  const scripts = Object.fromEntries(["prepare", "prepack", "postpack", "preinstall"].map((name) => [name, `touch ${ran}`]));
  const folder = folderOf({
    "package.json": manifest({ scripts }),
    ".npmrc": "ignore-scripts=false\npack-destination=/nonexistent\n",
    "index.js": "1;\n",
  });
  const { path, builder } = await npmPack({ folder, scratch, searchPath });
  expect(existsSync(ran)).toBe(false);
  expect(builder).toMatch(/^npm pack \d+\.\d+\.\d+ \(Node \d+\.\d+\.\d+, zlib /);
  const tar = gunzipSync(readFileSync(path)).toString("latin1");
  expect(tar).toContain("package/index.js");
  expect(tar).not.toContain(".npmrc");
}, 60_000);

test("a folder that npm does not pack is an error that says why", async () => {
  const folder = folderOf({ "package.json": "{" });
  await expect(npmPack({ folder, scratch, searchPath })).rejects.toMatchObject({ code: "UNPROCESSABLE" });
}, 60_000);

test("where there is no npm it says so", async () => {
  const folder = folderOf({ "package.json": manifest() });
  await expect(npmPack({ folder, scratch, searchPath: scratch })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
}, 60_000);

test.each<[string, unknown, string]>([
  ["its folder", { repository: { directory: "packages/a" } }, "packages/a"],
  ["none", { repository: "github:acme/tool" }, ""],
  ["one that is no text", { repository: { directory: ["a"] } }, ""],
  ["nothing at all", null, ""],
])("a manifest that names %s", (_name, written, directory) => {
  expect(directoryIn(written)).toBe(directory);
});

test("a program reaches no server, where the kernel gives it a network of its own", async ({ skip }) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const script = `fetch("http://127.0.0.1:${port}/").then(() => console.log("reached"), () => console.log("not reached"))`;
  const env = { PATH: searchPath ?? "" };
  const run = await runIsolated({ command: process.execPath, args: ["-e", script], cwd: scratch, env, timeoutMs: 30_000 });
  if (!run.isCutOff) skip("this kernel lets nobody have a network of their own");
  expect(run.output.trim()).toBe("not reached");
  expect(asked).toEqual([]);
}, 60_000);

test.each([
  { name: "fails", script: "console.error('why\\u001b[2J'); process.exit(3)", timeoutMs: 60_000, says: /failed: why \[2J$/ },
  { name: "does not end", script: "setInterval(() => {}, 1000)", timeoutMs: 1_000, says: /did not finish within 1 s/ },
])(
  "a program that $name is an error",
  async ({ script, timeoutMs, says }) => {
    const command = { command: process.execPath, args: ["-e", script], cwd: scratch, env: { PATH: searchPath ?? "" }, timeoutMs };
    await expect(runIsolated(command)).rejects.toMatchObject({ code: "UNPROCESSABLE", message: expect.stringMatching(says) });
  },
  60_000,
);
