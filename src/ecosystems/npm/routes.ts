import { AssayError } from "../../core/errors.ts";
import type { EcosystemRequest } from "../../core/ports/ecosystem.ts";
import { isArchiveFile, parsePackageName, parseVersion } from "./names.ts";

/** What a request below the mount asks for. Every part has passed npm's grammar. */
export type Route =
  | { readonly kind: "packument"; readonly name: string }
  /** `selector` is a version or a tag: text to look up, never to build a path from. */
  | { readonly kind: "manifest"; readonly name: string; readonly selector: string }
  | { readonly kind: "dist-tags"; readonly name: string }
  | { readonly kind: "archive"; readonly name: string; readonly file: string }
  | { readonly kind: "attestations"; readonly name: string; readonly version: string }
  | { readonly kind: "keys" }
  | { readonly kind: "ping" }
  | { readonly kind: "whoami" }
  | { readonly kind: "search" }
  /** `path` is relative to the registry and one of a closed list. */
  | { readonly kind: "audit"; readonly path: string };

const AUDIT_PATHS: ReadonlySet<string> = new Set([
  "-/npm/v1/security/advisories/bulk",
  "-/npm/v1/security/audits",
  "-/npm/v1/security/audits/quick",
]);

/** Throws BAD_REQUEST for names outside npm's grammar, NOT_FOUND for paths no client asks of a mirror, METHOD_NOT_ALLOWED for writes. */
export function routeOf(request: Pick<EcosystemRequest, "method" | "segments">): Route {
  // Clients write the slash of a scope plainly or as %2f. Taken apart, both are the same path, and a hidden dot segment is seen.
  const parts = request.segments.join("/").split("/");
  if (parts.at(-1) === "") parts.pop();
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new AssayError("BAD_REQUEST", "the path has an empty or a dot segment");
  }
  const path = parts.join("/");
  const isAudit = AUDIT_PATHS.has(path);
  if (isAudit !== (request.method === "POST")) throw notAllowed(isAudit);
  if (isAudit) return { kind: "audit", path };
  return parts[0] === "-" ? registryRoute(parts.slice(1)) : packageRoute(parts);
}

function packageRoute(parts: readonly string[]): Route {
  const { name, rest } = takeName(parts);
  if (rest.length === 0) return { kind: "packument", name };
  if (rest[0] === "-") return { kind: "archive", name, file: archiveFile(name, rest.slice(1)) };
  const selector = rest[0];
  if (selector === undefined || rest.length > 1) throw unknownPath();
  return { kind: "manifest", name, selector };
}

/** `name-1.0.0.tgz`, and `@scope/name-1.0.0.tgz` as some registries write it. */
function archiveFile(name: string, parts: readonly string[]): string {
  const repeatsScope = parts.length === 2 && name.startsWith(`${parts[0]}/`);
  const file = repeatsScope ? parts[1] : parts[0];
  if (file === undefined || parts.length > (repeatsScope ? 2 : 1)) throw unknownPath();
  if (!isArchiveFile(file)) throw new AssayError("BAD_REQUEST", `${JSON.stringify(file.slice(0, 100))} is no name of an npm archive`);
  return file;
}

function registryRoute(parts: readonly string[]): Route {
  const path = parts.join("/");
  if (path === "ping") return { kind: "ping" };
  if (path === "whoami") return { kind: "whoami" };
  if (path === "v1/search") return { kind: "search" };
  if (path === "npm/v1/keys") return { kind: "keys" };
  if (path.startsWith("npm/v1/attestations/")) return attestationsRoute(parts.slice(3).join("/"));
  if (parts[0] === "package") {
    const { name, rest } = takeName(parts.slice(1));
    if (rest.join("/") === "dist-tags") return { kind: "dist-tags", name };
  }
  throw unknownPath();
}

function attestationsRoute(subject: string): Route {
  const at = subject.lastIndexOf("@");
  if (at < 1) throw new AssayError("BAD_REQUEST", "attestations are asked for as NAME@VERSION");
  return { kind: "attestations", name: parsePackageName(subject.slice(0, at)), version: parseVersion(subject.slice(at + 1)) };
}

function takeName(parts: readonly string[]): { name: string; rest: readonly string[] } {
  const [first, second] = parts;
  if (first === undefined) throw unknownPath();
  if (!first.startsWith("@")) return { name: parsePackageName(first), rest: parts.slice(1) };
  return { name: parsePackageName(second === undefined ? first : `${first}/${second}`), rest: parts.slice(2) };
}

function unknownPath(): AssayError {
  return new AssayError("NOT_FOUND", "this is no path of an npm registry that Assay serves");
}

function notAllowed(isAudit: boolean): AssayError {
  if (isAudit) return new AssayError("METHOD_NOT_ALLOWED", "security audits are asked for with POST");
  return new AssayError("METHOD_NOT_ALLOWED", "this npm repository is a mirror: it takes no publishing, login or other changes", {
    help: "send changes to the registry it mirrors (npm publish --registry …)",
  });
}
