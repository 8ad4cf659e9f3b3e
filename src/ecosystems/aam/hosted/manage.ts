import { coversName } from "../../../core/access-token.ts";
import { formatIntegrity } from "../../../core/digest.ts";
import { AssayError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { ManagementRequest, PlainAnswer, Repository } from "../../../core/ports/ecosystem.ts";
import type { HostedVersion } from "../../../core/ports/hosted-packages.ts";
import { packageNotFound, versionNotFound } from "../missing.ts";
import { baseOf, jsonBody } from "../page.ts";
import { auditLog } from "./audit-pages.ts";
import { adminToken, decide, deprecate, readDecision, removeTag, setTag, setYanked, undoDeprecate } from "./changes.ts";
import { type Dialect, type Operation, parseOperation } from "./operation.ts";
import { type Published, type PublishServices, publish } from "./publish.ts";

const MAX_PENDING = 200;

/** The writing side of a hosted repository, in both dialects: see `Ecosystem.manage`. */
export async function manage(
  services: PublishServices,
  repository: Repository,
  request: ManagementRequest,
): Promise<PlainAnswer | undefined> {
  const parsed = parseOperation(request);
  return parsed && perform(services, repository, request, parsed);
}

async function perform(
  services: PublishServices,
  repository: Repository,
  request: ManagementRequest,
  { dialect, operation }: { readonly dialect: Dialect; readonly operation: Operation },
): Promise<PlainAnswer> {
  const asked = { repository, request, services };
  switch (operation.kind) {
    case "publish": {
      const published = await publish(repository, request, services);
      return answer(published.isNew ? 201 : 200, publishedObject(dialect, published, request));
    }
    case "set-tag": {
      const version = await setTag({ ...asked, ...operation }, operation.tag);
      const { name, tag } = operation;
      return answer(200, dialect === "uaaps" ? { name, tag, version } : { package: name, tag, version });
    }
    case "remove-tag":
      await removeTag({ ...asked, ...operation }, operation.tag);
      return { kind: "plain", status: 204, contentType: "application/json", body: Buffer.alloc(0) };
    case "yank":
    case "undo-yank": {
      const { name, version, yankedAt } = await setYanked({ ...asked, ...operation }, operation.kind === "yank");
      const at = yankedAt === undefined ? null : isoTime(yankedAt);
      const yanked = yankedAt !== undefined;
      return answer(200, dialect === "uaaps" ? { name, version, yanked, yankedAt: at } : { name, version, yanked, yanked_at: at });
    }
    case "deprecate":
    case "undo-deprecate": {
      const { name, version, deprecated } = await (operation.kind === "deprecate" ? deprecate : undoDeprecate)({ ...asked, ...operation });
      return answer(200, { name, version, deprecated: deprecated ? { ...deprecated } : null });
    }
    case "decide": {
      // Before anything else: whether a version waits is nobody else's to know.
      await adminToken(repository, request, operation.name);
      const version = await versionOf(services, repository, operation.name, operation.version);
      const decision = await readDecision(request);
      const { approver, createdAt } = await decide(asked, version, decision);
      const { status, comment = null } = decision;
      return answer(201, { version_id: String(version.id), approver, status, comment, created_at: isoTime(createdAt) });
    }
    case "decide-by-id": {
      await adminToken(repository, request);
      const version = await services.publishing.packages.version(repository.name, operation.id);
      if (!version)
        throw new AssayError("NOT_FOUND", `nothing waits for approval under the id ${operation.id}`, { detailCode: "VERSION_NOT_FOUND" });
      const decision = await readDecision(request, operation.status);
      const { approver, createdAt } = await decide(asked, version, decision);
      return answer(200, { ...waiting(version), status: decision.status, approver, decidedAt: isoTime(createdAt) });
    }
    case "pending": {
      const token = await adminToken(repository, request);
      const versions = await services.publishing.packages.pending(repository.name, { offset: 0, limit: MAX_PENDING });
      return answer(200, { approvals: versions.filter(({ name }) => coversName(token, name)).map(waiting) });
    }
    case "approvals-of":
      return approvalsOf(services, repository, request, operation);
    case "audit":
      return auditLog(services.publishing.packages, repository, request, { dialect, name: operation.name });
    default:
      return operation satisfies never;
  }
}

async function approvalsOf(
  { publishing }: PublishServices,
  repository: Repository,
  request: ManagementRequest,
  operation: Extract<Operation, { version: unknown }>,
): Promise<PlainAnswer> {
  const { name, version } = operation;
  await adminToken(repository, request, name);
  const { status } = await versionOf({ publishing }, repository, name, version);
  const approvals = await publishing.packages.approvals({ repository: repository.name, name, version });
  return answer(200, {
    package: name,
    version,
    approval_status: status,
    approvals: approvals.map(({ approver, status: decided, comment = null, createdAt }) => ({
      approver,
      status: decided,
      comment,
      created_at: isoTime(createdAt),
    })),
  });
}

async function versionOf(
  { publishing }: Pick<PublishServices, "publishing">,
  repository: Repository,
  name: Extract<Operation, { version: unknown }>["name"],
  version: Extract<Operation, { version: unknown }>["version"],
): Promise<HostedVersion> {
  const found = await publishing.packages.package(repository.name, name);
  if (!found) throw packageNotFound(name);
  const there = found.versions.find((one) => one.version === version);
  if (!there) throw versionNotFound(name, version);
  return there;
}

/** What was published, in the shape of the dialect. */
function publishedObject(dialect: Dialect, { version: kept }: Published, request: ManagementRequest): JsonObject {
  const { name, version, digest, sizeBytes, publishedAt, status } = kept;
  if (dialect === "api-v1") {
    return {
      name,
      version,
      published_at: isoTime(publishedAt),
      checksum: { sha256: digest },
      archive_size: sizeBytes,
      approval_status: status,
      url: `${baseOf(request)}/api/v1/packages/${name}/${version}`,
    };
  }
  const address = `${baseOf(request)}/packages/${name}/${version}`;
  return {
    name,
    version,
    publishedAt: isoTime(publishedAt),
    integrity: formatIntegrity("sha256", digest),
    size: sizeBytes,
    approvalStatus: status,
    tarball: `${address}/tarball`,
    signature: `${address}/signature`,
  };
}

/** With the tag that it will take, which whoever approves it decides about, too. */
function waiting({ id, name, version, digest, publishedAt, publishedBy, status, tag }: HostedVersion): JsonObject {
  const integrity = formatIntegrity("sha256", digest);
  return {
    id: String(id),
    package: name,
    version,
    integrity,
    publishedAt: isoTime(publishedAt),
    publishedBy,
    status,
    ...(tag === undefined ? {} : { tag }),
  };
}

function answer(status: number, value: JsonObject): PlainAnswer {
  return { kind: "plain", status, contentType: "application/json", body: jsonBody(value) };
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
