import { Pax } from "tar";
import { quote } from "../../core/quote.ts";
import { ambiguous, malformed, unsupported } from "./finding.ts";

/** What a pax header may override. Other records (times, owners, comments, vendors' own) change nothing that we judge. */
export interface PaxOverrides {
  readonly path?: string;
  readonly linkpath?: string;
  readonly size?: number;
}

const LINE_FEED = 0x0a;
const SPACE = 0x20;
const EQUALS = 0x3d;

/**
 * The overrides in a pax extended header. Records are read strictly by their lengths, as POSIX says. The `tar` library, which npm unpacks
 * with, reads them line by line instead, so a value with line feeds in it can show npm records that nobody else sees; therefore both
 * readings must agree. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03
 * Throws ARCHIVE_MALFORMED, ARCHIVE_AMBIGUOUS, ARCHIVE_UNSUPPORTED.
 */
export function parsePax(body: Buffer): PaxOverrides {
  const records = new Map<string, string>();
  for (const [key, value] of paxRecords(body)) {
    if (key.startsWith("GNU.sparse.")) throw unsupported("it has a sparse file, which some readers expand and others do not");
    if (key === "hdrcharset" && value !== "ISO-IR 10646 2000 UTF-8")
      throw ambiguous(`a pax header has another character set, ${quote(value)}`);
    const earlier = records.get(key);
    if (OVERRIDES.has(key) && earlier !== undefined && earlier !== value) throw ambiguous(`a pax header gives two values for ${key}`);
    records.set(key, value);
  }
  const strict = { path: records.get("path"), linkpath: records.get("linkpath"), size: parseSize(records.get("size")) };
  const asNpm = Pax.parse(body.toString("utf8"));
  for (const key of ["path", "linkpath", "size"] as const) {
    if (asNpm[key] === strict[key]) continue;
    throw ambiguous(`a pax header sets ${key} to ${show(strict[key])} for some readers and to ${show(asNpm[key])} for others`);
  }
  return Object.fromEntries(Object.entries(strict).filter(([, value]) => value !== undefined));
}

function show(value: string | number | undefined): string {
  return value === undefined ? "nothing" : quote(String(value));
}

const OVERRIDES: ReadonlySet<string> = new Set(["path", "linkpath", "size"]);

/** Each record is `LENGTH KEY=VALUE\n`, where the decimal length counts the whole record. Throws ARCHIVE_MALFORMED. */
export function* paxRecords(body: Buffer): Generator<readonly [string, string]> {
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(SPACE, at);
    const digits = body.toString("latin1", at, Math.min(Math.max(space, at), at + 10));
    const end = /^[1-9][0-9]*$/.test(digits) ? at + Number(digits) : 0;
    const equals = body.indexOf(EQUALS, space);
    if (end <= space || end > body.length || body[end - 1] !== LINE_FEED || equals === -1 || equals >= end) {
      throw malformed("a pax header holds a record that does not parse");
    }
    yield [body.toString("utf8", space + 1, equals), body.toString("utf8", equals + 1, end - 1)];
    at = end;
  }
}

function parseSize(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const size = Number(text);
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(size)) throw malformed(`a pax header gives the size ${quote(text)}`);
  return size;
}
