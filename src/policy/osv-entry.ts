import type { EcosystemId } from "../core/artifact.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../core/json.ts";
import { compareVersions, pep440Key } from "./compare-versions.ts";
import { canonicalName } from "./purl-pattern.ts";

/** One package that an entry of an OSV feed speaks about. https://ossf.github.io/osv-schema/ */
export interface OsvAffected {
  readonly id: string;
  readonly summary: string;
  readonly ecosystem: EcosystemId;
  /** In the ecosystem's canonical form. */
  readonly name: string;
  /** Versions by name; PyPI's by `pep440Key` as well. */
  readonly versions: ReadonlySet<string>;
  readonly ranges: readonly (readonly OsvEvent[])[];
}

export interface OsvEvent {
  readonly kind: "introduced" | "fixed" | "last_affected" | "limit";
  /** `0` is before every version. */
  readonly version: string;
}

export interface OsvEntry {
  readonly id: string;
  /** Milliseconds since the epoch; undefined where the entry does not say. */
  readonly modifiedAt: number | undefined;
  readonly isMalicious: boolean;
  /** Nothing for an entry that was withdrawn, or that speaks about other ecosystems only. */
  readonly affected: readonly OsvAffected[];
}

const ECOSYSTEMS: ReadonlyMap<string, EcosystemId> = new Map([
  ["npm", "npm"],
  ["pypi", "pypi"],
  ["aam", "aam"],
]);
const EVENT_KINDS = ["introduced", "fixed", "last_affected", "limit"] as const;

const MAX_SUMMARY_CHARACTERS = 200;
const MAX_ID_CHARACTERS = 100;
/** Versions and range events of one affected package; an entry with more is malformed. */
const MAX_OSV_VERSIONS = 20_000;

/** Undefined for what is no OSV entry. An entry from a feed is text from outside: what it says reaches people only shortened and on one line. */
export function parseOsvEntry(value: JsonValue): OsvEntry | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, withdrawn, affected } = value;
  if (typeof id !== "string" || !/^[\w.:-]+$/.test(id) || id.length > MAX_ID_CHARACTERS) return undefined;
  if (affected !== undefined && affected !== null && !Array.isArray(affected)) return undefined;
  const summary = summaryOf(value);
  const parsed =
    typeof withdrawn === "string" ? [] : ((affected ?? []) as readonly JsonValue[]).map((item) => parseAffected(item, id, summary));
  if (parsed.includes(undefined)) return undefined;
  return {
    id,
    modifiedAt: timeOf(value["modified"]),
    isMalicious: isMalicious(value, id),
    affected: parsed.flatMap((item) => (item && item !== "other" ? [item] : [])),
  };
}

/** Whether the entry means this version. One that names neither versions nor ranges means all of them. */
export function affects({ ecosystem, versions, ranges }: OsvAffected, version: string): boolean {
  if (versions.size === 0 && ranges.length === 0) return true;
  if (versions.has(version)) return true;
  if (ecosystem === "pypi" && versions.has(pep440Key(version) ?? version)) return true;
  return ranges.some((events) => rangeAffects(events, ecosystem, version));
}

/**
 * The evaluation that the OSV schema gives, for events in any order. A version that cannot be put in an order is taken for affected: an unreadable version
 * must not be a way around the feed.
 */
function rangeAffects(events: readonly OsvEvent[], ecosystem: EcosystemId, version: string): boolean {
  const compared = events.map((event) => ({
    ...event,
    order: event.version === "0" ? 1 : event.version === "*" ? -1 : compareVersions(ecosystem, version, event.version),
  }));
  if (compared.some(({ order }) => order === undefined)) return true;
  const ended = (kind: OsvEvent["kind"], order: number): boolean =>
    (kind === "fixed" && order >= 0) || (kind === "last_affected" && order > 0);
  const limits = compared.filter(({ kind }) => kind === "limit");
  if (limits.length > 0 && limits.every(({ order }) => (order ?? 0) >= 0)) return false;
  // Whichever event is the last one before the version decides.
  const before = compared.filter(({ kind, order }) => (kind === "introduced" ? (order ?? 0) >= 0 : ended(kind, order ?? 0)));
  const last = before.toSorted((left, right) => compareEvents(left, right, ecosystem)).at(-1);
  return last?.kind === "introduced";
}

/** By version; where a version is fixed in one line and introduced in the next, the introduction counts. */
function compareEvents(left: OsvEvent, right: OsvEvent, ecosystem: EcosystemId): number {
  if (left.version === "0" || right.version === "0") return Number(right.version === "0") - Number(left.version === "0");
  const order = compareVersions(ecosystem, left.version, right.version) ?? 0;
  return order === 0 ? Number(left.kind === "introduced") - Number(right.kind === "introduced") : order;
}

function parseAffected(value: JsonValue, id: string, summary: string): OsvAffected | "other" | undefined {
  if (!isJsonObject(value)) return undefined;
  const { package: named, versions, ranges } = value;
  // An entry about commits only names no package.
  if (!isJsonObject(named)) return named === undefined || named === null ? "other" : undefined;
  const { ecosystem: written, name } = named;
  if (typeof written !== "string" || typeof name !== "string" || name === "") return undefined;
  const ecosystem = ECOSYSTEMS.get((written.split(":", 1)[0] ?? "").toLowerCase());
  if (!ecosystem) return "other";
  const listed = listOf(versions);
  const spans = listOf(ranges)?.map(parseRange);
  if (!listed?.every((version) => typeof version === "string") || !spans || spans.includes(undefined)) return undefined;
  const events = spans.flatMap((span) => (span && span !== "git" ? [span] : []));
  if (listed.length + events.reduce((sum, span) => sum + span.length, 0) > MAX_OSV_VERSIONS) return undefined;
  const keys = ecosystem === "pypi" ? listed.flatMap((text) => pep440Key(String(text)) ?? []) : [];
  const all = new Set([...(listed as readonly string[]), ...keys]);
  return { id, summary, ecosystem, name: canonicalName(ecosystem, name), versions: all, ranges: events };
}

/** Ranges of commits say nothing about versions that the entry does not list as well. */
function parseRange(value: JsonValue): readonly OsvEvent[] | "git" | undefined {
  if (!isJsonObject(value)) return undefined;
  if (value["type"] === "GIT") return "git";
  if (value["type"] !== "SEMVER" && value["type"] !== "ECOSYSTEM") return undefined;
  const events = listOf(value["events"])?.map((event) => (isJsonObject(event) ? eventOf(event) : undefined));
  return events && events.length > 0 && !events.includes(undefined) ? events.flatMap((event) => event ?? []) : undefined;
}

function eventOf(event: JsonObject): OsvEvent | undefined {
  const kind = EVENT_KINDS.find((candidate) => event[candidate] !== undefined);
  const version = kind === undefined ? undefined : event[kind];
  return kind !== undefined && typeof version === "string" ? { kind, version } : undefined;
}

/** Malicious packages have identifiers of their own; some databases give them as an alias, or say it beside. https://github.com/ossf/malicious-packages */
function isMalicious(value: JsonObject, id: string): boolean {
  const aliases = listOf(value["aliases"]) ?? [];
  const specific = value["database_specific"];
  return (
    [id, ...aliases].some((name) => typeof name === "string" && name.startsWith("MAL-")) ||
    (isJsonObject(specific) && specific["malicious-packages-origins"] !== undefined)
  );
}

function summaryOf({ summary, details }: JsonObject): string {
  const text = typeof summary === "string" && summary !== "" ? summary : typeof details === "string" ? details : "no summary";
  const line = text
    .slice(0, 4 * MAX_SUMMARY_CHARACTERS)
    .replace(/[^\x21-\x7e]+/g, " ")
    .trim();
  return line.length <= MAX_SUMMARY_CHARACTERS ? line : `${line.slice(0, MAX_SUMMARY_CHARACTERS)}...`;
}

function timeOf(value: JsonValue | undefined): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** An absent list is an empty one; undefined for what is no list. */
function listOf(value: JsonValue | undefined): readonly JsonValue[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly JsonValue[]) : undefined;
}
