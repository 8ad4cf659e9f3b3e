import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { rotateKeys, showKeys } from "../../src/cli/keys.ts";
import { parseVsaKeys } from "../../src/verify/vsa/vsa-key.ts";

function commandIn(dataDir: string, json = false) {
  const printed: string[] = [];
  return { command: { config: { dataDir }, json, print: (text: string) => void printed.push(text) }, text: () => printed.join("") };
}

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "assay-cli-keys-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("keys that others can read are not shown as if they were good", async () => {
  const dataDir = dataFolder();
  await showKeys(commandIn(dataDir).command, false);
  chmodSync(join(dataDir, "keys"), 0o755);
  await expect(showKeys(commandIn(dataDir).command, false)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await expect(rotateKeys(commandIn(dataDir).command)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

test("what --pem prints is the file that a policy takes, with the keys of before", async () => {
  const dataDir = dataFolder();
  const [before, rotated, pem, json, lines] = [
    commandIn(dataDir),
    commandIn(dataDir),
    commandIn(dataDir),
    commandIn(dataDir, true),
    commandIn(dataDir),
  ];
  expect(await showKeys(before.command, false)).toBe(0);
  expect(await rotateKeys(rotated.command)).toBe(0);
  await showKeys(pem.command, true);
  await showKeys(json.command, false);
  await showKeys(lines.command, false);

  const { keys } = JSON.parse(json.text()) as { keys: { id: string; validUntil: string | null }[] };
  expect(keys.map(({ validUntil }) => validUntil === null)).toEqual([true, false]);
  expect(parseVsaKeys("keys", pem.text()).map(({ keyId }) => keyId)).toEqual(keys.map(({ id }) => id));
  expect(rotated.text()).toContain(`${keys[0]?.id} signs from now on`);
  expect(before.text()).toContain(`${keys[1]?.id}  signs since`);
  expect(lines.text().split("\n")).toEqual([
    expect.stringMatching(/^sha256:[0-9a-f]{64} {2}signs since /),
    expect.stringMatching(/^sha256:[0-9a-f]{64} {2}signed from .* to /),
    "",
  ]);
});
