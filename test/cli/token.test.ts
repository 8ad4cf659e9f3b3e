import { expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { createToken, listTokens, revokeToken, type TokenFlags } from "../../src/cli/token.ts";
import { tokenSha256 } from "../../src/core/access-token.ts";
import type { Digest } from "../../src/core/digest.ts";
import { SqliteTokens } from "../../src/store/hosted/sqlite-tokens.ts";
import { temporaryFolder } from "../store/temporary-folder.ts";

const FLAGS: TokenFlags = { owner: "alice@acme.example", repository: ["skills"], scope: ["publish", "yank"] };
const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

function bench(json = false) {
  const dataDir = temporaryFolder();
  const printed: string[] = [];
  const { repositories } = loadConfig({
    env: { ASSAY_REPOSITORIES: "[{name: skills, ecosystem: aam, type: hosted}, {name: aam, ecosystem: aam, upstreams: []}]" },
    flags: {},
  });
  const command = { config: { dataDir, repositories }, now: NOW, json, print: (text: string) => void printed.push(text) };
  return { command, dataDir, text: () => printed.splice(0).join("") };
}

test.each<[string, Partial<TokenFlags>]>([
  ["a repository that is not hosted", { repository: ["aam"] }],
  ["a repository that is not there", { repository: ["skills", "other"] }],
  ["a scope that there is not", { scope: ["everything"] }],
  ["a life without a unit", { expires: "90" }],
  ["a life of nothing", { expires: "0s" }],
  ["an owner with a line break", { owner: "alice\nbob" }],
  ["no owner", { owner: "" }],
  ["a pattern with three stars", { package: ["***"] }],
])("no token is made for %s", async (_, flags) => {
  const { command, text } = bench();
  await expect(createToken(command, { ...FLAGS, ...flags })).rejects.toMatchObject({ code: "USAGE" });
  expect(text()).toBe("");
  await listTokens(command);
  expect(text()).toBe("");
});

test("a token is printed once, kept as a hash with its end, listed without its secret, and revoked", async () => {
  const { command, dataDir, text } = bench();
  await createToken(command, { ...FLAGS, package: ["@acme/*"] });
  const [secret = ""] = text().split("\n");
  const tokens = await SqliteTokens.open({ dataDir });
  onTestFinished(() => tokens.close());
  const kept = await tokens.find(tokenSha256(secret) as Digest);
  expect(kept?.token).toMatchObject({ owner: "alice@acme.example", packages: ["@acme/*"], expiresAt: NOW + 90 * DAY_MS });

  await listTokens(command);
  const listed = text();
  expect(listed).toContain("alice@acme.example  publish,yank  skills  @acme/*  expires 2026-04-01");
  expect(listed).not.toContain(secret.slice(4, 20));

  const id = kept?.token.id ?? "";
  await revokeToken({ ...command, json: true }, id);
  expect(JSON.parse(text())).toEqual({ revoked: id, revokedAt: new Date(NOW).toISOString() });
  await expect(revokeToken(command, id)).rejects.toMatchObject({ code: "NOT_FOUND" });
  await listTokens(command);
  expect(text()).toContain("revoked 2026-01-01");
});

test("as JSON, and for ever where that was asked for", async () => {
  const { command, text } = bench(true);
  await createToken(command, { ...FLAGS, expires: "never" });
  expect(JSON.parse(text())).toMatchObject({ token: expect.stringMatching(/^aam_/), owner: "alice@acme.example", expiresAt: null });
  await listTokens(command);
  expect(JSON.parse(text())).toMatchObject({ tokens: [{ scopes: ["publish", "yank"], revokedAt: null }] });
});
