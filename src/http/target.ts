import { AssayError } from "../core/errors.ts";

export interface Target {
  /** Percent-decoded once. None is empty but the last, for a path with a final slash; `/` alone is one empty segment. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** A control character, a backslash or a lone surrogate would be read differently by the next program that sees the path. */
const FORBIDDEN = /[\u0000-\u001f\u007f\\\ud800-\udfff]/u;

/**
 * Parses the request target of an HTTP request (origin form, RFC 9112 section 3.2.1). Decodes each segment once and refuses what could
 * mean another path to somebody else: dot segments, in encoded form too, empty segments, NUL, backslashes. Throws BAD_REQUEST.
 */
export function parseTarget(target: string, maxCharacters: number): Target {
  if (target.length > maxCharacters) throw new AssayError("BAD_REQUEST", `the request path is longer than ${maxCharacters} characters`);
  if (!target.startsWith("/")) throw new AssayError("BAD_REQUEST", "the request target must be a path that starts with a slash");
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const segments = path.slice(1).split("/").map(decodeSegment);
  if (segments.slice(0, -1).includes("")) throw new AssayError("BAD_REQUEST", "the request path has an empty segment");
  return { segments, query: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)) };
}

/**
 * The same for a request to a repository, without the segment that names it. The framework chose the repository by its own reading of the path: one that differs from ours must
 * not choose it. Throws NOT_FOUND, too.
 */
export function parseTargetBelow(repository: string, target: string, maxCharacters: number): Target {
  const { segments, query } = parseTarget(target, maxCharacters);
  if (segments[0] !== repository) throw new AssayError("NOT_FOUND", "nothing is served at this path");
  return { segments: segments.slice(1), query };
}

function decodeSegment(raw: string): string {
  let segment: string;
  try {
    segment = decodeURIComponent(raw);
  } catch (error) {
    throw new AssayError("BAD_REQUEST", "the request path has a broken percent-encoding", { cause: error });
  }
  if (FORBIDDEN.test(segment)) throw new AssayError("BAD_REQUEST", "the request path holds a control character or a backslash");
  // A scope may be sent as `@scope%2fname`, so a decoded slash is not wrong in itself; a dot segment beside it is.
  if (segment.split("/").some((part) => part === "." || part === "..")) {
    throw new AssayError("BAD_REQUEST", "the request path holds a dot segment");
  }
  return segment;
}
