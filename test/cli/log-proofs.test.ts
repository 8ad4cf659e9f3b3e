import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatVerifierKey, noteKeyOf } from "../../src/core/tlog/note-key.ts";
import { SqliteIndex } from "../../src/store/sqlite-index.ts";
import { runTlogGo, TLOG_GO } from "../differential/tlog-go.ts";
import { decide, npmArchive } from "../support/decided.ts";
import { newSigningKey } from "../support/signing-key.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TIMEOUT_MS = 120_000;
const ELSEWHERE = formatVerifierKey(noteKeyOf("log.example", newSigningKey().pem));

let folder: string;
let dataDir: string;
let proof: string;
let key: string;
let kept: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "assay-cli-proofs-"));
  dataDir = join(folder, "data");
  mkdirSync(dataDir);
  await write(["left-pad", "right-pad", "left-pad", "other"]);
  key = (await assay("log", "key")).out.trim();
  kept = join(folder, "kept.txt");
  writeFileSync(kept, (await assay("log", "checkpoint")).out);
  await write(["left-pad", "other"]);
  proof = join(folder, "left-pad.json");
  expect(await assay("log", "prove", "pkg:npm/left-pad", "-o", proof)).toMatchObject({ code: 0 });
}, TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function write(names: readonly string[]): Promise<void> {
  const index = await SqliteIndex.open({ dataDir, clock: { now: Date.now } });
  for (const name of names) await decide(index, npmArchive(name));
  await index.close();
}

/** In a data folder, unless the arguments name one. */
function assay(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const folderFlags = args.includes("--data") ? [] : ["--data", dataDir];
  return new Promise((resolve) => {
    const env = { ...process.env, ASSAY_LOG_ORIGIN: "log.example" };
    execFile(process.execPath, ["src/main.ts", ...args, ...folderFlags], { cwd: ROOT, env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

test("a checkpoint, and what became of proofs, are told as JSON too", { timeout: TIMEOUT_MS }, async () => {
  const { out } = await assay("log", "checkpoint", "--json");
  const { origin, size, note } = JSON.parse(out) as { origin: string; size: number; note: string };
  expect({ origin, size }).toEqual({ origin: "log.example", size: 6 });
  expect(note).toBe((await assay("log", "checkpoint")).out);
  const file = join(folder, "other.json");
  expect(JSON.parse((await assay("log", "prove", "pkg:npm/other", "-o", file, "--json")).out)).toEqual({ file, entries: 2 });
});

interface ProofFile {
  format: string;
  entries: [{ entry: string; proof: string }, ...{ entry: string; proof: string }[]];
}

/** The proof with something else in it. */
function forged(change: (file: ProofFile) => void): string {
  const file = JSON.parse(readFileSync(proof, "utf8")) as ProofFile;
  change(file);
  const path = join(folder, "forged.json");
  writeFileSync(path, JSON.stringify(file));
  return path;
}

describe("assay log verify --proof", () => {
  test.each<{ name: string; change: (file: ProofFile) => void; says: string }>([
    {
      name: "an entry that says something else",
      change: ({ entries: [first] }) => (first.entry = first.entry.replace('"admit"', '"refuse"')),
      says: "position 0: the proof does not lead from this entry to what was signed",
    },
    {
      name: "another entry of the log",
      change: ({ entries: [first, second] }) => (first.entry = second?.entry ?? ""),
      says: "position 0: the proof does not lead from this entry to what was signed",
    },
    {
      name: "an entry in another place",
      change: ({ entries: [first] }) => (first.proof = first.proof.replace("index 0", "index 1")),
      says: "position 1: the proof does not lead from this entry to what was signed",
    },
    {
      name: "an entry past the end",
      change: ({ entries: [first] }) => (first.proof = first.proof.replace("index 0", "index 6")),
      says: "position 6: its checkpoint was signed over 6 entries, fewer than would have it",
    },
    {
      name: "a checkpoint with another root",
      change: ({ entries: [first] }) => (first.proof = first.proof.replace(/\n6\n.{43}=/, `\n6\n${"A".repeat(43)}=`)),
      says: "position 0: its checkpoint is not signed by a key that was given",
    },
  ])("says no to $name", { timeout: TIMEOUT_MS }, async ({ change, says }) => {
    expect(await assay("log", "verify", "--proof", forged(change), "--key", key)).toMatchObject({ code: 65, out: `${says}\n` });
  });

  test.each<{ name: string; args: () => string[]; code: number; says: string | RegExp }>([
    { name: "no key", args: () => ["--proof", proof], code: 64, says: /--key/ },
    { name: "a key that is none", args: () => ["--proof", proof, "--key", `${key}x`], code: 64, says: /NAME\+HINT\+KEY/ },
    {
      name: "a key under another name",
      args: () => ["--proof", proof, "--key", key.replace("log.", "lag.")],
      code: 64,
      says: /NAME\+HINT\+KEY/,
    },
    {
      name: "a proof that is cut",
      args: () => ["--proof", forged(({ entries: [first] }) => (first.proof = first.proof.slice(0, 90))), "--key", key],
      code: 65,
      says: /has no proof/,
    },
    { name: "another kind of file", args: () => ["--proof", kept, "--key", key], code: 65, says: /cannot be read: it is not JSON/ },
    {
      name: "another format",
      args: () => ["--proof", forged((file) => (file.format = "assay-decision-proofs@v2")), "--key", key],
      code: 65,
      says: /with format/,
    },
    {
      name: "no entries",
      args: () => ["--proof", forged((file) => file.entries.splice(0)), "--key", key],
      code: 65,
      says: /expected 1 to 10000 entries, got 0/,
    },
    { name: "a file that is not there", args: () => ["--proof", join(folder, "none"), "--key", key], code: 66, says: /cannot be read/ },
  ])("says what is wrong with $name", { timeout: TIMEOUT_MS }, async ({ args, code, says }) => {
    expect(await assay("log", "verify", ...args())).toMatchObject({ code, out: "", err: expect.stringMatching(says) });
  });

  test("says no to a log of another key", { timeout: TIMEOUT_MS }, async () => {
    const { code, out } = await assay("log", "verify", "--proof", proof, "--key", ELSEWHERE, "--json");
    expect(code).toBe(65);
    expect(JSON.parse(out)).toMatchObject({
      entries: 3,
      verified: false,
      findings: [{ position: 0, text: expect.stringContaining("not signed") }, {}, {}],
    });
  });

  test("shows what is proven, with no data folder", { timeout: TIMEOUT_MS }, async () => {
    const { code, out } = await assay("log", "verify", "--proof", proof, "--key", key, "--data", join(folder, "nowhere"));
    expect(code).toBe(0);
    expect(
      out
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split(": ")[0]),
    ).toEqual(["position 0", "position 2", "position 4"]);
  });

  test.skipIf(TLOG_GO === undefined)("is what Go's own tlog and note say of it", { timeout: TIMEOUT_MS }, async () => {
    expect(await runTlogGo("proof", proof, key)).toEqual({ status: 0, told: "3 entries", why: "" });
    const wrong = forged(({ entries: [first] }) => (first.entry = first.entry.replace('"admit"', '"refuse"')));
    expect(await runTlogGo("proof", wrong, key)).toMatchObject({ status: 1 });
  });
});

describe("assay log verify", () => {
  test("proves the log from its entries and a checkpoint that was kept, and says no once an entry is another", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const good = await assay("log", "verify", "--checkpoint", kept, "--json");
    expect(good.code).toBe(0);
    expect(JSON.parse(good.out)).toMatchObject({ entries: 6, verified: true, findings: [] });
    expect(await assay("log", "verify", "--checkpoint", kept, "--key", ELSEWHERE)).toMatchObject({
      code: 65,
      out: `${kept} is not signed by a key that was given\n`,
    });

    const other = join(folder, "other");
    cpSync(dataDir, other, { recursive: true });
    const database = new Database(join(other, "assay.db"));
    database.exec(`DROP TRIGGER decisions_stay; UPDATE decisions SET entry = replace(entry, '192.0.2.1', '192.0.2.9') WHERE position = 1`);
    database.close();
    const bad = await assay("log", "verify", "--checkpoint", kept, "--data", other);
    expect(bad.code).toBe(65);
    expect(bad.out).toContain("position 1: the entry was changed since it was signed\n");
    expect(bad.out).toContain(`the first 4 entries are not those that ${kept} was signed over\n`);
    expect(await assay("log", "prove", "pkg:npm/right-pad", "--data", other)).toMatchObject({ code: 74, out: "" });
  });

  test.each([
    { name: "a checkpoint that is none", args: () => ["--checkpoint", proof], code: 65 },
    { name: "a folder without a log", args: () => ["--data", join(folder, "nowhere")], code: 66 },
  ])("says what is wrong with $name", { timeout: TIMEOUT_MS }, async ({ args, code }) => {
    expect(await assay("log", "verify", ...args())).toMatchObject({ code, out: "" });
  });
});

test("assay log prove says no to what the log has nothing about, and overwrites nothing", { timeout: TIMEOUT_MS }, async () => {
  expect(await assay("log", "prove", "pkg:npm/never-seen")).toMatchObject({ code: 66, out: "" });
  const taken = join(folder, "taken");
  writeFileSync(taken, "mine");
  expect(await assay("log", "prove", "pkg:npm/left-pad", "-o", taken)).toMatchObject({ code: 65 });
  expect(readFileSync(taken, "utf8")).toBe("mine");
});
