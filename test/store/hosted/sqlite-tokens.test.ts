import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type AccessToken, newTokenSecret, tokenSha256 } from "../../../src/core/access-token.ts";
import type { Digest } from "../../../src/core/digest.ts";
import { SqliteTokens } from "../../../src/store/hosted/sqlite-tokens.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const TOKEN: AccessToken = {
  id: "abc",
  owner: "alice",
  scopes: ["publish"],
  repositories: ["skills"],
  packages: ["@acme/*"],
  createdAt: 1,
  expiresAt: 2,
};

async function open(dataDir: string): Promise<SqliteTokens> {
  const tokens = await SqliteTokens.open({ dataDir });
  onTestFinished(() => tokens.close());
  return tokens;
}

test("a token is found by its hash alone, in any process, and its secret is nowhere on disk", async () => {
  const dataDir = temporaryFolder();
  const tokens = await open(dataDir);
  const secret = newTokenSecret();
  const secretSha256 = tokenSha256(secret) as Digest;
  expect(await tokens.find(secretSha256)).toBeUndefined();
  await tokens.add({ token: TOKEN, secretSha256 });
  expect(await (await open(dataDir)).find(secretSha256)).toEqual({ token: TOKEN, secretSha256 });
  expect(await tokens.find(tokenSha256(newTokenSecret()) as Digest)).toBeUndefined();
  for (const file of ["assay.db", "assay.db-wal"]) expect(readFileSync(join(dataDir, file)).includes(secret)).toBe(false);
});

test("a revoked token stays in the list, with its time, and is revoked once", async () => {
  const tokens = await open(temporaryFolder());
  const { expiresAt: _, ...lasting } = TOKEN;
  await tokens.add({ token: lasting, secretSha256: tokenSha256(newTokenSecret()) as Digest });
  expect(await tokens.revoke("nobody", 7)).toBe(false);
  expect(await tokens.revoke("abc", 7)).toBe(true);
  expect(await tokens.revoke("abc", 8)).toBe(false);
  expect(await tokens.all()).toEqual([{ ...lasting, revokedAt: 7 }]);
});
