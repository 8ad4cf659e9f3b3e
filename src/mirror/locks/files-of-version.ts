import type { Checksum } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { LockedArtifact, LockedVersion, UncoveredEntry } from "../../core/lock-file.ts";
import type { Ecosystem, Repository } from "../../core/ports/ecosystem.ts";
import type { Index } from "../../core/ports/index-store.ts";
import { compareVersions } from "../../policy/compare-versions.ts";
import type { EntryFiles } from "./locks.ts";

interface FilesDeps {
  readonly ecosystem: Pick<Ecosystem, "listed">;
  readonly index: Pick<Index, "admitted">;
}

/** A file of the version, with the digests that it is known by here. */
interface Candidate {
  readonly version: string;
  readonly file: string;
  readonly digests: readonly Pick<Checksum, "algorithm" | "hex">[];
}

/**
 * The files whose digests a lock pins without naming them: those that the index lists now, and those that were admitted here, whether upstream still has them or not. A pinned
 * digest that is no file's is not covered. Throws BAD_REQUEST where no file has any of them, and what `Ecosystem.listed` throws.
 */
export async function filesOfVersion(entry: LockedVersion, repository: Repository, deps: FilesDeps): Promise<EntryFiles> {
  const { at, ecosystem, name, anyOf } = entry;
  const candidates = (await candidatesOf(entry, repository, deps)).filter(({ version }) => isVersionOf(entry, version));
  const artifacts: LockedArtifact[] = [];
  const met = new Set<Checksum>();
  for (const { version, file, digests } of candidates) {
    const pins = anyOf.filter((pin) => digests.some(({ algorithm, hex }) => algorithm === pin.algorithm && hex === pin.hex));
    const [first, ...others] = pins;
    if (!first) continue;
    for (const pin of pins) met.add(pin);
    artifacts.push({ kind: "artifact", at, ecosystem, name, version, file, pins: [first, ...others] });
  }
  if (artifacts.length === 0) throw noneOf(entry, repository, candidates);
  return { artifacts, uncovered: anyOf.filter((pin) => !met.has(pin)).map((pin) => unmet(entry, repository, pin)) };
}

/** Where upstream took a file off its page, what was admitted of it stays servable. */
async function candidatesOf(
  { name }: LockedVersion,
  repository: Repository,
  { ecosystem, index }: FilesDeps,
): Promise<readonly Candidate[]> {
  const candidates = new Map<string, Candidate>();
  for (const { version, file, claims } of await ecosystem.listed(repository, name))
    candidates.set(file, { version, file, digests: claims });
  for (const { ref, digest } of await index.admitted(repository.name, name)) {
    const listed = candidates.get(ref.file);
    // What we admitted is what we serve, whatever the index claims by now.
    const others = (listed?.digests ?? []).filter(({ algorithm }) => algorithm !== "sha256");
    candidates.set(ref.file, { version: ref.version, file: ref.file, digests: [{ algorithm: "sha256", hex: digest }, ...others] });
  }
  return [...candidates.values()];
}

/** A lock that names no local version (`1.0`) means the builds of it as well (`1.0+cpu`): https://peps.python.org/pep-0440/#version-matching */
function isVersionOf({ ecosystem, version: locked }: LockedVersion, version: string): boolean {
  const compared = ecosystem === "pypi" && !locked.includes("+") ? (version.split("+", 1)[0] ?? "") : version;
  return compareVersions(ecosystem, compared, locked) === 0;
}

const SHOWN_FILES = 5;

function noneOf(
  { name, version, anyOf: [pin, ...others] }: LockedVersion,
  repository: Repository,
  candidates: readonly Candidate[],
): AssayError {
  const wanted = `${pin.algorithm} ${pin.hex}${others.length === 0 ? "" : ` or ${others.length} more`}`;
  const got = candidates
    .slice(0, SHOWN_FILES)
    .map(({ file, digests: [digest] }) => `${file} with ${digest ? `${digest.algorithm} ${digest.hex}` : "no digest"}`);
  const more = candidates.length > SHOWN_FILES ? `, and ${candidates.length - SHOWN_FILES} more` : "";
  return new AssayError(
    "BAD_REQUEST",
    `expected a file of ${name} ${version} with ${wanted} (claimed by ${pin.claimedBy}), got ${candidates.length === 0 ? "none of this version" : `${got.join(", ")}${more}`} from ${repository.name}`,
    { help: "find out which bytes are the maker's before you make the lock anew" },
  );
}

function unmet({ at, name, version }: LockedVersion, { name: repository }: Repository, { algorithm, hex }: Checksum): UncoveredEntry {
  return {
    kind: "uncovered",
    at,
    name,
    source: "registry",
    reason: `${repository} has no file of version ${version} with ${algorithm} ${hex}`,
  };
}
