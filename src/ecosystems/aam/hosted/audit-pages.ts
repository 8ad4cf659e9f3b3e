import type { AccessToken } from "../../../core/access-token.ts";
import type { LoggedAudit } from "../../../core/audit.ts";
import { AssayError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { ManagementRequest, PlainAnswer, Repository } from "../../../core/ports/ecosystem.ts";
import type { AuditFilter, HostedPackages } from "../../../core/ports/hosted-packages.ts";
import { quote } from "../../../core/quote.ts";
import { packageNotFound } from "../missing.ts";
import type { PackageName } from "../names.ts";
import { baseOf, jsonBody } from "../page.ts";
import { requireOwner, requireScope } from "./authorize.ts";
import type { Dialect } from "./operation.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
const MAX_PAGE = 1_000_000;
const FILTER_CHARACTERS = 200;
/** What a page of one package's entries can be asked for by, and the next page with it. */
const FILTERS = ["event", "actor", "from", "to"];

/**
 * The audit log, newest first: of one package for its owner, of all for an admin. In pages by cursor or by number, as the dialect has it. Throws BAD_REQUEST for a query that
 * says nothing.
 */
export async function auditLog(
  packages: HostedPackages,
  repository: Repository,
  request: ManagementRequest,
  { dialect, name }: { readonly dialect: Dialect; readonly name: PackageName | undefined },
): Promise<PlainAnswer> {
  await mayRead(packages, repository, request, name);
  const { query } = request;
  const limit = Math.min(numberOf(query, "limit", DEFAULT_LIMIT), MAX_LIMIT);
  const isPaged = dialect === "api-v1";
  const page = isPaged ? numberOf(query, "page", 1) : 1;
  const offset = isPaged ? (page - 1) * limit : cursorOf(query);
  const { entries, total } = await packages.audit(repository.name, { ...filterOf(query, name), offset, limit });
  if (isPaged) {
    const body = { entries: entries.map(flatEntry), total, page, pages: Math.ceil(total / limit) };
    return { kind: "plain", status: 200, contentType: "application/json", body: jsonBody(body) };
  }
  const next = offset + entries.length;
  const asked = FILTERS.flatMap((key) =>
    query
      .getAll(key)
      .slice(0, 1)
      .map((value) => [key, value]),
  );
  const further = new URLSearchParams([...asked, ["limit", String(limit)], ["cursor", String(next)]]);
  const link = `<${baseOf(request)}/packages/${name}/audit-log?${further}>; rel="next"`;
  return {
    kind: "plain",
    status: 200,
    contentType: "application/json",
    body: jsonBody({
      entries: entries.map(({ position, previous, entry }) => ({ ...entry, position, previous }) as unknown as JsonObject),
    }),
    headers: { "X-Total-Count": String(total), ...(next < total ? { Link: link } : {}) },
  };
}

async function mayRead(
  packages: HostedPackages,
  repository: Repository,
  request: ManagementRequest,
  name: PackageName | undefined,
): Promise<void> {
  const token = await request.token();
  if (name === undefined) return requireAll(token, repository, textOf(request.query, "package"));
  requireScope(token, repository, "publish", name);
  const found = await packages.package(repository.name, name);
  if (!found) throw packageNotFound(name);
  requireOwner(token, repository, "publish", found);
}

/** A token that was made for some names is told of those alone, one at a time. */
function requireAll(token: AccessToken, repository: Repository, wanted: string | undefined): void {
  requireScope(token, repository, "admin", wanted);
  if (wanted === undefined && token.packages.length > 0) {
    throw new AssayError("FORBIDDEN", `the token ${token.id} of ${token.owner} is for ${token.packages.join(", ")}, not for all packages`, {
      help: "ask for ?package=NAME",
      detailCode: "FORBIDDEN",
    });
  }
}

function filterOf(query: URLSearchParams, name: PackageName | undefined): Omit<AuditFilter, "offset" | "limit"> {
  const wanted = name ?? textOf(query, "package");
  const [event, actor] = [textOf(query, "event"), textOf(query, "actor")];
  const [from, to] = [timeOf(query, "from"), timeOf(query, "to")];
  return {
    ...(wanted === undefined ? {} : { package: wanted }),
    ...(event === undefined ? {} : { event }),
    ...(actor === undefined ? {} : { actor }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

function textOf(query: URLSearchParams, key: string): string | undefined {
  const text = query.get(key) ?? undefined;
  if (text === undefined || text.length <= FILTER_CHARACTERS) return text;
  throw new AssayError("BAD_REQUEST", `${key}: expected at most ${FILTER_CHARACTERS} characters, got ${text.length}`);
}

function timeOf(query: URLSearchParams, key: string): number | undefined {
  const text = textOf(query, key);
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d{2}-\d{2}(?:$|T)/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new AssayError("BAD_REQUEST", `${key}: expected a time such as 2026-11-23T08:00:00Z, got ${quote(text)}`);
}

function numberOf(query: URLSearchParams, key: string, byDefault: number): number {
  const text = query.get(key);
  if (text === null) return byDefault;
  if (/^[1-9]\d{0,6}$/.test(text) && Number(text) <= MAX_PAGE) return Number(text);
  throw new AssayError("BAD_REQUEST", `${key}: expected a whole number from 1 to ${MAX_PAGE}, got ${quote(text)}`);
}

function cursorOf(query: URLSearchParams): number {
  const cursor = query.get("cursor");
  if (cursor === null) return 0;
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  throw new AssayError("BAD_REQUEST", "the cursor is not one of this list's", { help: "start again without it" });
}

/** The AAM dialect's own shape. */
function flatEntry({ position, entry }: LoggedAudit): JsonObject {
  const { event, actor, target, timestamp, metadata = {} } = entry;
  return {
    id: String(position),
    event,
    actor: actor.identity,
    package: target.package,
    version: target.version ?? null,
    timestamp,
    metadata,
  };
}
