import type { Algorithm } from "../../core/digest.ts";
import { formatIntegrity } from "../../core/digest.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../core/json.ts";
import type { Limits } from "../../core/limits.ts";
import { MARK_CHARACTERS } from "../../core/ports/foresight.ts";
import type { Admission } from "../../core/verdict.ts";
import { ABBREVIATED_MANIFEST, ABBREVIATED_TOP, runsInstallScript } from "./abbreviate.ts";
import { ByteWriter } from "./byte-writer.ts";
import { type Member, membersOf } from "./json-members.ts";
import type { PackumentMarks } from "./marks.ts";
import { escapedName } from "./names.ts";
import { type Packument, parseSpan, type Release } from "./packument.ts";

/** How a packument is turned into ours. */
export interface Rewrite {
  /** Our address of the repository, without a slash at the end: `http://127.0.0.1:8740/npm`. */
  readonly base: string;
  readonly abbreviated: boolean;
  /** What we once admitted, by version. */
  readonly admitted: ReadonlyMap<string, Admission>;
  readonly marks: Pick<PackumentMarks, "reasons" | "tags" | "moved">;
  readonly limits: Limits;
}

/** The packument as our clients get it: archives and attestations on our origin, admitted digests, marks on what would be refused, nothing else changed. */
export function rewritePackument(packument: Packument, rewrite: Rewrite): Buffer {
  const { json, members, releases } = packument;
  const { marks } = rewrite;
  // The full form differs from upstream's by two addresses a version and by its marks; a little room for each makes a second copy unlikely.
  const added = releases.size * 2 * rewrite.base.length + marks.reasons.size * (MARK_CHARACTERS + 20) + 1024;
  const out = rewrite.abbreviated ? new ByteWriter() : new ByteWriter(json.length + added);
  let before = "{";
  for (const [key, member] of members) {
    if (rewrite.abbreviated && !ABBREVIATED_TOP.has(key)) continue;
    out.text(before);
    before = ",";
    if (key === "versions") {
      out.text('"versions":');
      let beforeVersion = "{";
      for (const release of releases.values()) {
        out.text(`${beforeVersion}${JSON.stringify(release.version)}:`);
        beforeVersion = ",";
        writeManifest(out, packument, release, rewrite);
      }
      out.text(releases.size === 0 ? "{}" : "}");
    } else if (key === "dist-tags" && marks.moved) {
      out.text(`"dist-tags":${JSON.stringify(Object.fromEntries(marks.tags))}`);
    } else out.bytes(json.subarray(member.keyStart, member.end));
  }
  if (rewrite.abbreviated && !members.has("modified")) {
    const modified = modifiedAt(packument, rewrite.limits);
    if (modified !== undefined) out.text(`,"modified":${JSON.stringify(modified)}`);
  }
  out.text("}");
  return out.finish();
}

/** The manifest of one version, whole. */
export function rewriteManifest(packument: Packument, release: Release, rewrite: Rewrite): Buffer {
  const out = new ByteWriter();
  writeManifest(out, packument, release, rewrite);
  return out.finish();
}

function writeManifest(out: ByteWriter, packument: Packument, release: Release, rewrite: Rewrite): void {
  const { json, source } = packument;
  const members = membersOf(json, release.manifest, { maxMembers: rewrite.limits.listedFiles, source }) ?? new Map<string, Member>();
  const reason = rewrite.marks.reasons.get(release.file);
  let before = "{";
  for (const [key, member] of members) {
    if (rewrite.abbreviated && !ABBREVIATED_MANIFEST.has(key)) continue;
    if (key === "deprecated" && reason !== undefined) continue;
    out.text(before);
    before = ",";
    if (key === "dist") {
      const dist = parseSpan(json, member, rewrite.limits, source);
      out.text(`"dist":${JSON.stringify(rewriteDist(isJsonObject(dist) ? dist : {}, packument.name, release, rewrite))}`);
    } else out.bytes(json.subarray(member.keyStart, member.end));
  }
  if (reason !== undefined) {
    const said = members.get("deprecated");
    out.text(`,"deprecated":${JSON.stringify(deprecation(said && parseSpan(json, said, rewrite.limits, source), reason))}`);
  }
  const scripts = rewrite.abbreviated && !members.has("hasInstallScript") ? members.get("scripts") : undefined;
  if (scripts && runsInstallScript(parseSpan(json, scripts, rewrite.limits, source))) out.text(',"hasInstallScript":true');
  out.text("}");
}

/** What upstream said stays in front. */
function deprecation(said: JsonValue | undefined, reason: string): string {
  return typeof said === "string" && said !== "" ? `${said}; ${reason}` : reason;
}

function rewriteDist(dist: JsonObject, name: string, release: Release, rewrite: Rewrite): JsonObject {
  const { attestations } = dist;
  const admission = rewrite.admitted.get(release.version);
  return {
    ...(admission && contradicts(release, admission) ? withAdmittedDigests(dist, admission) : dist),
    tarball: archiveAddress(rewrite.base, name, release.file),
    ...(isJsonObject(attestations) && typeof attestations["url"] === "string"
      ? { attestations: { ...attestations, url: `${rewrite.base}/-/npm/v1/attestations/${escapedName(name)}@${release.version}` } }
      : {}),
  };
}

/** Where we serve an archive. The scope stands unescaped, as npm's own registry writes it. */
function archiveAddress(base: string, name: string, file: string): string {
  return `${base}/${name}/-/${encodeURIComponent(file)}`;
}

/** Whether upstream now claims other bytes for this version than we admitted. */
export function contradicts(release: Release, admission: Admission): boolean {
  const ours = digestsOf(admission);
  return release.claims.some(({ algorithm, hex }) => ours.has(algorithm) && ours.get(algorithm) !== hex);
}

/** First verified wins: what we serve is what we admitted, so that is what clients must expect. */
function withAdmittedDigests({ shasum: _claimedNow, ...dist }: JsonObject, admission: Admission): JsonObject {
  const ours = digestsOf(admission);
  const strongest = (["sha512", "sha384"] as const).find((algorithm) => ours.has(algorithm)) ?? "sha256";
  const sha1 = ours.get("sha1");
  return { ...dist, integrity: formatIntegrity(strongest, ours.get(strongest) ?? admission.digest), ...(sha1 ? { shasum: sha1 } : {}) };
}

/** Claims of an admitted archive were checked against its bytes. */
function digestsOf(admission: Admission): Map<Algorithm, string> {
  return new Map([...admission.claims.map(({ algorithm, hex }) => [algorithm, hex] as const), ["sha256", admission.digest] as const]);
}

function modifiedAt(packument: Packument, limits: Limits): JsonValue | undefined {
  const member = packument.members.get("time");
  const time = member ? parseSpan(packument.json, member, limits, packument.source) : undefined;
  return isJsonObject(time) && Object.hasOwn(time, "modified") ? time["modified"] : undefined;
}
