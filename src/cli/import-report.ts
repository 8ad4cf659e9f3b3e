import type { TrustStatus } from "../core/ports/trust.ts";
import { printable, shown } from "../core/printable.ts";
import type { BundleReader, Damage } from "../mirror/bundle/bundle-reader.ts";
import type { ImportedRow } from "../mirror/bundle/importer.ts";
import { toJson } from "./to-json.ts";

/** What an import begins with. */
export interface ImportStart {
  readonly bundle: Pick<BundleReader, "manifest" | "manifestSha256" | "keyId">;
  /** Nobody named the key: what the bundle says of itself was taken as it is. */
  readonly trustedOnImport: boolean;
  /** Upstreams that repositories were given from the bundle, by name. */
  readonly adopted: Readonly<Record<string, string>>;
  /** Of this Assay. */
  readonly roots: readonly TrustStatus[];
  readonly dryRun: boolean;
}

/** What it came to. */
export interface ImportReport extends ImportStart {
  readonly rows: readonly ImportedRow[];
  readonly damage: readonly Damage[];
}

const OUTCOMES = {
  admitted: "admitted",
  "already-here": "already here",
  refused: "refused",
  failed: "failed",
} as const satisfies Readonly<Record<ImportedRow["kind"], string>>;
const OUTCOME_COLUMN = "already here  ".length;

/** Who signed the bundle and why that counts, and how its exporter's roots compare with ours. */
export function importStartText(start: ImportStart): string {
  const { bundle, trustedOnImport, adopted, dryRun } = start;
  const why = trustedOnImport
    ? "by a key that nobody named (--trust-on-import): what it says of publish times and of what upstreams lack is anybody's word"
    : "by a key that was named: its publish times, and what upstreams lack, are taken as it says";
  const lines = [
    `bundle ${bundle.manifestSha256}, signed by ${bundle.keyId}`,
    `  ${why}`,
    ...rootRows(start).map(
      ({ name, sha256, here }) =>
        `  the exporter's trust root ${shown(name)}: ${here ? "the same as here" : `sha256 ${sha256}, which is none of this Assay's; it is not used`}`,
    ),
    ...Object.entries(adopted).map(([name, url]) => `  ${name} mirrors ${url} from now on, as the bundle says: this data folder knew none`),
    ...(dryRun ? ["  --dry-run: nothing is kept, and nothing is compared with what is here"] : []),
  ];
  return `${lines.map((line) => `${printable(line)}\n`).join("")}\n`;
}

export function importRowText(row: ImportedRow): string {
  const [first, ...others] = remarks(row);
  const head = `${OUTCOMES[row.kind].padEnd(OUTCOME_COLUMN)}${row.purl}`;
  const lines = [head, ...[first, ...others].flatMap((remark) => (remark === undefined ? [] : [`${" ".repeat(OUTCOME_COLUMN)}${remark}`]))];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

export function importSummaryText({ rows, damage }: ImportReport): string {
  const counts = Object.entries(countsOf(rows)).map(([outcome, count]) => `${count} ${OUTCOMES[outcome as ImportedRow["kind"]]}`);
  const damaged = damage.map(({ entry, detail }) => `damaged: ${entry}: ${detail}`);
  return `\n${[...damaged, counts.join(", ")].map((line) => `${printable(line)}\n`).join("")}`;
}

/** One JSON document. Its keys are documented in the README and always there. */
export function importJson(report: ImportReport): string {
  const { bundle, trustedOnImport, adopted, dryRun, rows, damage } = report;
  const { manifestSha256, keyId, manifest } = bundle;
  return toJson({
    manifestSha256,
    keyId,
    buildsOn: manifest.buildsOn,
    trustedOnImport,
    dryRun,
    trustRoots: rootRows(report),
    adopted,
    artifacts: rows,
    damage,
    summary: countsOf(rows),
  });
}

function rootRows({ bundle, roots }: ImportStart): readonly { readonly name: string; readonly sha256: string; readonly here: boolean }[] {
  const ours = new Set(roots.map(({ sha256 }) => sha256));
  return bundle.manifest.trustRoots.map(({ name, sha256 }) => ({ name, sha256, here: ours.has(sha256) }));
}

function countsOf(rows: readonly ImportedRow[]): Readonly<Record<ImportedRow["kind"], number>> {
  const count = (kind: ImportedRow["kind"]): number => rows.filter((row) => row.kind === kind).length;
  return { admitted: count("admitted"), "already-here": count("already-here"), refused: count("refused"), failed: count("failed") };
}

function remarks(row: ImportedRow): readonly string[] {
  switch (row.kind) {
    case "admitted":
    case "already-here":
      return [...row.warnings.map(({ text, rule }) => `warning: ${text} [${rule}]`), ...row.incomplete.map((line) => `without ${line}`)];
    case "refused":
      return row.reasons.map(({ text, rule }) => `${text} [${rule}]`);
    case "failed":
      return [row.reason];
    default:
      return row satisfies never;
  }
}
