import { createHash } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { AssayError } from "../core/errors.ts";
import type { DeniedByFeed, Policy } from "../core/policy.ts";
import type { Problem } from "../core/problems.ts";
import type { KnownNames } from "./cross-problems.ts";
import { type LoadedPolicy, loadPolicy, MAX_POLICY_CHARACTERS, PolicyInvalid } from "./load-policy.ts";
import { type OsvFeed, openOsvFeed } from "./osv-feed.ts";
import type { PolicyWarning } from "./policy-warning.ts";

const DAY_MS = 86_400_000;

/** A policy with everything on disk that it names. Immutable; a change makes a new one. */
export interface ReadPolicy extends LoadedPolicy {
  readonly file: string;
  /** The OSV feeds by the label of their `deny` entry. */
  readonly feeds: ReadonlyMap<string, OsvFeed>;
  /** Changes with the policy's text, its feeds and its key files, and with nothing else: verdicts under one revision stay. */
  readonly revision: string;
  /** As it was read; of a file that may be missing and is, what is built in. */
  readonly text: string;
  /** SHA-256 of the policy's text, in hexadecimal. */
  readonly textSha256: string;
  /** The state of all files that were read, by path, for telling whether one of them changed. */
  readonly files: ReadonlyMap<string, string>;
}

export interface PolicyFile {
  readonly file: string;
  readonly known?: KnownNames;
  /** A file that is not there counts as one that says nothing: what is built in holds. For the default path, not for one that somebody named. */
  readonly optional?: boolean;
}

const BUILT_IN = "version: 1\n";

/**
 * Reads the policy file, checks that the key files it names can be read, and opens its feeds; those that did not change since `previous` are taken from there.
 * Throws PolicyInvalid, or CONFIG_INVALID where the file itself cannot be read.
 */
export async function readPolicy({ file, known, optional }: PolicyFile, now: number, previous?: ReadPolicy): Promise<ReadPolicy> {
  const state = await fileState(file);
  const text = optional && state === ABSENT ? BUILT_IN : await readText(file);
  const loaded = loadPolicy({ file, text, now, isReadable, ...(known ? { known } : {}) });
  const files = new Map([[file, state]]);
  for (const path of pathsOf(loaded.policy)) files.set(path, await fileState(path));
  const feeds = new Map<string, OsvFeed>();
  const problems: Problem[] = [];
  const warnings: PolicyWarning[] = [...loaded.warnings];
  for (const entry of loaded.policy.deny) {
    if (entry.kind !== "feed") continue;
    const feed = unchangedFeed(entry, files, previous) ?? (await openFeed(entry, now, problems));
    if (!feed) continue;
    feeds.set(entry.label, feed);
    judgeFeed(entry, feed, now, problems, warnings);
  }
  if (problems.length > 0) throw new PolicyInvalid(file, problems);
  const textSha256 = createHash("sha256").update(text).digest("hex");
  return { ...loaded, warnings, file, text, feeds, files, revision: revisionOf(text, files, file), textSha256 };
}

/** The state of a file that is not there. */
export const ABSENT = "absent";

/** Changes when the file is replaced or written to; of a folder, when files come or go. */
export async function fileState(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return ABSENT;
  }
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    // A character has four bytes at most.
    if (size > 4 * MAX_POLICY_CHARACTERS) throw new Error(`it has ${size} bytes`);
    return await readFile(file, "utf8");
  } catch (error) {
    throw new AssayError(
      "CONFIG_INVALID",
      `cannot read the policy file ${file}: ${error instanceof Error ? error.message : String(error)}`,
      {
        help: "check the path given with --policy, ASSAY_POLICY or `policy` in the configuration",
        cause: error,
      },
    );
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function pathsOf(policy: Policy): string[] {
  const keys = [...policy.signers.values()].flatMap((signer) =>
    signer.kind === "sigstore" || signer.keysPath === undefined ? [] : [signer.keysPath],
  );
  return [...keys, ...policy.deny.flatMap((entry) => (entry.kind === "feed" ? [entry.path] : []))];
}

function unchangedFeed(entry: DeniedByFeed, files: ReadonlyMap<string, string>, previous: ReadPolicy | undefined): OsvFeed | undefined {
  const known = previous?.policy.deny.find(
    (other) => other.kind === "feed" && other.path === entry.path && other.entries === entry.entries,
  );
  const isUnchanged = known !== undefined && previous?.files.get(entry.path) === files.get(entry.path);
  return isUnchanged ? previous?.feeds.get(known.label) : undefined;
}

async function openFeed(entry: DeniedByFeed, now: number, problems: Problem[]): Promise<OsvFeed | undefined> {
  try {
    return await openOsvFeed(entry.path, { entries: entry.entries, now });
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    problems.push({ at: entry.at, key: `${entry.label}.path`, expected: "a folder or zip of OSV entries", got: error.message });
    return undefined;
  }
}

function judgeFeed(entry: DeniedByFeed, feed: OsvFeed, now: number, problems: Problem[], warnings: PolicyWarning[]): void {
  const { malformed, firstMalformed, newestAt } = feed.summary;
  if (malformed > 0) {
    const text = `${malformed} of the feed's files are no OSV entries and deny nothing (first: ${firstMalformed})`;
    warnings.push({ at: entry.at, key: entry.label, code: "FEED_DAMAGED", text });
  }
  if (!feed.isStale(entry.maxAgeMs, now)) return;
  const since = new Date(newestAt).toISOString().slice(0, 10);
  const days = entry.maxAgeMs / DAY_MS;
  if (entry.onStale === "error") {
    problems.push({
      at: entry.at,
      key: entry.label,
      expected: `a feed with news of the last ${days} days (on_stale: error)`,
      got: `nothing since ${since}`,
    });
  } else {
    warnings.push({
      at: entry.at,
      key: entry.label,
      code: "FEED_STALE",
      text: `the feed has had no news since ${since}, for more than ${days} days; fetch it anew`,
    });
  }
}

function revisionOf(text: string, files: ReadonlyMap<string, string>, file: string): string {
  const hash = createHash("sha256").update(text);
  for (const [path, state] of files) if (path !== file) hash.update(`\0${path}\0${state}`);
  return hash.digest("hex");
}
