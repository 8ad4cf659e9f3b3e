import { AssayError } from "../../../core/errors.ts";
import { type ListingEntry, sortedByPath } from "../../../core/listing-digest.ts";
import { quote } from "../../../core/quote.ts";
import { archiveFile, type PackageName, type Version } from "../names.ts";
import { caseCollisions, pathProblems } from "./check-paths.ts";
import { missingReferences } from "./check-references.ts";
import { matchesPath } from "./file-glob.ts";
import { isLikelySecret } from "./likely-secret.ts";
import type { PackageLimits } from "./package-limits.ts";
import { type PackageManifests, readManifests } from "./package-manifests.ts";
import { isExcluded, isSelected } from "./packlist.ts";
import { type PackEntry, writeArchive } from "./write-archive.ts";

/** Something in a package's folder. `other` is what no archive can hold: a device, a socket, a pipe, a name that is no UTF-8. */
export type FolderEntry = PackEntry | { readonly kind: "other"; readonly path: string; readonly what: string };

export interface PackedPackage {
  readonly name: PackageName;
  readonly version: Version;
  /** The archive's file name: `myorg--code-review-2.0.0.aam`. */
  readonly file: string;
  readonly bytes: Buffer;
  /** What is in it, in its order. */
  readonly listing: readonly ListingEntry[];
  /** What the author should look at; each is one sentence. */
  readonly warnings: readonly string[];
  /** Whether a file at this path of the package's folder would be packed. */
  selects(path: string): boolean;
}

const UAAPS_MANIFEST = "package.agent.json";
const AUTHORED_MANIFEST = "package.agent.yaml";
const CLIENT_MANIFEST = "aam.yaml";
const BUNDLE_MANIFEST = "bundle.json";

/**
 * The package archive of a folder's content, as section 12.1 of the specification says, and byte for byte the same wherever it is made with the same Node: see `writeArchive`
 * for the form. `folder` may leave out what `isExcluded` excludes. Nothing but the entries, `epochSeconds` and `limits` has a say.
 * Throws BAD_REQUEST, naming all that is wrong of one kind, for a package that the specification, this mirror or a client would not take.
 */
export async function packPackage(folder: readonly FolderEntry[], epochSeconds: number, limits: PackageLimits): Promise<PackedPackage> {
  const candidates = folder.filter(({ path }) => !isExcluded(path));
  const manifests = await manifestsOf(candidates, limits);
  const selected = select(candidates, manifests);
  const entries = selected.filter(isPackable);
  const problems = [
    ...selected.flatMap((entry) => (entry.kind === "other" ? [`${quote(entry.path)} is ${entry.what}, which no archive may hold`] : [])),
    ...pathProblems(entries, limits),
    ...(entries.some(({ path }) => path === BUNDLE_MANIFEST)
      ? [`${BUNDLE_MANIFEST} at the root makes the archive a bundle, which is no package`]
      : []),
  ];
  require(problems, "the package cannot be packed");
  const packed = new Set(entries.map(({ path }) => path));
  const present = new Set(candidates.map(({ path }) => path));
  require(missingReferences(manifests.references, { packed, present }), "the archive would lack what the manifests refer to");
  const { bytes, listing } = await writeArchive(entries, epochSeconds, limits);
  const { name, version, files } = manifests;
  return {
    name,
    version,
    file: archiveFile(name, version),
    bytes,
    listing,
    warnings: [...manifests.warnings, ...warningsOf(packed, present, manifests)],
    selects: (path) => isSelected(path, files),
  };
}

async function manifestsOf(candidates: readonly FolderEntry[], limits: PackageLimits): Promise<PackageManifests> {
  const read = async (path: string): Promise<Buffer | undefined> => {
    const entry = candidates.find((candidate) => candidate.path === path);
    if (entry === undefined) return undefined;
    if (entry.kind === "file") return await entry.read();
    throw new AssayError("BAD_REQUEST", `expected ${path} to be a file, found ${entry.kind === "link" ? "a link" : entry.what}`);
  };
  return readManifests(
    {
      [UAAPS_MANIFEST]: await read(UAAPS_MANIFEST),
      [AUTHORED_MANIFEST]: await read(AUTHORED_MANIFEST),
      [CLIENT_MANIFEST]: await read(CLIENT_MANIFEST),
    },
    limits,
  );
}

/** The manifest that was read is the one that is packed, though its file may change in between. */
function select(candidates: readonly FolderEntry[], { files, body }: PackageManifests): readonly FolderEntry[] {
  const manifest: PackEntry = { kind: "file", path: UAAPS_MANIFEST, executable: false, read: () => Promise.resolve(body) };
  const others = candidates.filter(({ path }) => path !== UAAPS_MANIFEST && isSelected(path, files));
  return sortedByPath([...others, manifest]);
}

function isPackable(entry: FolderEntry): entry is PackEntry {
  return entry.kind !== "other";
}

function require(problems: readonly string[], what: string): void {
  const [first, ...more] = problems;
  if (first === undefined) return;
  const shown =
    more.length === 0
      ? first
      : problems
          .slice(0, SHOWN_PROBLEMS)
          .map((problem) => `\n  ${problem}`)
          .join("");
  const rest = problems.length > SHOWN_PROBLEMS ? `\n  and ${problems.length - SHOWN_PROBLEMS} more` : "";
  throw new AssayError("BAD_REQUEST", `${what}: ${shown}${rest}`);
}

const SHOWN_PROBLEMS = 20;

function warningsOf(packed: ReadonlySet<string>, present: ReadonlySet<string>, { files = [] }: PackageManifests): readonly string[] {
  const unused = files.filter((glob) => ![...present].some((path) => matchesPath(glob, path)));
  return [
    ...[...packed].filter(isLikelySecret).map((path) => `${quote(path)} may hold a secret, and everybody who installs the package gets it`),
    ...[...packed].filter((path) => path.endsWith(".aam")).map((path) => `${quote(path)} is a package archive inside the package`),
    ...unused.map(({ text }) => `the pattern ${quote(text)} of \`files\` matches nothing`),
    ...caseCollisions(packed),
    ...(packed.has(CLIENT_MANIFEST)
      ? []
      : [
          `${CLIENT_MANIFEST} is not ${present.has(CLIENT_MANIFEST) ? "packed" : "there"}: the aam client 0.1.0 installs only what has one`,
        ]),
  ];
}
