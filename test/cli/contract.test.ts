import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, onTestFinished, test } from "vitest";
import { createProgram } from "../../src/cli/index.ts";
import { sharedData } from "../support/shared-data.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Programs of other people call any command with these. */
const COMMON = ["--config", "--data", "--policy", "--json"];

function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function nameOf(command: Command): string {
  return command.parent?.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

const program = createProgram({ env: {}, print: () => {}, warn: () => {}, end: () => {} });
const all = leaves(program).filter((command) => command.name() !== "help");

test.each(all.map((command) => [nameOf(command), command] as const))("assay %s takes what every command takes", (_, command) => {
  expect(command.options.map(({ long }) => long)).toEqual(expect.arrayContaining(COMMON));
});

function assay(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["src/main.ts", ...args], { cwd: ROOT }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

describe("a configuration that is not valid", () => {
  test.each([
    ["pack", "."],
    ["publish", "."],
  ])("is told by `assay %s`, which goes by none", async (...args) => {
    const folder = mkdtempSync(join(tmpdir(), "assay-contract-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const config = join(folder, "assay.yaml");
    writeFileSync(config, "witholds: 8MiB\n");
    expect(await assay(...args, "--config", config)).toMatchObject({
      code: 78,
      out: "",
      err: expect.stringContaining("did you mean withhold?"),
    });
  });
});

const source = sharedData("aam/src/git-utils-1.0.1");

test.skipIf(!source)("the archive is the same whatever the configuration", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-contract-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const config = join(folder, "assay.yaml");
  writeFileSync(config, "limits: {archive: 1MiB}\n");
  const listed = (await assay("pack", String(source), "--list", "--json")).out;
  expect(JSON.parse(listed)).toMatchObject({ name: "git-utils", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect((await assay("pack", String(source), "--list", "--json", "--config", config, "--data", folder)).out).toBe(listed);
});
