import type { ArchiveCheck } from "../app/pack/check-archive.ts";
import type { Deviation } from "../app/pack/deviation.ts";
import type { PackedFolder } from "../app/pack/pack-folder.ts";
import { formatIntegrity } from "../core/digest.ts";
import type { ListingEntry } from "../core/listing-digest.ts";
import { printable } from "../core/printable.ts";
import { table } from "./table.ts";
import { toJson } from "./to-json.ts";
import type { Written } from "./write-output.ts";

/** Deviations of one kind that the text shows; the JSON has them all. */
const SHOWN_DEVIATIONS = 5;
const SHOWN_DIGITS = 12;

/** What became of the archive: where it stands, or that nothing was written. */
export type Outcome = { readonly path: string; readonly written: Written } | undefined;

/** One JSON document; its keys are always there. */
export function packJson(packed: PackedFolder, outcome: Outcome): string {
  const { name, version, bytes, digest, listingDigest, listing, warnings } = packed;
  const integrity = formatIntegrity("sha256", digest);
  const path = outcome?.path ?? null;
  const written = outcome?.written ?? null;
  return toJson({
    name,
    version,
    path,
    written,
    sizeBytes: bytes.length,
    sha256: digest,
    integrity,
    listingSha256: listingDigest,
    entries: listing,
    warnings,
  });
}

/** For a terminal. With `list`, every entry as it is packed. */
export function packText(packed: PackedFolder, outcome: Outcome, list: boolean): string {
  const { name, version, bytes, digest, listingDigest, listing } = packed;
  const rows = [
    ["archive", outcome === undefined ? `not written (it would be ${packed.file})` : `${outcome.path} (${WRITTEN[outcome.written]})`],
    ["size", `${bytes.length} bytes, ${listing.length} entries`],
    ["sha256", digest],
    ["listing", listingDigest],
  ];
  const entries = list ? [...table(listing.map(entryRow)), ""] : [];
  return lines([...entries, `${name} ${version}`, ...table(rows).map((row) => `  ${row}`)]);
}

const WRITTEN: Readonly<Record<Written, string>> = { new: "written", same: "there already, with the same bytes", replaced: "replaced" };

function entryRow(entry: ListingEntry): readonly string[] {
  if (entry.kind === "link") return ["link", "", "", `${entry.path} -> ${entry.target}`];
  return [entry.executable ? "0755" : "0644", String(entry.sizeBytes), entry.sha256.slice(0, SHOWN_DIGITS), entry.path];
}

/** One JSON document; what is not known is null. */
export function checkJson(file: string, { digest, listingDigest, name, version, entries, deviations }: ArchiveCheck): string {
  return toJson({
    file,
    sha256: digest,
    listingSha256: listingDigest ?? null,
    name: name ?? null,
    version: version ?? null,
    entries,
    conforms: !deviations.some(isBreach),
    reproducible: deviations.length === 0,
    deviations: deviations.map(({ weight, code, path = null, expected, got }) => ({ weight, code, path, expected, got })),
  });
}

/** For a terminal: the answer first, then what differs, by kind. Nothing that an archive says can move the cursor. */
export function checkText(file: string, { digest, listingDigest, name, version, entries, deviations }: ArchiveCheck): string {
  const rows = [
    ["package", name === undefined ? "unknown" : `${name} ${version}`],
    ["sha256", digest],
    ...(listingDigest === undefined ? [] : [["listing", `${listingDigest} (${entries} entries)`]]),
  ];
  const found = (title: string, some: readonly Deviation[]): readonly string[] =>
    some.length === 0 ? [] : ["", title, ...deviationLines(some)];
  return lines([
    `${file}: ${answer(deviations)}`,
    ...table(rows).map((row) => `  ${row}`),
    ...found("Against the specification:", deviations.filter(isBreach)),
    ...found(
      "Open in the specification, other than assay pack does it:",
      deviations.filter((deviation) => !isBreach(deviation)),
    ),
  ]);
}

function answer(deviations: readonly Deviation[]): string {
  if (deviations.length === 0) return "deterministic: assay pack makes the same bytes of its content";
  return deviations.some(isBreach) ? "not what the specification asks for" : "conforms, but assay pack makes other bytes of its content";
}

/** The specification's own demands are not met. */
export function isBreach({ weight }: Deviation): boolean {
  return weight === "must";
}

function deviationLines(deviations: readonly Deviation[]): readonly string[] {
  const byCode = Map.groupBy(deviations, ({ code }) => code);
  const rows = [...byCode.values()].flatMap((some) => [
    ...some.slice(0, SHOWN_DEVIATIONS).map(({ code, path = "", expected, got }) => [code, path, `expected ${expected}, got ${got}`]),
    ...(some.length > SHOWN_DEVIATIONS ? [[some[0]?.code ?? "", `and ${some.length - SHOWN_DEVIATIONS} more`, ""]] : []),
  ]);
  return table(rows).map((row) => `  ${row}`.trimEnd());
}

function lines(text: readonly string[]): string {
  return text.map((line) => `${printable(line)}\n`).join("");
}
