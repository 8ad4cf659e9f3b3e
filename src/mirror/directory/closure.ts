import type { ArtifactRef } from "../../core/artifact.ts";
import type { Asker } from "../../core/decision.ts";
import { AssayError, isUpstreamFailure } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { Ecosystem, Releases, Repository } from "../../core/ports/ecosystem.ts";
import { quote } from "../../core/quote.ts";
import { newestFirst } from "../../ecosystems/aam/directory/newest-first.ts";
import { archiveFile, type PackageName, parsePackageName, parseVersion, type Version } from "../../ecosystems/aam/names.ts";
import { isInRange } from "../../ecosystems/aam/range.ts";
import type { KeptFolder } from "../../store/kept-folder/kept-folder.ts";
import type { Mirror } from "../obtain.ts";
import type { ArchiveSource } from "./archive-source.ts";
import { type Ownership, ownerOf } from "./owner-of.ts";

/** A package as somebody asks for it: `range` may be a version, a range, a dist-tag, or left out for what `latest` means. */
export interface Wanted {
  readonly name: PackageName;
  readonly range: string | undefined;
}

export interface ClosedPackage {
  readonly name: PackageName;
  readonly version: Version;
}

export interface MissingPackage {
  readonly name: string;
  readonly range: string | null;
  /** The package whose manifest asks for it; null for one that was named. */
  readonly wantedBy: string | null;
  /** `refused`: there is one, and the policy refuses it. */
  readonly kind: "refused" | "missing";
  readonly reason: string;
}

/** Packages with all that they depend on. */
export interface Closure {
  /** In an order in which each comes after what it depends on: the `aam` client 0.1.0 installs no dependencies by itself. */
  readonly packages: readonly ClosedPackage[];
  readonly missing: readonly MissingPackage[];
}

export interface ClosureDeps extends Ownership {
  readonly ecosystem: Pick<Ecosystem, "memberFor" | "releases">;
  readonly mirror: Pick<Mirror, "obtain">;
  readonly source: ArchiveSource;
  readonly folder: KeptFolder;
  readonly asker: Asker;
  readonly limits: Pick<Limits, "directoryPackages">;
}

/** Versions of a package that are tried, newest first, where the policy refuses one. */
const MOST_TRIED = 10;

interface Need extends Wanted {
  readonly wantedBy: string | null;
}

/**
 * Sends the packages and everything that their archives say they depend on down the road: the newest version of each range that the policy admits. Throws UPSTREAM_LIMIT
 * past `limits.directoryPackages`, and what `Mirror.obtain` throws but upstream's failures, which are told as missing.
 */
export async function obtainClosure(wanted: readonly Wanted[], deps: ClosureDeps): Promise<Closure> {
  const { directoryPackages } = deps.limits;
  const done = new Map<string, ClosedPackage & { readonly needs: readonly Need[] }>();
  const missing: MissingPackage[] = [];
  const answered = new Map<string, string | undefined>();
  const queue: Need[] = wanted.map((each) => ({ ...each, wantedBy: null }));
  for (let need = queue.shift(); need; need = queue.shift()) {
    const asked = keyOf(need);
    if (answered.has(asked)) continue;
    const obtained = await obtainOne(need, deps);
    if ("reason" in obtained) {
      answered.set(asked, undefined);
      missing.push(obtained);
      continue;
    }
    const key = `${obtained.name}@${obtained.version}`;
    answered.set(asked, key);
    if (done.has(key)) continue;
    if (done.size >= directoryPackages) {
      throw new AssayError("UPSTREAM_LIMIT", `what was named is with all that it needs more than ${directoryPackages} packages`, {
        help: "name fewer at once, or raise limits.directory_packages if that is right",
      });
    }
    done.set(key, obtained);
    queue.push(...obtained.needs);
  }
  return { packages: dependenciesFirst(done, answered), missing };
}

async function obtainOne(need: Need, deps: ClosureDeps): Promise<(ClosedPackage & { readonly needs: readonly Need[] }) | MissingPackage> {
  const not = (kind: MissingPackage["kind"], reason: string): MissingPackage => ({
    name: need.name,
    range: need.range ?? null,
    wantedBy: need.wantedBy,
    kind,
    reason,
  });
  try {
    const repository = await ownerOf(need.name, deps);
    if (!repository) return not("missing", "no repository of this mirror has it");
    const releases = await deps.ecosystem.releases?.(repository, need.name);
    const versions = releases ? versionsFor(need, releases) : [];
    let refusal: string | undefined;
    for (const version of versions.slice(0, MOST_TRIED)) {
      const ref: ArtifactRef = {
        repository: repository.name,
        ecosystem: "aam",
        name: need.name,
        version,
        file: archiveFile(need.name, version),
      };
      const obtained = await obtain(repository, ref, deps);
      if (obtained.kind === "admitted") {
        const needs = Object.entries(obtained.dependencies).flatMap(([text, range]): Need[] => {
          const name = parsePackageName(text);
          return name ? [{ name, range, wantedBy: `${need.name}@${version}` }] : [];
        });
        return { name: need.name, version, needs };
      }
      refusal ??= `${version}: ${obtained.reason}`;
    }
    if (refusal !== undefined) return not("refused", refusal);
    return not(
      "missing",
      `no version of it is open to new installs${need.range === undefined ? "" : ` and in the range ${quote(need.range)}`}`,
    );
  } catch (error) {
    if (!(error instanceof AssayError) || !isOfOnePackage(error)) throw error;
    return not("missing", error.message);
  }
}

type Fetched =
  | { readonly kind: "admitted"; readonly dependencies: Readonly<Record<string, string>> }
  | { readonly kind: "refused"; readonly reason: string };

async function obtain(repository: Repository, ref: ArtifactRef, { mirror, source, folder, asker }: ClosureDeps): Promise<Fetched> {
  const obtained = await mirror.obtain(repository, ref, asker);
  const admission = obtained.kind === "arriving" ? await obtained.flight.admission : obtained.admission;
  if (admission.verdict.kind === "refuse") {
    return { kind: "refused", reason: admission.verdict.reasons.map(({ code, text }) => `${code}: ${text}`).join("; ") };
  }
  // What the archive itself says counts: the metadata about it was never verified.
  const copy = await source.copy({ repository, ref, digest: admission.digest }, folder, asker);
  const { dependencies } = (await source.facts(copy.digest, copy.path)).shown;
  return { kind: "admitted", dependencies: dependencies as Readonly<Record<string, string>> };
}

/** The best first. */
function versionsFor({ range }: Wanted, { open, tags }: Releases): readonly Version[] {
  const versions = newestFirst(open.flatMap((text) => parseVersion(text) ?? []));
  const tagged = tags.get(range ?? "latest");
  if (tagged !== undefined) {
    const first = versions.filter((version) => version === tagged);
    return range === undefined ? [...first, ...versions.filter((version) => version !== tagged)] : first;
  }
  return range === undefined ? versions : versions.filter((version) => isInRange(version, range) === true);
}

/** Depth first; what a package needs that needs it again is put where it is met. */
function dependenciesFirst(
  done: ReadonlyMap<string, ClosedPackage & { readonly needs: readonly Need[] }>,
  answered: ReadonlyMap<string, string | undefined>,
): readonly ClosedPackage[] {
  const order: ClosedPackage[] = [];
  const seen = new Set<string>();
  const visit = (key: string | undefined): void => {
    const found = key === undefined || seen.has(key) ? undefined : done.get(key);
    if (!found || key === undefined) return;
    seen.add(key);
    for (const need of found.needs) visit(answered.get(keyOf(need)));
    order.push({ name: found.name, version: found.version });
  };
  for (const key of done.keys()) visit(key);
  return order;
}

function keyOf({ name, range }: Wanted): string {
  return `${name}\0${range ?? ""}`;
}

function isOfOnePackage(error: AssayError): boolean {
  return ["CONFLICT", "NOT_FOUND", "STORE_CORRUPT"].includes(error.code) || isUpstreamFailure(error);
}
