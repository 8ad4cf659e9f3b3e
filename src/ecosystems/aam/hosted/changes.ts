import semver from "semver";
import type { AccessToken } from "../../../core/access-token.ts";
import type { AuditEntry, AuditEvent } from "../../../core/audit.ts";
import { AssayError } from "../../../core/errors.ts";
import { type JsonObject, parseJsonObject } from "../../../core/json.ts";
import type { ManagementRequest, Repository } from "../../../core/ports/ecosystem.ts";
import type { Deprecation, HostedPackage, HostedVersion } from "../../../core/ports/hosted-packages.ts";
import { quote } from "../../../core/quote.ts";
import { packageNotFound, versionNotFound } from "../missing.ts";
import { archiveFile, type PackageName, parsePackageName, parseVersion, type Version } from "../names.ts";
import { auditEntry } from "./audit-entry.ts";
import { requireOwner, requireScope } from "./authorize.ts";
import type { PublishServices } from "./publish.ts";
import { requireTag } from "./upload-form.ts";

/** Section 12.7. */
const MESSAGE_CHARACTERS = 280;
const COMMENT_CHARACTERS = 1000;
const JSON_DEPTH = 8;

/** One request for a change, with what it is about as it is now. */
interface Asked {
  readonly repository: Repository;
  readonly request: ManagementRequest;
  readonly services: PublishServices;
}

interface Named extends Asked {
  readonly name: PackageName;
}

interface Versioned extends Named {
  readonly version: Version;
}

/** `PUT …/dist-tags/:tag` with `{"version"}`. Throws BAD_REQUEST for `latest`, which nobody sets. */
export async function setTag(asked: Named, tag: string): Promise<Version> {
  requireTag(tag);
  const { token, found } = await own(asked, "publish");
  const { version: text } = await readBody(asked.request);
  const version = typeof text === "string" ? parseVersion(text) : undefined;
  if (!version) throw new AssayError("BAD_REQUEST", `expected {"version": "1.2.3"}, got ${quote(JSON.stringify(text ?? null))}`);
  const target = visible(found, asked.name, version);
  if (target.yankedAt !== undefined) {
    throw new AssayError("CONFLICT", `${asked.name}@${version} is yanked, so no tag may lead to it`, {
      help: "undo the yank first, or choose another version",
    });
  }
  const entry = entryOf(asked, token, "tag.set", version, { tag });
  await asked.services.publishing.packages.setTag({ repository: asked.repository.name, name: asked.name, version }, tag, entry);
  return version;
}

/** `DELETE …/dist-tags/:tag`. Throws NOT_FOUND (TAG_NOT_FOUND) for a tag that is not there. */
export async function removeTag(asked: Named, tag: string): Promise<void> {
  requireTag(tag);
  const { token, found } = await own(asked, "publish");
  if (!found.tags.has(tag)) throw new AssayError("NOT_FOUND", `${asked.name} has no tag ${quote(tag)}`, { detailCode: "TAG_NOT_FOUND" });
  const entry = entryOf(asked, token, "tag.remove", undefined, { tag });
  await asked.services.publishing.packages.removeTag({ repository: asked.repository.name, name: asked.name }, tag, entry);
}

/** Takes a version out of everything that chooses one, or puts it back. It stays where it is for those who have it locked. */
export async function setYanked(asked: Versioned, yanked: boolean): Promise<HostedVersion> {
  const { token, found } = await own(asked, "yank");
  visible(found, asked.name, asked.version);
  const { packages, clock } = asked.services.publishing;
  const entry = entryOf(asked, token, yanked ? "version.yank" : "version.yank.undo", asked.version);
  await packages.setYanked(keyOf(asked), yanked ? clock.now() : undefined, entry);
  return now(asked);
}

/** `{"message", "replacement"?}`. Throws UNPROCESSABLE for a message that is missing or too long, or a replacement that names no package. */
export async function deprecate(asked: Versioned): Promise<HostedVersion> {
  const { token, found } = await own(asked, "publish");
  visible(found, asked.name, asked.version);
  const deprecation = deprecationOf(await readBody(asked.request));
  const entry = entryOf(asked, token, "version.deprecate", asked.version, { ...deprecation });
  await asked.services.publishing.packages.setDeprecated(keyOf(asked), deprecation, entry);
  return now(asked);
}

export async function undoDeprecate(asked: Versioned): Promise<HostedVersion> {
  const { token, found } = await own(asked, "publish");
  visible(found, asked.name, asked.version);
  const entry = entryOf(asked, token, "version.deprecate.undo", asked.version);
  await asked.services.publishing.packages.setDeprecated(keyOf(asked), undefined, entry);
  return now(asked);
}

export interface Decision {
  readonly status: "approved" | "rejected";
  readonly comment?: string;
}

/** The decision in a request's body: `{"status", "comment"?}`; `status` is left to the path where that says it. Throws BAD_REQUEST. */
export async function readDecision(request: ManagementRequest, status?: Decision["status"]): Promise<Decision> {
  const body = await readBody(request);
  const { comment } = body;
  const decided = status ?? body["status"];
  if (decided !== "approved" && decided !== "rejected") {
    throw new AssayError(
      "BAD_REQUEST",
      `expected {"status": "approved"} or {"status": "rejected"}, got ${quote(JSON.stringify(decided ?? null))}`,
    );
  }
  if (comment !== undefined && comment !== null && (typeof comment !== "string" || comment.length > COMMENT_CHARACTERS)) {
    throw new AssayError("BAD_REQUEST", `comment: expected a text of at most ${COMMENT_CHARACTERS} characters`);
  }
  return { status: decided, ...(typeof comment === "string" ? { comment } : {}) };
}

/**
 * Lets a pending version be seen, or never. Throws FORBIDDEN where the approver published it: a second person is what approval is for; CONFLICT where it was decided before.
 */
export async function decide(
  asked: Asked,
  version: HostedVersion,
  decision: Decision,
): Promise<{ readonly approver: string; readonly createdAt: number }> {
  const { repository, request, services } = asked;
  const token = await adminToken(repository, request, version.name);
  const [name, exact] = [parsePackageName(version.name), parseVersion(version.version)];
  if (!name || !exact) throw new Error("a published version has a name outside the grammar");
  if (version.status !== "pending") {
    throw new AssayError("CONFLICT", `${name}@${exact} was ${version.status} already`, { help: "each version is decided once" });
  }
  if (version.publishedBy === token.owner) {
    throw new AssayError("FORBIDDEN", `${token.owner} published ${name}@${exact}, so somebody else must decide`, {
      detailCode: "FORBIDDEN",
    });
  }
  const { packages, clock } = services.publishing;
  const createdAt = clock.now();
  const named = { ...asked, name, version: exact };
  const entry = entryOf(named, token, decision.status === "approved" ? "version.approve" : "version.reject", exact, {
    ...(decision.comment === undefined ? {} : { comment: decision.comment }),
  });
  if (!(await packages.decide(keyOf(named), { ...decision, approver: token.owner, createdAt }, entry))) {
    throw new AssayError("CONFLICT", `${name}@${exact} was decided by somebody else a moment ago`);
  }
  if (decision.status === "approved") {
    const ref = { repository: repository.name, ecosystem: "aam", name, version: exact, file: archiveFile(name, exact) } as const;
    await services.publishing.admit(repository, ref, request.asker);
  }
  return { approver: token.owner, createdAt };
}

export async function adminToken(repository: Repository, request: ManagementRequest, name?: string): Promise<AccessToken> {
  const token = await request.token();
  requireScope(token, repository, "admin", name);
  return token;
}

/** The package, and a token that may change it. */
async function own(asked: Named, scope: "publish" | "yank"): Promise<{ readonly token: AccessToken; readonly found: HostedPackage }> {
  const token = await asked.request.token();
  requireScope(token, asked.repository, scope, asked.name);
  const found = await asked.services.publishing.packages.package(asked.repository.name, asked.name);
  if (!found) throw packageNotFound(asked.name);
  requireOwner(token, asked.repository, scope, found);
  return { token, found };
}

/** Throws NOT_FOUND for a version that is not there, or waits for approval still: only approvals speak about those. */
function visible(found: HostedPackage, name: PackageName, version: Version): HostedVersion {
  const there = found.versions.find((one) => one.version === version && one.status === "approved");
  if (!there) throw versionNotFound(name, version);
  return there;
}

async function now(asked: Versioned): Promise<HostedVersion> {
  const found = await asked.services.publishing.packages.package(asked.repository.name, asked.name);
  const version = found?.versions.find((one) => one.version === asked.version);
  if (!version) throw new Error("a published version is gone");
  return version;
}

function keyOf({ repository, name, version }: Versioned): { readonly repository: string; readonly name: string; readonly version: string } {
  return { repository: repository.name, name, version };
}

function entryOf(asked: Named, token: AccessToken, event: AuditEvent, version: Version | undefined, metadata: JsonObject = {}): AuditEntry {
  const { request, services, name } = asked;
  return auditEntry(request, {
    event,
    name,
    token,
    now: services.publishing.clock.now(),
    metadata,
    ...(version === undefined ? {} : { version }),
  });
}

function deprecationOf({ message, replacement }: JsonObject): Deprecation {
  if (typeof message !== "string" || message.trim() === "" || message.length > MESSAGE_CHARACTERS) {
    throw invalid("message", `expected a text of 1 to ${MESSAGE_CHARACTERS} characters`);
  }
  if (replacement === undefined || replacement === null) return { message };
  if (typeof replacement === "string" && isSpecifier(replacement)) return { message, replacement };
  throw invalid("replacement", "expected a package, or a package and a range: @acme/tool@^2.0.0");
}

function isSpecifier(text: string): boolean {
  const at = text.indexOf("@", 1);
  const [name, range] = at < 0 ? [text, "*"] : [text.slice(0, at), text.slice(at + 1)];
  return text.length <= 400 && parsePackageName(name) !== undefined && semver.validRange(range) !== null;
}

function invalid(field: string, error: string): AssayError {
  return new AssayError("UNPROCESSABLE", `${field}: ${error}`, { detailCode: "MANIFEST_INVALID", fields: [{ field, error }] });
}

/** A JSON object; none where nothing was sent. Throws BAD_REQUEST. */
async function readBody(request: ManagementRequest): Promise<JsonObject> {
  const body = await request.body();
  if (body.length === 0) return {};
  try {
    return parseJsonObject(body, { maxDepth: JSON_DEPTH, source: "the request's body" });
  } catch (error) {
    if (error instanceof AssayError) throw new AssayError("BAD_REQUEST", error.message, { cause: error });
    throw error;
  }
}
