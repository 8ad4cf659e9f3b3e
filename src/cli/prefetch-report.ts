import type { AssayError } from "../core/errors.ts";
import { printable, shown } from "../core/printable.ts";
import { formatPurl } from "../core/purl.ts";
import type { Reason } from "../core/verdict.ts";
import type { LockedArtifacts, NamedLock, UnusableEntry, WantedArtifact } from "../mirror/locks/locked-artifacts.ts";
import type { Prefetched } from "../mirror/prefetch.ts";
import { EXIT_DONE, EXIT_REFUSED, exitCode } from "./exit.ts";
import { roundedSize } from "./rounded-size.ts";
import { toJson } from "./to-json.ts";

/** An archive and what came of it. */
export interface PrefetchRow {
  readonly wanted: WantedArtifact;
  readonly outcome: Prefetched;
}

/** A package of which everything was left out, and whose index page could not be had. */
export interface MissingPage {
  readonly name: string;
  readonly error: AssayError;
}

export interface PrefetchReport {
  readonly locks: readonly NamedLock[];
  readonly named: LockedArtifacts;
  readonly rows: readonly PrefetchRow[];
  readonly pages: readonly MissingPage[];
  /** Whether it was ended before all was asked for. */
  readonly isInterrupted: boolean;
}

/** As a shell tells of a program that SIGINT ended. */
const EXIT_INTERRUPTED = 130;

/** Of several, the first of these counts. */
const WORST_FIRST: readonly number[] = [EXIT_REFUSED, EXIT_INTERRUPTED, exitCode("BAD_REQUEST"), exitCode("UPSTREAM_UNREACHABLE")];

/** The worst of what came of all: 2 refused, else 130 interrupted, else 65 an entry that cannot be used, else 69 something that could not be had, else 0. */
export function exitOfPrefetch({ named, rows, pages, isInterrupted }: PrefetchReport): number {
  const failures = [...pages, ...named.unusable].map(({ error }) => exitOfError(error));
  const exits = new Set([...failures, ...rows.map(({ outcome }) => exitOfRow(outcome)), ...(isInterrupted ? [EXIT_INTERRUPTED] : [])]);
  return WORST_FIRST.find((exit) => exits.has(exit)) ?? EXIT_DONE;
}

function exitOfRow(outcome: Prefetched): number {
  switch (outcome.kind) {
    case "held":
      return outcome.missing.length === 0 ? EXIT_DONE : exitCode("UPSTREAM_UNREACHABLE");
    case "refused":
      return EXIT_REFUSED;
    case "unavailable":
      return exitOfError(outcome.error);
    default:
      return outcome satisfies never;
  }
}

/** Whether an upstream is down, slow, or has it no more: it is not here, and the next run may find it. */
function exitOfError({ code }: AssayError): number {
  return code === "BAD_REQUEST" ? exitCode(code) : exitCode("UPSTREAM_UNREACHABLE");
}

/** What was found out before anything is fetched: a line each. */
export function headText(locks: readonly NamedLock[]): string {
  const lines = locks.flatMap(({ path, lock: { format, stale, notes } }) => [
    `${path}: ${format}`,
    ...stale.map(({ text }) => `  stale: ${text}`),
    ...notes.map(({ text }) => `  note: ${text}`),
  ]);
  return lines.map((line) => `${shown(line)}\n`).join("");
}

const WORDS = { admitted: "admitted", present: "already here", refused: "refused", unavailable: "unavailable" } as const;

/** One archive, and below it what is wrong, uncut: two SHA-512 and who claims them take more than is shown of foreign text. Undefined for one that was here already, which nobody needs a line for. */
export function rowText({ wanted, outcome }: PrefetchRow): string | undefined {
  const word = wordOf(outcome);
  const notes = notesOn(outcome);
  if (word === "present" && notes.length === 0) return undefined;
  const size = outcome.kind === "held" && outcome.isNew ? `  ${roundedSize(outcome.admission.sizeBytes)}` : "";
  return lines(WORDS[word], `${formatPurl(wanted.ref)}${size}`, notes);
}

/** What no archive could be told of. */
export function unusableText({ lock, at, name, error }: UnusableEntry): string {
  return lines(error.code === "BAD_REQUEST" ? "bad entry" : WORDS.unavailable, name, [`${lock}: ${at}`, ...errorNotes(error)]);
}

function wordOf(outcome: Prefetched): keyof typeof WORDS {
  return outcome.kind === "held" ? (outcome.isNew ? "admitted" : "present") : outcome.kind;
}

function notesOn(outcome: Prefetched): readonly string[] {
  switch (outcome.kind) {
    case "held":
      return outcome.missing.map(({ path, error }) => `without ${path}: ${error.message} [${error.code}]`);
    case "refused":
      return outcome.reasons.flatMap(({ code, text, help }) => [`${code}: ${text}`, help]);
    case "unavailable":
      return errorNotes(outcome.error);
    default:
      return outcome satisfies never;
  }
}

function errorNotes({ code, message, help }: AssayError): readonly string[] {
  return [`${message} [${code}]`, ...(help === undefined ? [] : [help])];
}

function lines(word: string, name: string, notes: readonly string[]): string {
  return [`${word.padEnd(14)}${shown(name)}`, ...notes.map((note) => `${" ".repeat(16)}${printable(note)}`)]
    .map((line) => `${line}\n`)
    .join("");
}

/** Left out and not covered, then the counts. */
export function endText(report: PrefetchReport): string {
  const { named } = report;
  const covered = named.uncovered.map(({ lock, at, name, reason }) => lines("not covered", name, [`${lock}: ${at}: ${reason}`]));
  const unseen = report.pages.map(({ name, error }) => lines("no page", name, errorNotes(error)));
  const { archives, admitted, present, refused, unavailable, unusable, leftOut, uncovered, incomplete } = summaryOf(report);
  const parts = [
    `${admitted} admitted`,
    `${present} already here`,
    ...few(refused, "refused"),
    ...few(unavailable, "unavailable"),
    ...few(incomplete, "incomplete"),
    ...few(unusable, "bad or unreachable entries"),
    ...few(leftOut, "left out for other machines"),
    ...few(uncovered, "not covered"),
  ];
  const ended = report.isInterrupted ? "interrupted: what is here stays, and the next run goes on\n" : "";
  return `${unseen.join("")}${covered.join("")}\n${archives} ${archives === 1 ? "archive" : "archives"}: ${parts.join(", ")}\n${ended}`;
}

function few(count: number, what: string): readonly string[] {
  return count === 0 ? [] : [`${count} ${what}`];
}

function summaryOf({ named, rows }: PrefetchReport) {
  const count = (word: keyof typeof WORDS): number => rows.filter(({ outcome }) => wordOf(outcome) === word).length;
  return {
    archives: named.artifacts.length,
    admitted: count("admitted"),
    present: count("present"),
    refused: count("refused"),
    unavailable: count("unavailable"),
    /** Held, without all that clients ask for beside it. */
    incomplete: rows.filter(({ outcome }) => outcome.kind === "held" && outcome.missing.length > 0).length,
    unusable: named.unusable.length,
    leftOut: named.leftOut.length,
    uncovered: named.uncovered.length,
  };
}

/** One JSON document, in the order of the locks. Every key is always there; what is not known is null. */
export function prefetchJson(report: PrefetchReport): string {
  const { locks, named, isInterrupted } = report;
  const outcomes = new Map(report.rows.map(({ wanted, outcome }) => [wanted, outcome]));
  return toJson({
    locks: locks.map(({ path, lock: { format, stale, notes } }) => ({ lock: path, format, stale, notes })),
    artifacts: named.artifacts.map((wanted) => artifactJson(wanted, outcomes.get(wanted))),
    unusable: named.unusable.map(({ error, ...place }) => ({ ...place, error: errorJson(error) })),
    uncovered: named.uncovered.map(({ lock, at, name, source, reason }) => ({ lock, at, name, source, reason })),
    left_out: named.leftOut.map(({ lock, at, ref, reason }) => ({ lock, at, purl: formatPurl(ref), reason })),
    missing_pages: report.pages.map(({ name, error }) => ({ name, error: errorJson(error) })),
    interrupted: isInterrupted,
    summary: snakeCased(summaryOf(report)),
  });
}

function artifactJson({ lock, at, ref, pins }: WantedArtifact, outcome: Prefetched | undefined) {
  const admission = outcome && "admission" in outcome ? outcome.admission : undefined;
  return {
    lock,
    at,
    repository: ref.repository,
    purl: formatPurl(ref),
    pins: pins.map(({ algorithm, hex }) => ({ algorithm, hex })),
    outcome: outcome === undefined ? "not_asked" : wordOf(outcome),
    digest: admission ? `sha256:${admission.digest}` : null,
    size: admission?.sizeBytes ?? null,
    reasons: outcome?.kind === "refused" ? outcome.reasons.map(reasonJson) : [],
    error: outcome?.kind === "unavailable" ? errorJson(outcome.error) : null,
    missing: outcome?.kind === "held" ? outcome.missing.map(({ path, error }) => ({ path, error: errorJson(error) })) : [],
  };
}

function reasonJson({ code, text, help }: Reason) {
  return { code, text, help };
}

function errorJson({ code, message, help }: AssayError) {
  return { code, message, help: help ?? null };
}

function snakeCased({ leftOut, ...rest }: ReturnType<typeof summaryOf>) {
  return { ...rest, left_out: leftOut };
}
