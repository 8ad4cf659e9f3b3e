import { createHash } from "node:crypto";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { parseDigest } from "../../../src/core/digest.ts";
import type { Publication } from "../../../src/core/ports/hosted-packages.ts";
import { SqliteHostedPackages } from "../../../src/store/hosted/sqlite-hosted-packages.ts";
import { MIGRATIONS } from "../../../src/store/migrations/index.ts";
import { codeOf } from "../../contract/code-of.ts";
import { hostedPackagesContract } from "../../contract/hosted-packages.ts";
import { temporaryFolder } from "../temporary-folder.ts";

let dataDir = "";
beforeEach(() => {
  dataDir = temporaryFolder();
});

async function open(): Promise<SqliteHostedPackages> {
  const store = await SqliteHostedPackages.open({ dataDir });
  onTestFinished(() => store.close());
  return store;
}

hostedPackagesContract("SqliteHostedPackages", open);

const PUBLICATION: Publication = {
  name: "tool",
  version: "1.0.0",
  precedence: "1.0.0",
  digest: parseDigest("ab".repeat(32)),
  sizeBytes: 10,
  publishedAt: 1_000,
  publishedBy: "alice",
  ofAnyOwner: false,
  status: "approved",
  fields: {},
  signatures: {},
};

const ENTRY = {
  version: 1,
  event: "package.publish",
  timestamp: "2026-01-01T00:00:00.000Z",
  actor: { identity: "alice", auth_method: "token" },
  target: { package: "tool", version: "1.0.0" },
  registry: "https://registry.example/skills",
} as const;

async function published(): Promise<Database.Database> {
  const store = await open();
  await store.publish("skills", PUBLICATION, ENTRY);
  await store.publish("skills", { ...PUBLICATION, name: "other" }, ENTRY);
  const database = new Database(join(dataDir, "assay.db"));
  onTestFinished(() => void database.close());
  return database;
}

describe("the database itself holds on to what was published", () => {
  test.each([
    ["the bytes of a version", "UPDATE hosted_versions SET digest = x'00'", "a published version does not change"],
    ["its name", "UPDATE hosted_versions SET package_id = package_id", "a published version does not change"],
    ["its signatures", "UPDATE hosted_versions SET signatures = '{}'", "a published version does not change"],
    ["the tag that it wants", "UPDATE hosted_versions SET tag = 'latest'", "a published version does not change"],
    ["a version", "DELETE FROM hosted_versions", "a published version is never removed"],
    ["an entry of the audit log", "UPDATE hosted_audit SET entry = '{}'", "the audit log is only ever added to"],
    ["an entry's presence", "DELETE FROM hosted_audit", "the audit log is only ever added to"],
    [
      "the log's order",
      "INSERT INTO hosted_audit SELECT position + 9, repository, package, event, actor, at, entry FROM hosted_audit WHERE position = 0",
      "the audit log has no gaps",
    ],
  ])("%s cannot be changed", async (_, statement, message) => {
    const database = await published();
    expect(() => database.exec(statement)).toThrow(message);
  });

  test("an entry holds the hash of the one before it", async () => {
    const database = await published();
    const [first, second] = database.prepare<unknown[], string>("SELECT entry FROM hosted_audit ORDER BY position").pluck().all();
    expect(JSON.parse(second ?? "")).toMatchObject({
      position: 1,
      previous: createHash("sha256")
        .update(first ?? "")
        .digest("hex"),
    });
  });

  test("a row that was damaged is an error, not an answer", async () => {
    const database = await published();
    database.exec("UPDATE hosted_versions SET deprecated = 'nonsense'");
    expect(await codeOf((await open()).package("skills", "tool"))).toBe("STORE_CORRUPT");
  });
});

/** Migrations that a database had before a pending version kept the tag that it wants. */
const BEFORE_ASKED_TAGS = 7;

test("a tag that a pending version had taken in a database of before waits for its approval", async () => {
  const raw = new Database(join(dataDir, "assay.db"));
  for (const migration of MIGRATIONS.slice(0, BEFORE_ASKED_TAGS)) raw.exec(migration);
  raw.exec(`
    INSERT INTO hosted_packages (id, repository, name, owner) VALUES (1, 'skills', 'tool', 'alice');
    INSERT INTO hosted_versions (id, package_id, version, precedence, digest, size_bytes, published_at, published_by, status, fields, signatures)
      VALUES (1, 1, '1.0.0', '1.0.0', zeroblob(32), 1, 1, 'alice', 'approved', '{}', '{}'), (2, 1, '2.0.0', '2.0.0', zeroblob(32), 1, 1, 'alice', 'pending', '{}', '{}');
    INSERT INTO hosted_tags (package_id, tag, version_id) VALUES (1, 'old', 1), (1, 'stable', 2);
  `);
  raw.pragma(`application_id = ${0x41737379}`);
  raw.pragma(`user_version = ${BEFORE_ASKED_TAGS}`);
  raw.close();
  const found = await (await open()).package("skills", "tool");
  expect(found?.tags).toEqual(new Map([["old", "1.0.0"]]));
  expect(found?.versions.map(({ tag }) => tag)).toEqual([undefined, "stable"]);
});
