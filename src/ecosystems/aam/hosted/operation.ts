import { AssayError } from "../../../core/errors.ts";
import type { ManagementRequest } from "../../../core/ports/ecosystem.ts";
import { versionNotFound } from "../missing.ts";
import { type PackageName, parseVersion, type Version } from "../names.ts";
import { takeName } from "../route-name.ts";

/** Which of the two protocols a request is in: the specification's, or the AAM dialect below `/api/v1`. */
export type Dialect = "uaaps" | "api-v1";

type VersionOperation = "yank" | "undo-yank" | "deprecate" | "undo-deprecate" | "decide" | "approvals-of";

interface OfVersion {
  readonly name: PackageName;
  readonly version: Version;
}

/** What a request wants of a hosted repository, in either dialect. */
export type Operation =
  | { readonly kind: "publish" }
  | { readonly kind: "set-tag" | "remove-tag"; readonly name: PackageName; readonly tag: string }
  | ({ readonly kind: VersionOperation } & OfVersion)
  | { readonly kind: "decide-by-id"; readonly id: number; readonly status: "approved" | "rejected" }
  | { readonly kind: "pending" }
  | { readonly kind: "audit"; readonly name?: PackageName };

export interface ParsedOperation {
  readonly dialect: Dialect;
  readonly operation: Operation;
}

const DECISIONS: ReadonlyMap<string, "approved" | "rejected"> = new Map([
  ["approve", "approved"],
  ["reject", "rejected"],
]);

/**
 * What a request to a hosted repository wants changed, or wants to know of changes. Undefined for one that reads packages. Throws NOT_FOUND for a name or version outside the
 * grammar, METHOD_NOT_ALLOWED for a change that there is not, such as removing what was published.
 */
export function parseOperation({ method, segments }: Pick<ManagementRequest, "method" | "segments">): ParsedOperation | undefined {
  const isDialect = segments[0] === "api" && segments[1] === "v1";
  const dialect = isDialect ? "api-v1" : "uaaps";
  const path = (isDialect ? segments.slice(2) : segments).filter((segment, index, all) => segment !== "" || index < all.length - 1);
  const isRead = method === "GET" || method === "HEAD";
  const operation = path[0] === "packages" ? ofPackages(dialect, method, path.slice(1)) : beside(dialect, method, path);
  if (operation) return { dialect, operation };
  if (isRead) return undefined;
  throw new AssayError("METHOD_NOT_ALLOWED", `there is nothing that ${method.slice(0, 20)} does at that path`, {
    help: "what was published is never removed: yank it, or deprecate it",
  });
}

function beside(dialect: Dialect, method: string, [top, id, decision, ...more]: readonly string[]): Operation | undefined {
  const isGet = method === "GET" || method === "HEAD";
  if (dialect === "api-v1") return isGet && top === "audit-log" && id === undefined ? { kind: "audit" } : undefined;
  if (top !== "approvals" || more.length > 0) return undefined;
  if (id === undefined) return isGet ? { kind: "pending" } : undefined;
  const status = DECISIONS.get(decision ?? "");
  return method === "POST" && status && /^\d{1,15}$/.test(id) ? { kind: "decide-by-id", id: Number(id), status } : undefined;
}

function ofPackages(dialect: Dialect, method: string, path: readonly string[]): Operation | undefined {
  if (path.length === 0) return method === "POST" ? { kind: "publish" } : undefined;
  const { name, rest } = takeName(path);
  const [word, part, ...more] = rest;
  if (word === undefined || more.length > 0) return undefined;
  const isGet = method === "GET" || method === "HEAD";
  if (word === "audit-log") return isGet && part === undefined ? { kind: "audit", name } : undefined;
  if (word === (dialect === "uaaps" ? "dist-tags" : "tags")) return part === undefined ? undefined : ofTag(method, name, part);
  if (word === "versions") return undefined; // The list of them, which nobody changes.
  const kind = kindOf(dialect, method, part);
  if (!kind) return undefined;
  const version = parseVersion(word);
  if (!version) throw versionNotFound(name, word);
  return { kind, name, version };
}

function ofTag(method: string, name: PackageName, tag: string): Operation | undefined {
  if (method === "PUT") return { kind: "set-tag", name, tag };
  return method === "DELETE" ? { kind: "remove-tag", name, tag } : undefined;
}

/** The AAM dialect yanks by DELETE. In the specification's protocol that was once to remove a version, which nobody may. */
function kindOf(dialect: Dialect, method: string, part: string | undefined): VersionOperation | undefined {
  switch (`${method} ${part ?? ""}`) {
    case "DELETE ":
      return dialect === "api-v1" ? "yank" : undefined;
    case "POST yank":
      return "yank";
    case "DELETE yank":
      return "undo-yank";
    case "POST deprecate":
      return "deprecate";
    case "DELETE deprecate":
      return "undo-deprecate";
    case "POST approve":
      return dialect === "api-v1" ? "decide" : undefined;
    case "GET approvals":
    case "HEAD approvals":
      return dialect === "api-v1" ? "approvals-of" : undefined;
    default:
      return undefined;
  }
}
