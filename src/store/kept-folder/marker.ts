import { AssayError } from "../../core/errors.ts";
import { parseJsonObject } from "../../core/json.ts";

/** What is Assay's own in a kept folder: the marker, and files that are not whole yet. */
export const OWN_FOLDER = ".assay";
export const MARKER = `${OWN_FOLDER}/kept-files.json`;
/** Some 500 000 files. */
export const MARKER_BYTES = 64 * 1024 * 1024;

const FORMAT = 1;

/** The files that a marker names. Throws CONFLICT for a text that is no marker: what is ours in the folder cannot be told then. */
export function readMarker(body: Buffer): ReadonlySet<string> {
  try {
    const { format, files } = parseJsonObject(body, { maxDepth: 4, source: MARKER });
    if (format === FORMAT && Array.isArray(files) && files.every(isKeptPath)) return new Set(files as readonly string[]);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
  }
  throw new AssayError("CONFLICT", `${MARKER} of the folder cannot be read, so nobody can tell which of its files Assay wrote`, {
    help: "name another folder, or empty this one",
  });
}

export function markerText(files: Iterable<string>): string {
  return `${JSON.stringify({ format: FORMAT, about: "Assay keeps these files in step with what it admits; it changes no others.", files: [...files].sort() }, undefined, 1)}\n`;
}

/** A path inside the folder: plain names with slashes between them, none of them ours. */
export function isKeptPath(path: unknown): path is string {
  if (typeof path !== "string" || path.length === 0 || path.length > 1024) return false;
  const segments = path.split("/");
  return (
    segments[0] !== OWN_FOLDER &&
    segments.every((segment) => segment !== "" && segment !== "." && segment !== ".." && !/[\\\u0000-\u001f]/.test(segment))
  );
}
