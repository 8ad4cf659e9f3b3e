import type { Assay } from "../app/compose.ts";
import type { Config } from "../app/config.ts";
import { parseSize } from "../app/size.ts";
import { AssayError } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import { formatPurl, type PackageCoordinates, parsePurl } from "../core/purl.ts";
import { quote } from "../core/quote.ts";
import { leftOutBy } from "../ecosystems/left-out-by.ts";
import { readManifest } from "../mirror/bundle/bundle-reader.ts";
import type { ExportedRow, WantedReport } from "../mirror/bundle/collection.ts";
import type { ExportSummary } from "../mirror/bundle/exporter.ts";
import type { ArtifactReport } from "../mirror/explain/report.ts";
import { leftOutPages } from "../mirror/locks/left-out-pages.ts";
import { EXIT_DONE, EXIT_REFUSED, exitCode } from "./exit.ts";
import { lockTarget, type TargetFlags } from "./lock-target.ts";
import { worseExit } from "./print-reports.ts";
import { readLocks } from "./read-locks.ts";
import { toJson } from "./to-json.ts";
import { withAssay } from "./with-assay.ts";

export interface ExportFlags extends TargetFlags {
  readonly all?: true;
  readonly lock?: readonly string[];
  readonly output: string;
  readonly split?: string;
  readonly since?: string;
  readonly repository?: string;
  readonly json?: true;
}

export interface ExportCommand {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/** Parts smaller than this are of no use, and would be very many. */
const MIN_PART_BYTES = 1024 * 1024;
/** What is held is exported as it is held, whatever its age; only what is missing altogether is asked for. */
const NEVER_RENEWED_MS = 3650 * 86_400_000;

/**
 * `assay export`: what is held of package URLs, of locks, or of everything, as one bundle for `assay import`. Answers 0; 2 where something named is refused by the policy and was left
 * out; 65 where something is not what a lock pins; 69 where something is not held. Throws USAGE for flags that say nothing, BAD_REQUEST for a purl, lock or base that is none, NOT_FOUND for
 * what is not held, and what `Exporter.export` throws.
 */
export async function exportBundle({ config, env, print }: ExportCommand, purls: readonly string[], flags: ExportFlags): Promise<number> {
  const { all = false, lock = [], output, split, since, repository, json = false } = flags;
  const ways = [all, lock.length > 0, purls.length > 0].filter(Boolean).length;
  if (ways !== 1) throw new AssayError("USAGE", "say what to export in one way: package URLs, --lock FILE, or --all");
  const partBytes = split === undefined ? undefined : partSize(split);
  const base = since === undefined ? undefined : await readManifest(since);
  const wanted = purls.map(parsePurl);
  const locks = await readLocks(lock, config);
  const target = lockTarget(flags);
  return withAssay({ ...config, metadataTtlMs: NEVER_RENEWED_MS }, env, async (assay) => {
    const rows: ExportedRow[] = [];
    const told = (row: ExportedRow): void => {
      rows.push(row);
      if (!json) print(rowText(row));
    };
    const named = await assay.locks.artifacts(locks, { repository, leftOutBy: (artifact) => leftOutBy(artifact, target) });
    const unlocked = all ? everything(assay, config, repository) : known(assay, wanted, repository);
    const reports = lock.length > 0 ? locked(assay, named, told) : unlocked;
    const pages = leftOutPages(named).map((artifact) => ({ repository: artifact.repository, name: artifact.ref.name }));
    const summary = await assay.exporter.export(reports, { path: output, partBytes, base, pages }, told);
    print(json ? toJson({ ...summary, rows }) : summaryText(summary, rows));
    return rows.map(exitOfRow).reduce(worseExit, EXIT_DONE);
  });
}

function partSize(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes >= MIN_PART_BYTES) return bytes;
  throw new AssayError("USAGE", `--split: expected a size from 1MiB, such as 4GiB, got ${quote(text)}`);
}

/** A bundle of nothing is what a wrong --data comes to, and would only be noticed on the other side. */
async function* everything(
  { explainer }: Pick<Assay, "explainer">,
  { dataDir }: Pick<Config, "dataDir">,
  repository: string | undefined,
): AsyncGenerator<ArtifactReport> {
  let isEmpty = true;
  for await (const report of explainer.admitted()) {
    if (repository !== undefined && report.ref.repository !== repository) continue;
    isEmpty = false;
    yield report;
  }
  if (!isEmpty) return;
  throw new AssayError(
    "NOT_FOUND",
    `nothing is held in ${repository === undefined ? "" : `the repository ${quote(repository)} of `}${quote(dataDir)}`,
    {
      help: "name the data folder of the mirror with --data, or fetch something first: `assay prefetch LOCK`",
    },
  );
}

async function* known(
  { explainer }: Pick<Assay, "explainer">,
  wanted: readonly PackageCoordinates[],
  repository: string | undefined,
): AsyncGenerator<ArtifactReport> {
  for (const coordinates of wanted) {
    let isKnown = false;
    for await (const report of explainer.known(coordinates, repository)) {
      isKnown = true;
      yield report;
    }
    if (isKnown) continue;
    const { name, version } = coordinates;
    throw new AssayError("NOT_FOUND", `nothing is held of ${quote(version === undefined ? name : `${name} ${version}`)}`, {
      help: "fetch it first: `assay prefetch LOCK`, or `assay verify PURL`",
    });
  }
}

type LockedArtifacts = Awaited<ReturnType<Assay["locks"]["artifacts"]>>;

async function* locked(
  { explainer }: Pick<Assay, "explainer">,
  { artifacts, uncovered, unusable }: LockedArtifacts,
  told: (row: ExportedRow) => void,
): AsyncGenerator<WantedReport> {
  const leftOut = (purl: string, reason: string, why: "unavailable" | "mismatch" = "unavailable"): void =>
    told({ kind: "left-out", purl, why, reason });
  for (const { name, lock, at, reason } of uncovered) leftOut(name, `${lock}, ${at}: no mirror can speak for it: ${reason}`);
  for (const { name, lock, at, error } of unusable)
    leftOut(name, `${lock}, ${at}: ${error.message}`, error.code === "BAD_REQUEST" ? "mismatch" : "unavailable");
  for (const { ref, repository, pins } of artifacts) {
    let isKnown = false;
    for await (const report of explainer.known(ref, repository.name)) {
      isKnown = true;
      yield { ...report, pins };
    }
    if (!isKnown) leftOut(formatPurl(ref), "it is not held: `assay prefetch` fetches what a lock names");
  }
}

function exitOfRow(row: ExportedRow): number {
  if (row.kind === "exported") return EXIT_DONE;
  if (row.why === "refused") return EXIT_REFUSED;
  return exitCode(row.why === "mismatch" ? "BAD_REQUEST" : "OFFLINE");
}

function rowText(row: ExportedRow): string {
  if (row.kind === "left-out") return `left out  ${printable(`${row.purl}  ${row.reason}`)}\n`;
  const missing = row.incomplete.map((line) => `          without ${printable(line)}\n`);
  const lost = row.lost ? "          its upstream lists it no more: the record of this Assay goes along\n" : "";
  return `exported  ${printable(row.purl)}\n${lost}${missing.join("")}`;
}

function summaryText(summary: ExportSummary, rows: readonly ExportedRow[]): string {
  const { artifacts, documents, carriedFiles, carriedBytes, files, manifestSha256, keyId, buildsOn } = summary;
  const leftOut = rows.filter(({ kind }) => kind === "left-out").length;
  const lines = [
    `${artifacts} archives and ${documents} documents, ${leftOut} left out; ${carriedFiles} files with ${carriedBytes} bytes are carried`,
    `written: ${files.join(", ")}`,
    `manifest: sha256 ${manifestSha256}${buildsOn === null ? "" : `, builds on ${buildsOn}`}`,
    `signed by: ${keyId}  (on the other side: assay import --key ${keyId} …)`,
  ];
  return `\n${lines.map((line) => `${printable(line)}\n`).join("")}`;
}
