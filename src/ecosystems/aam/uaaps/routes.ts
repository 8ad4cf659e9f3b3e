import { noSuchPath, versionNotFound } from "../missing.ts";
import { isDistTag, type PackageName, parseVersion, type Version } from "../names.ts";
import { takeName } from "../route-name.ts";

/** The read side of the UAAPS HTTP registry protocol, section 12.6. */
type Route =
  | { readonly kind: "registry" }
  | { readonly kind: "error-page"; readonly code: string }
  | { readonly kind: "packages" }
  | { readonly kind: "package"; readonly name: PackageName }
  | { readonly kind: "dist-tags"; readonly name: PackageName }
  /** A dist-tag in the place of a version: the server is to say which version that is. */
  | { readonly kind: "tag"; readonly name: PackageName; readonly tag: string }
  | { readonly kind: "version"; readonly name: PackageName; readonly version: Version }
  | { readonly kind: "tarball"; readonly name: PackageName; readonly version: Version }
  | { readonly kind: "signature"; readonly name: PackageName; readonly version: Version };

const KNOWN = "the UAAPS registry protocol, /packages and what is below it, and the AAM dialect below /api/v1";

/** Parses the path below the mount. Throws NOT_FOUND for one that names nothing a mirror has, text outside the grammars included. */
export function parseRoute(segments: readonly string[]): Route {
  // `/packages/` is `/packages`.
  const path = segments.at(-1) === "" ? segments.slice(0, -1) : segments;
  const [top, second] = path;
  if (top === undefined) return { kind: "registry" };
  if (top === "errors" && second !== undefined && path.length === 2) return { kind: "error-page", code: second };
  if (top !== "packages") throw noSuchPath(KNOWN);
  if (second === undefined) return { kind: "packages" };
  const { name, rest } = takeName(path.slice(1));
  const [word, part, ...more] = rest;
  if (more.length > 0) throw noSuchPath(KNOWN);
  if (word === undefined) return { kind: "package", name };
  // Neither is a version nor a tag, so the two words are looked at first.
  if (word === "dist-tags" && part === undefined) return { kind: "dist-tags", name };
  if (word === "dist-tags" || word === "audit-log") throw noSuchPath(KNOWN);
  const version = parseVersion(word);
  if (!version && part === undefined && isDistTag(word)) return { kind: "tag", name, tag: word };
  if (!version) throw versionNotFound(name, word);
  if (part === undefined) return { kind: "version", name, version };
  if (part === "tarball" || part === "signature") return { kind: part, name, version };
  throw noSuchPath(KNOWN);
}
