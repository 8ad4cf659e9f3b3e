import { LRUCache } from "lru-cache";
import type { Asker } from "../../core/decision.ts";
import type { Digest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { Checked } from "../../core/finding.ts";
import type { Limits } from "../../core/limits.ts";
import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { ArchiveFormat, Manifest } from "../../core/ports/ecosystem.ts";
import { type ArchiveFacts, archiveFacts } from "../../ecosystems/aam/directory/archive-facts.ts";
import { AAM_FORMAT } from "../../ecosystems/aam/identify.ts";
import type { KeptFolder, StagedFile } from "../../store/kept-folder/kept-folder.ts";
import { blobContent } from "../blob-content.ts";
import type { Mirror } from "../obtain.ts";
import type { Candidate } from "./candidates.ts";

export interface ArchiveSourceDeps {
  readonly mirror: Pick<Mirror, "obtain">;
  readonly blobs: Pick<BlobStore, "open">;
  readonly manifests: { read(file: { readonly path: string }, format: ArchiveFormat): Promise<Checked<readonly Manifest[]>> };
  readonly limits: Limits;
}

/** A few hundred bytes each. */
const FACTS_KEPT = 20_000;

/** Archives for a directory: obtained as anybody obtains them, and held to the admitted digest while they are copied. */
export class ArchiveSource {
  readonly #deps: ArchiveSourceDeps;
  readonly #facts = new LRUCache<Digest, ArchiveFacts>({ max: FACTS_KEPT });

  constructor(deps: ArchiveSourceDeps) {
    this.#deps = deps;
  }

  /**
   * A copy of the archive in `folder`, without a name yet. Throws STORE_CORRUPT where the store has other bytes than were admitted, CONFLICT where the archive was decided
   * differently since it was selected, and what `Mirror.obtain` and `KeptFolder.stage` throw.
   */
  async copy(
    { repository, ref, digest }: Pick<Candidate, "repository" | "ref" | "digest">,
    folder: KeptFolder,
    asker: Asker,
  ): Promise<StagedFile> {
    const obtained = await this.#deps.mirror.obtain(repository, ref, asker);
    // What the road decided just now is looked at anew, and is held by then.
    if (obtained.kind === "arriving") await obtained.flight.admission;
    const held = obtained.kind === "arriving" ? await this.#deps.mirror.obtain(repository, ref, asker) : obtained;
    if (held.kind !== "held" || held.admission.digest !== digest) {
      throw new AssayError("CONFLICT", "it was decided differently while the directory was written", { help: "the next time knows more" });
    }
    const staged = await folder.stage(blobContent(held.blob, this.#deps.blobs));
    if (staged.digest === digest) return staged;
    throw new AssayError("STORE_CORRUPT", `expected sha256 ${digest} (admitted), got ${staged.digest} from the store`, {
      help: "its file in the data folder was changed: take it away, and the archive is fetched and checked anew",
    });
  }

  /** What the archive at `path`, whose digest was computed, says of itself. Throws BUSY where it could not be read to its end, STORE_CORRUPT for what is no archive. */
  async facts(digest: Digest, path: string): Promise<ArchiveFacts> {
    const known = this.#facts.get(digest);
    if (known) return known;
    const read = await this.#deps.manifests.read({ path }, AAM_FORMAT);
    if (!read.ok) throw new AssayError("STORE_CORRUPT", `an admitted archive cannot be read any more: ${read.finding.detail}`);
    const facts = archiveFacts(read.value, this.#deps.limits);
    this.#facts.set(digest, facts);
    return facts;
  }
}
