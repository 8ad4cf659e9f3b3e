import { AssayError } from "../../core/errors.ts";
import { type PackageName, parsePackageName, parseVersion, type Version } from "./names.ts";

/** The read side of the UAAPS HTTP registry protocol, section 12.6. */
type Route =
  | { readonly kind: "registry" }
  | { readonly kind: "packages" }
  | { readonly kind: "package"; readonly name: PackageName }
  | { readonly kind: "dist-tags"; readonly name: PackageName }
  | { readonly kind: "version"; readonly name: PackageName; readonly version: Version }
  | { readonly kind: "tarball"; readonly name: PackageName; readonly version: Version }
  | { readonly kind: "signature"; readonly name: PackageName; readonly version: Version };

/** Parses the path below the mount. Throws NOT_FOUND for one that names nothing a mirror has, text outside the grammars included. */
export function parseRoute(segments: readonly string[]): Route {
  // `/packages/` is `/packages`.
  const path = segments.at(-1) === "" ? segments.slice(0, -1) : segments;
  if (path.length === 0) return { kind: "registry" };
  if (path[0] !== "packages") throw noSuchPath();
  if (path.length === 1) return { kind: "packages" };
  const { name, rest } = takeName(path.slice(1));
  const [word, part, ...more] = rest;
  if (more.length > 0) throw noSuchPath();
  if (word === undefined) return { kind: "package", name };
  // Neither is a version, so the two words are looked at first.
  if (word === "dist-tags" && part === undefined) return { kind: "dist-tags", name };
  if (word === "dist-tags" || word === "audit-log") throw noSuchPath();
  const version = parseVersion(word);
  if (!version) throw versionNotFound(name, word);
  if (part === undefined) return { kind: "version", name, version };
  if (part === "tarball" || part === "signature") return { kind: part, name, version };
  throw noSuchPath();
}

/** A scoped name is two segments, or one where the client encoded its slash. */
function takeName(path: readonly string[]): { readonly name: PackageName; readonly rest: readonly string[] } {
  const [first = "", second] = path;
  const split = first.startsWith("@") && !first.includes("/");
  const text = split ? `${first}/${second ?? ""}` : first;
  const name = parsePackageName(text);
  if (!name) {
    throw new AssayError("NOT_FOUND", `${JSON.stringify(text.slice(0, 150))} is not a package name`, {
      help: "names are lowercase letters, digits and single hyphens, with or without an @scope/",
      detailCode: "PACKAGE_NOT_FOUND",
    });
  }
  return { name, rest: path.slice(split ? 2 : 1) };
}

export function packageNotFound(name: PackageName): AssayError {
  return new AssayError("NOT_FOUND", `no upstream has the package ${name}`, { detailCode: "PACKAGE_NOT_FOUND" });
}

export function versionNotFound(name: PackageName, version: string): AssayError {
  return new AssayError("NOT_FOUND", `${name} has no version ${JSON.stringify(version.slice(0, 150))}`, {
    help: "versions are exact; tags are under dist-tags",
    detailCode: "VERSION_NOT_FOUND",
  });
}

function noSuchPath(): AssayError {
  return new AssayError("NOT_FOUND", "this mirror has nothing at that path", {
    help: "it serves the read side of the UAAPS registry protocol: /packages and what is below it",
  });
}
