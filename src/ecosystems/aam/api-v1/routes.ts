import { noSuchPath, versionNotFound } from "../missing.ts";
import { type PackageName, parseVersion, type Version } from "../names.ts";
import { takeName } from "../route-name.ts";

/** The read side of the AAM HTTP registry protocol, below `/api/v1`. `signature` is our addition: the dialect has no way to ask for one. */
type Route =
  | { readonly kind: "packages" }
  | { readonly kind: "package"; readonly name: PackageName }
  | { readonly kind: "versions"; readonly name: PackageName }
  | { readonly kind: "tags"; readonly name: PackageName }
  | { readonly kind: "version"; readonly name: PackageName; readonly version: Version }
  | { readonly kind: "download"; readonly name: PackageName; readonly version: Version }
  | { readonly kind: "signature"; readonly name: PackageName; readonly version: Version };

const KNOWN = "/api/v1/packages and below it …/versions, …/tags, …/VERSION, …/VERSION/download and …/VERSION/signature";

/** Parses the path below `/api/v1`. Throws NOT_FOUND for one that names nothing a mirror has, text outside the grammars included. */
export function parseRoute(segments: readonly string[]): Route {
  // `/packages/` is `/packages`.
  const path = segments.at(-1) === "" ? segments.slice(0, -1) : segments;
  if (path[0] !== "packages") throw noSuchPath(KNOWN);
  if (path.length === 1) return { kind: "packages" };
  const { name, rest } = takeName(path.slice(1));
  const [word, part, ...more] = rest;
  if (more.length > 0) throw noSuchPath(KNOWN);
  if (word === undefined) return { kind: "package", name };
  if (word === "versions" || word === "tags") {
    if (part === undefined) return { kind: word, name };
    throw noSuchPath(KNOWN);
  }
  if (word === "audit-log") throw noSuchPath(KNOWN);
  const version = parseVersion(word);
  if (!version) throw versionNotFound(name, word);
  if (part === undefined) return { kind: "version", name, version };
  if (part === "download" || part === "signature") return { kind: part, name, version };
  throw noSuchPath(KNOWN);
}
