import type { ArtifactRef } from "../core/artifact.ts";
import type { Asker } from "../core/decision.ts";
import type { Algorithm, Checksum } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { LockedArtifact } from "../core/lock-file.ts";
import type { BlobStore } from "../core/ports/blob-store.ts";
import type { Repository } from "../core/ports/ecosystem.ts";
import { formatPurl } from "../core/purl.ts";
import type { Reason } from "../core/verdict.ts";
import type { ArtifactReport } from "./explain/report.ts";
import type { Explainer } from "./explain.ts";
import { hashBlob } from "./hash-blob.ts";
import { type Locks, refIn } from "./locks/locks.ts";
import { pinReason } from "./locks/pin-reason.ts";
import type { Errand, Mirror } from "./obtain.ts";
import { firstOf, repositoriesOf } from "./repositories-of.ts";

/** What came of an archive that was asked for by the road and read back from disk. */
export type Rechecked =
  | { readonly kind: "verified"; readonly report: ArtifactReport }
  | { readonly kind: "refused"; readonly report: ArtifactReport; readonly reasons: readonly [Reason, ...Reason[]] };

export interface RecheckDeps {
  readonly repositories: readonly Repository[];
  readonly mirror: Pick<Mirror, "obtain">;
  readonly explainer: Pick<Explainer, "known">;
  readonly locks: Pick<Locks, "repositoryOf">;
  readonly blobs: Pick<BlobStore, "find" | "open">;
}

/** Looks at archives as the one who relies on them would: by the policy of now, and by the bytes that are on disk now. */
export class Rechecker {
  readonly #deps: RecheckDeps;

  constructor(deps: RecheckDeps) {
    this.#deps = deps;
  }

  /**
   * An archive that a lock pins: obtained like any other, its pins among the claims for what is fetched, then read back. It is asked of
   * `Locks.repositoryOf`. Throws BAD_REQUEST for a repository that there is not, and what `Mirror.obtain` and `reread`
   * throw.
   */
  async locked(entry: LockedArtifact, asker: Asker, repositoryName: string | undefined): Promise<Rechecked> {
    const repository = await this.#deps.locks.repositoryOf(entry, repositoryName);
    return this.#obtained(repository, refIn(repository, entry), { asker, pins: entry.pins });
  }

  /** An archive that was known before anybody asked for it now: obtained again, since what was refused once may be well by now. Throws like `locked`. */
  async known({ ref }: ArtifactReport, asker: Asker): Promise<Rechecked> {
    const repository = firstOf(repositoriesOf(this.#deps.repositories, ref.ecosystem, ref.repository), ref.ecosystem);
    return this.#obtained(repository, ref, { asker, pins: [] });
  }

  async #obtained(repository: Repository, ref: ArtifactRef, { asker, pins }: Errand): Promise<Rechecked> {
    const obtained = await this.#deps.mirror.obtain(repository, ref, asker, pins);
    if (obtained.kind === "arriving") await obtained.flight.admission;
    for await (const report of this.#deps.explainer.known(ref, repository.name)) return this.reread(report, pins);
    throw new AssayError("INTERNAL", `nothing is known of ${formatPurl(ref)} after it was obtained`);
  }

  /**
   * What is reported of an archive, and whether its bytes on disk are those that were admitted and those that are pinned. Throws UPSTREAM_EVIDENCE where nothing is decided,
   * STORE_CORRUPT where the bytes on disk are others or are missing, STORE_IO.
   */
  async reread(report: ArtifactReport, pins: readonly Checksum[] = []): Promise<Rechecked> {
    const { verdict } = report;
    if (verdict.kind === "undecided") throw new AssayError("UPSTREAM_EVIDENCE", `nothing is decided: ${verdict.detail}`);
    if (verdict.kind === "refuse") return { kind: "refused", report, reasons: verdict.reasons };
    const digests = await this.#digestsOf(report, [...new Set(pins.map(({ algorithm }) => algorithm))]);
    const onDisk = digests.get("sha256");
    if (onDisk !== report.digest) {
      throw new AssayError(
        "STORE_CORRUPT",
        `expected sha256 ${report.digest} (admitted ${report.decidedAt}), got ${onDisk} from the store`,
        {
          help: "its file in the data folder was changed: take it away, and the archive is fetched and checked anew",
        },
      );
    }
    const wrong = pins.find(({ algorithm, hex }) => digests.get(algorithm) !== hex);
    if (!wrong) return { kind: "verified", report };
    return { kind: "refused", report, reasons: [pinReason(wrong, digests.get(wrong.algorithm) ?? "")] };
  }

  async #digestsOf({ digest, sizeBytes }: ArtifactReport, algorithms: readonly Algorithm[]): Promise<ReadonlyMap<Algorithm, string>> {
    const blob = await this.#deps.blobs.find(digest, sizeBytes);
    if (!blob)
      throw new AssayError("STORE_CORRUPT", `the ${sizeBytes} bytes under sha256 ${digest} are not in the store`, {
        help: "ask for it again",
      });
    return hashBlob(blob, ["sha256", ...algorithms], this.#deps.blobs);
  }
}
