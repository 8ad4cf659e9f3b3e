import type { Checksum } from "../../core/digest.ts";
import type { KnownFile } from "../../core/ports/index-store.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Admission } from "../../core/verdict.ts";
import { parseFileName } from "./file-name.ts";
import { fileOf } from "./listing.ts";
import type { SimpleFile, SimpleProject } from "./simple-project.ts";

/** The digest of an archive that upstream now says something else about than when it was admitted. */
interface Conflict {
  readonly claimed: Checksum;
  readonly admitted: string;
}

/** Where what is claimed of a file now disagrees with the bytes that were admitted under its name. Undefined where all agrees. */
export function conflictOf(claims: readonly Checksum[], admission: Admission): Conflict | undefined {
  for (const claimed of claims) {
    const admitted = claimed.algorithm === "sha256" ? admission.digest : hexOf(admission.claims, claimed.algorithm);
    if (admitted !== undefined && admitted !== claimed.hex) return { claimed, admitted };
  }
  return undefined;
}

function hexOf(claims: readonly Checksum[], algorithm: string): string | undefined {
  return claims.find((claim) => claim.algorithm === algorithm)?.hex;
}

/** What `Index.admitted` answers, by file name. */
export function admissionsByFile(admissions: readonly Admission[]): ReadonlyMap<string, Admission> {
  return new Map(admissions.map((admission) => [admission.ref.file, admission]));
}

/**
 * The page with what Assay itself knows: for files admitted before, our digest and size. The first verified bytes win, so where
 * upstream now claims others the page goes on to name ours, and says nothing that is only true of the others.
 */
export function withAdmitted(project: SimpleProject, admissions: ReadonlyMap<string, Admission>, log: Log): SimpleProject {
  if (admissions.size === 0) return project;
  const files = project.files.map((file) => {
    const admission = admissions.get(file.name.file);
    if (!admission) return file;
    const conflict = conflictOf(file.claims, admission);
    if (!conflict) return { ...file, hashes: { ...file.hashes, sha256: admission.digest }, sizeBytes: admission.sizeBytes };
    log.warn(
      {
        project: project.name,
        file: file.name.file,
        algorithm: conflict.claimed.algorithm,
        admitted: conflict.admitted,
        claimed: conflict.claimed.hex,
      },
      "upstream claims another digest for a file that was admitted before; the admitted one is served",
    );
    return asAdmitted(file, admission);
  });
  return { ...project, files };
}

/** The page of a project that no upstream has any more: the files that were admitted, and nothing else. */
export function fromAdmissions(project: string, admissions: ReadonlyMap<string, Admission>, rows: readonly KnownFile[]): SimpleProject {
  const known = new Map(rows.map((row) => [row.file, row]));
  const files = [...admissions.values()].map((admission) => {
    const row = known.get(admission.ref.file);
    const file = row ? fileOf(row, project) : unlistedFile(admission, project);
    if (!file) return undefined;
    const admitted = asAdmitted(file, admission);
    // Evidence outlives the project. It is of our bytes where upstream spoke of no others to the last.
    return file.provenance && !conflictOf(file.claims, admission) ? { ...admitted, provenance: file.provenance } : admitted;
  });
  const named = files.filter((file) => file !== undefined);
  return {
    name: project,
    apiMinor: 1,
    files: named,
    versions: [...new Set(named.map((file) => file.name.version))],
    tracks: [],
    alternateLocations: [],
    unknown: {},
    unknownMeta: {},
  };
}

/** A file whose row is gone, or that never had one. */
function unlistedFile(admission: Admission, project: string): SimpleFile | undefined {
  const name = parseFileName(admission.ref.file, project);
  return name && { name, url: admission.url, hashes: {}, claims: [], yanked: false, unknown: {} };
}

/** Only our digest: the other hashes, and the promise for METADATA, may be of bytes that we never had. */
function asAdmitted(file: SimpleFile, admission: Admission): SimpleFile {
  const { metadataSha256: _metadata, provenance: _provenance, ...rest } = file;
  return { ...rest, hashes: { sha256: admission.digest }, claims: [], sizeBytes: admission.sizeBytes };
}
