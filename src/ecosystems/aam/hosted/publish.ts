import type { AccessToken } from "../../../core/access-token.ts";
import { coversName } from "../../../core/access-token.ts";
import type { ArtifactRef } from "../../../core/artifact.ts";
import { AssayError, type ErrorCode, type FieldProblem } from "../../../core/errors.ts";
import type { Finding } from "../../../core/finding.ts";
import { type JsonObject, parseJsonObject } from "../../../core/json.ts";
import type { Limits } from "../../../core/limits.ts";
import type { ManagementRequest, Manifest, Repository } from "../../../core/ports/ecosystem.ts";
import type { HostedVersion } from "../../../core/ports/hosted-packages.ts";
import type { Examined, Publishing, Upload } from "../../../core/ports/publishing.ts";
import type { Reason } from "../../../core/verdict.ts";
import { AAM_FORMAT } from "../identify.ts";
import { archiveFile, type PackageName, type Version } from "../names.ts";
import { readManifests } from "../pack/package-manifests.ts";
import { auditEntry } from "./audit-entry.ts";
import { ownedByAnother, requireScope } from "./authorize.ts";
import { manifestProblems, shownFields } from "./manifest-fields.ts";
import { precedenceOf } from "./own-registry.ts";
import { readSignatures, readUploadForm, type UploadFields } from "./upload-form.ts";

export interface PublishServices {
  readonly publishing: Publishing;
  readonly limits: Limits;
}

/** What became of an upload: the version as it is kept, and whether it is new. */
export interface Published {
  readonly version: HostedVersion;
  readonly isNew: boolean;
}

/** Bytes of one manifest. What pages show of it is repeated for each version of a package. */
const MANIFEST_BYTES = 256 * 1024;

/**
 * `POST /packages`. The token is looked at before the body is, and again once the archive has said what it is called. Throws FORBIDDEN, CONFLICT, UNPROCESSABLE and what
 * `Publishing` and the form throw; nothing is kept then.
 */
export async function publish(repository: Repository, request: ManagementRequest, services: PublishServices): Promise<Published> {
  const token = await request.token();
  requireScope(token, repository, "publish");
  const { publishing, limits } = services;
  let upload: Upload | undefined;
  try {
    const receive = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
      upload = await publishing.receive(repository, bytes);
    };
    const fields = await readUploadForm(request.form(), receive, limits);
    if (!upload) throw new Error("a form was read without its archive");
    return await submit(repository, request, { upload, fields, token }, services);
  } finally {
    await (upload as Upload | undefined)?.discard();
  }
}

async function submit(
  repository: Repository,
  request: ManagementRequest,
  { upload, fields, token }: { readonly upload: Upload; readonly fields: UploadFields; readonly token: AccessToken },
  { publishing, limits }: PublishServices,
): Promise<Published> {
  if (fields.sha256 !== undefined && fields.sha256 !== upload.digest) {
    throw new AssayError("BAD_REQUEST", `expected sha256 ${fields.sha256} (the form's checksum), got ${upload.digest}`, {
      help: "the archive was changed on its way: send it again",
      detailCode: "CHECKSUM_MISMATCH",
    });
  }
  const { name, version, manifest } = await manifestOf(upload, limits);
  requireScope(token, repository, "publish", name);
  const { served, signed } = readSignatures(fields, limits);
  const ref: ArtifactRef = { repository: repository.name, ecosystem: "aam", name, version, file: archiveFile(name, version) };
  const outcome = await upload.publish({
    ref,
    signed,
    publication: {
      name,
      version,
      precedence: precedenceOf(version),
      publishedBy: token.owner,
      ofAnyOwner: coversName(token, name) === true,
      status: repository.hosted?.requireApproval ? "pending" : "approved",
      ...(fields.tag === undefined ? {} : { tag: fields.tag }),
      fields: shownFields(manifest),
      signatures: served,
    },
    entry: (examined) => {
      const about = {
        event: "package.publish",
        name,
        version,
        token,
        now: publishing.clock.now(),
        metadata: { ...metadataOf(examined), ...(fields.tag === undefined ? {} : { tag: fields.tag }) },
      } as const;
      return auditEntry(request, about);
    },
  });
  switch (outcome.kind) {
    case "refused":
      throw refusal(outcome.reasons);
    case "owned":
      throw ownedByAnother(name, outcome.owner, token);
    case "conflict":
      throw conflict(outcome.version, name, version, upload);
    case "held":
      return { version: outcome.version, isNew: false };
    case "published":
      if (outcome.version.status === "approved") await publishing.admit(repository, ref, request.asker);
      return { version: outcome.version, isNew: true };
    default:
      return outcome satisfies never;
  }
}

/** What the archive says about itself. Throws UNPROCESSABLE: INVALID_ARCHIVE for one that is not sound, MANIFEST_INVALID for what its manifests say. */
async function manifestOf(
  upload: Upload,
  limits: Limits,
): Promise<{ readonly name: PackageName; readonly version: Version; readonly manifest: JsonObject }> {
  const read = await upload.manifests(AAM_FORMAT);
  if (!read.ok) throw invalidArchive(read.finding);
  const found = (path: string): Buffer | undefined => read.value.find((one: Manifest) => one.path === path)?.body;
  if (found("bundle.json")) throw invalidManifest("the archive is a bundle (it has bundle.json), expected a package");
  try {
    const files = { "package.agent.json": found("package.agent.json"), "package.agent.yaml": undefined, "aam.yaml": found("aam.yaml") };
    const { name, version, body } = readManifests(files, { jsonDepth: limits.jsonDepth, manifestBytes: MANIFEST_BYTES });
    const manifest = parseJsonObject(body, { maxDepth: limits.jsonDepth, source: "package.agent.json" });
    const [first, ...others] = manifestProblems(manifest);
    if (!first) return { name, version, manifest };
    throw invalidManifest(`package.agent.json: ${first.field}: ${first.error}${others.length > 0 ? ` (and ${others.length} more)` : ""}`, [
      first,
      ...others,
    ]);
  } catch (error) {
    if (error instanceof AssayError && error.code === "BAD_REQUEST") throw invalidManifest(error.message);
    throw error;
  }
}

function invalidManifest(message: string, fields?: readonly FieldProblem[]): AssayError {
  return new AssayError("UNPROCESSABLE", message, { detailCode: "MANIFEST_INVALID", ...(fields ? { fields } : {}) });
}

function invalidArchive({ code, detail }: Finding): AssayError {
  return new AssayError("UNPROCESSABLE", `the archive cannot be taken: ${detail} [${code}]`, { detailCode: "INVALID_ARCHIVE" });
}

function conflict(there: HostedVersion, name: PackageName, version: Version, { digest }: Upload): AssayError {
  const message =
    there.version === version
      ? `${name}@${version} was published with other bytes: expected sha256 ${there.digest}, got ${digest}`
      : `${name}@${there.version} is there, and ${version} differs from it in build metadata only, which orders no versions`;
  return new AssayError("CONFLICT", message, { help: "versions never change: publish the next one", detailCode: "VERSION_CONFLICT" });
}

/** What each verifier's findings, and the policy's own reasons, are in the words of the protocol. */
function refusal(reasons: readonly [Reason, ...Reason[]]): AssayError {
  const [first] = reasons;
  const { code, detailCode } = kindOfRefusal(first);
  const message = reasons.map((reason) => `${reason.text} [${reason.code}, ${reason.rule}]`).join("; ");
  return new AssayError(code, message, { help: first.help, detailCode });
}

const ABOUT_SIGNATURES: ReadonlySet<string> = new Set([
  "SIGNATURE_MISSING",
  "SIGNER_UNTRUSTED",
  "SIGNER_CHANGED",
  "EVIDENCE_LOST",
  "PROVENANCE_TOO_LOW",
]);

function kindOfRefusal({ code, verifier }: Reason): { readonly code: ErrorCode; readonly detailCode: string } {
  switch (verifier) {
    case "archive":
      return {
        code: "UNPROCESSABLE",
        detailCode: code === "IDENTITY_MISMATCH" || code === "METADATA_MISMATCH" ? "MANIFEST_INVALID" : "INVALID_ARCHIVE",
      };
    case "checksum":
    case "policy":
      return { code: "FORBIDDEN", detailCode: ABOUT_SIGNATURES.has(code) ? "SIGNATURE_INVALID" : "FORBIDDEN" };
    default:
      return { code: "FORBIDDEN", detailCode: "SIGNATURE_INVALID" };
  }
}

/** Section 15.3: how it was signed, what level that makes, from which commit. */
function metadataOf({ digest, signers, level }: Examined): JsonObject {
  const methods = new Set(signers.map(({ kind }) => (kind === "openpgp" ? "gpg" : kind === "key" ? "sigstore" : kind)));
  const commit = signers.flatMap((signer) => (signer.kind === "sigstore" && signer.source.commit ? [signer.source.commit] : []))[0];
  return {
    archive_integrity: `sha256-${Buffer.from(digest, "hex").toString("base64")}`,
    checksum: `sha256:${digest}`,
    provenance_level: level,
    ...(methods.size === 0 ? {} : { signature_method: [...methods].join(",") }),
    ...(commit === undefined ? {} : { source_commit: commit }),
  };
}
