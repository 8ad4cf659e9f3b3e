import type { ArtifactRef, EcosystemId } from "../../core/artifact.ts";
import type { BundledArtifact, BundledPage } from "../../core/bundle-manifest.ts";
import type { Asker } from "../../core/decision.ts";
import type { Checksum } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import { inOrder } from "../../core/in-order.ts";
import type { Ecosystem, Repository, Resolution } from "../../core/ports/ecosystem.ts";
import type { Index, KnownFile } from "../../core/ports/index-store.ts";
import { formatPackage, formatPurl } from "../../core/purl.ts";
import type { Admission, Reason } from "../../core/verdict.ts";
import { canonicalName } from "../../policy/purl-pattern.ts";
import { askForCompanions } from "../companions.ts";
import type { Mirror } from "../obtain.ts";
import type { BundleReader } from "./bundle-reader.ts";
import { bringBackLost, mayBeLost } from "./lost-artifact.ts";

export interface ImportDeps {
  readonly repositories: readonly Repository[];
  readonly ecosystems: Readonly<Record<EcosystemId, Ecosystem>>;
  readonly mirror: Pick<Mirror, "obtain">;
  readonly index: Pick<Index, "file" | "putDocument">;
}

/** What came of one archive. All but `failed` stand in the journal like any other decision. */
export type ImportedRow = {
  readonly purl: string;
} /** `incomplete`: what clients may ask for beside it, and the bundle does not have. */ & (
  | { readonly kind: "admitted" | "already-here"; readonly warnings: readonly Reason[]; readonly incomplete: readonly string[] }
  | { readonly kind: "refused"; readonly reasons: readonly Reason[] }
  /** It could not be decided: damaged, not in the bundle, or of an upstream that is none here. */
  | { readonly kind: "failed"; readonly reason: string }
);

/** Archives under way at once: enough to keep the workers that verify busy. */
const AT_ONCE = 4;
const ASKER: Asker = { kind: "command", command: "import" };

/**
 * Brings in what a bundle has, by the road: its mirror's upstreams must be a `BundleUpstream` over the same bundle. Nothing is believed for being in it: bytes are hashed, evidence is
 * verified with the roots of this Assay, and its policy of now decides. Each archive is in whole or not at all, so an import that was ended is simply run again.
 */
export class Importer {
  readonly #deps: ImportDeps;

  constructor(deps: ImportDeps) {
    this.#deps = deps;
  }

  /** One row for each archive, in the manifest's order. Throws STORE_FULL, STORE_IO and whatever else is wrong on this side. */
  async *import(bundle: BundleReader): AsyncGenerator<ImportedRow> {
    const listed = new LastListing();
    const asked = new Set<string>();
    yield* inOrder(bundle.manifest.artifacts, AT_ONCE, async (artifact) => {
      const purl = formatPurl(artifact);
      try {
        return { purl, ...(await this.#importOne(artifact, bundle, listed, asked)) };
      } catch (error) {
        if (!(error instanceof AssayError) || OURS.has(error.code)) throw error;
        return { purl, kind: "failed" as const, reason: error.message };
      }
    });
    for (const page of bundle.manifest.pages ?? []) {
      const reason = await this.#look(page);
      if (reason !== undefined) yield { purl: formatPackage(page.ecosystem, page.name), kind: "failed", reason };
    }
  }

  async #importOne(artifact: BundledArtifact, bundle: BundleReader, listed: LastListing, asked: Set<string>): Promise<Outcome> {
    const { repositories, ecosystems, mirror } = this.#deps;
    const repository = repositoryOf(artifact, repositories);
    const ecosystem = ecosystems[repository.ecosystem];
    const { ref, lost } = await this.#find(artifact, repository, bundle, listed);
    // The exporter says so, and nobody else: its key is named wherever the claim is shown.
    const claimedBy = `the bundle that ${bundle.keyId} signed`;
    const pin: Checksum = { algorithm: "sha256", hex: artifact.sha256, claimedBy };
    const obtained = await mirror.obtain(repository, ref, ASKER, [pin], lost);
    const admission = obtained.kind === "arriving" ? await obtained.flight.admission : obtained.admission;
    if (admission.digest !== artifact.sha256) return { kind: "failed", reason: otherBytes(admission, pin) };
    const { verdict } = admission;
    if (verdict.kind === "refuse") return { kind: "refused", reasons: verdict.reasons };
    const missing = await askForCompanions(ecosystem, repository, ref, asked);
    const incomplete = missing.map(({ path, error }) => `${path}: ${error.message}`);
    return { kind: obtained.kind === "arriving" ? "admitted" : "already-here", warnings: verdict.warnings, incomplete };
  }

  /** Reads an index page that is carried for its own sake, so that it is held. Answers why it could not be had. */
  async #look({ repository, ecosystem, name }: BundledPage): Promise<string | undefined> {
    const { repositories, ecosystems } = this.#deps;
    try {
      await ecosystems[ecosystem].listed(namedRepository(repository, ecosystem, repositories), name);
      return undefined;
    } catch (error) {
      if (!(error instanceof AssayError) || OURS.has(error.code)) throw error;
      return `its index page: ${error.message}`;
    }
  }

  /** By the index in the bundle, or the one that is here where that is newer. Only where neither lists the archive, by what the exporter kept of one that upstream has lost. */
  async #find(artifact: BundledArtifact, repository: Repository, bundle: BundleReader, listed: LastListing): Promise<Found> {
    const { ecosystems, index } = this.#deps;
    const ecosystem = ecosystems[repository.ecosystem];
    try {
      return { ref: refOf(artifact, repository, await listed.of(ecosystem, repository, artifact.name)) };
    } catch (error) {
      const { lost } = artifact;
      if (!lost || !mayBeLost(error)) throw error;
      const resolution = await bringBackLost({ ...artifact, lost }, repository, bundle, { ecosystem, index });
      return { ref: resolution.ref, lost: resolution };
    }
  }
}

interface Found {
  readonly ref: ArtifactRef;
  readonly lost?: Resolution;
}

type Outcome = ImportedRow extends infer Row ? (Row extends ImportedRow ? Omit<Row, "purl"> : never) : never;

/** What ends an import, and not one archive of it. */
const OURS: ReadonlySet<string> = new Set(["STORE_FULL", "STORE_IO", "STORE_CORRUPT", "CONFIG_INVALID", "INTERNAL"]);

function namedRepository(name: string, ecosystem: EcosystemId, repositories: readonly Repository[]): Repository {
  const repository = repositories.find((each) => each.name === name && each.ecosystem === ecosystem && !each.members);
  if (repository) return repository;
  throw new AssayError("NOT_FOUND", `there is no ${ecosystem} repository called ${JSON.stringify(name)} here`, {
    help: "add it to `repositories`",
  });
}

function repositoryOf({ repository: name, ecosystem, upstream }: BundledArtifact, repositories: readonly Repository[]): Repository {
  const repository = namedRepository(name, ecosystem, repositories);
  if (repository.upstreams.some(({ url }) => url.href === upstream)) return repository;
  const known = repository.upstreams.map(({ url }) => url.href).join(", ") || "none";
  // What one upstream said must not pass for another's word: rules may let only one of them speak for a name.
  throw new AssayError("UPSTREAM_NOT_ALLOWED", `it comes from ${upstream}, and the upstreams of ${name} here are: ${known}`, {
    help: `add that one to the \`upstreams\` of ${name}`,
  });
}

/** The archive as its index lists it: so every part of its name has passed the ecosystem's grammar. Throws NOT_FOUND. */
function refOf(artifact: BundledArtifact, repository: Repository, listed: readonly KnownFile[]): ArtifactRef {
  const { ecosystem, name, version, file } = artifact;
  const found = listed.find((each) => each.version === version && each.file === file);
  if (!found || canonicalName(ecosystem, name) !== name)
    throw new AssayError("NOT_FOUND", `the index in the bundle does not list the file ${JSON.stringify(file)} of ${JSON.stringify(name)}`);
  return { repository: repository.name, ecosystem, name, version: found.version, file: found.file };
}

function otherBytes({ digest }: Admission, { hex, claimedBy }: Checksum): string {
  return `expected sha256 ${hex} (claimed by ${claimedBy}), but sha256 ${digest} was admitted under this name before`;
}

/** Archives of one package stand together in a manifest, and its index may be long. */
class LastListing {
  #last: { readonly key: string; readonly files: Promise<readonly KnownFile[]> } | undefined;

  of(ecosystem: Pick<Ecosystem, "listed">, repository: Repository, name: string): Promise<readonly KnownFile[]> {
    const key = `${repository.name}\0${name}`;
    if (this.#last?.key !== key) this.#last = { key, files: ecosystem.listed(repository, name) };
    return this.#last.files;
  }
}
