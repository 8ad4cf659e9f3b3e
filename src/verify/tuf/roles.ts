import { isJsonObject } from "../../core/json.ts";
import { parseStrictJsonObject, StrictJsonError } from "../../core/parse-strict-json.ts";

/** What a piece of verified TUF metadata says of itself. */
export interface TufRole {
  readonly role: string;
  readonly version: number;
  /** Milliseconds since the epoch; from then on a mirror must have newer metadata. What it vouched for stays good. */
  readonly expiresAt: number;
}

const MAX_DEPTH = 64;

/** Versions and ends of metadata that was verified when it was kept. What cannot be read is left out: it is for showing, and decides nothing. */
export function tufRoles(metadata: ReadonlyMap<string, Buffer>): readonly TufRole[] {
  return [...metadata].flatMap(([role, text]) => {
    const signed = signedPart(text);
    const [version, expires] = [signed?.["version"], signed?.["expires"]];
    const expiresAt = typeof expires === "string" ? Date.parse(expires) : Number.NaN;
    return typeof version === "number" && !Number.isNaN(expiresAt) ? [{ role, version, expiresAt }] : [];
  });
}

function signedPart(text: Buffer) {
  try {
    const { signed } = parseStrictJsonObject(text, MAX_DEPTH);
    return isJsonObject(signed) ? signed : undefined;
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined;
    throw error;
  }
}
