import type { ArtifactRef } from "../../core/artifact.ts";
import type { Asker } from "../../core/decision.ts";
import { AssayError } from "../../core/errors.ts";
import type { Checked } from "../../core/finding.ts";
import type { Limits } from "../../core/limits.ts";
import type { BlobStore, QuarantinedBlob } from "../../core/ports/blob-store.ts";
import type { ArchiveFormat, Ecosystem, Manifest, Repository } from "../../core/ports/ecosystem.ts";
import type { HostedPackages, PublishOutcome } from "../../core/ports/hosted-packages.ts";
import type { Index } from "../../core/ports/index-store.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Publishing, Submission, Upload, UploadOutcome } from "../../core/ports/publishing.ts";
import { formatPurl } from "../../core/purl.ts";
import { Semaphore } from "../../core/semaphore.ts";
import type { Space } from "../cache/space.ts";
import { type ExamineDeps, type ExaminedFacts, examine } from "../examine.ts";
import { questionWithHistory } from "../judge.ts";
import type { Mirror } from "../obtain.ts";
import { atTheDoor, type DoorPolicy } from "./door-verdict.ts";

export interface DoorDeps extends ExamineDeps {
  readonly ecosystems: Readonly<Record<Repository["ecosystem"], Ecosystem>>;
  readonly packages: HostedPackages;
  readonly blobs: BlobStore;
  readonly space: Pick<Space, "keep">;
  readonly manifests: { read(blob: QuarantinedBlob, format: ArchiveFormat): Promise<Checked<readonly Manifest[]>> };
  readonly index: Pick<Index, "admitted" | "firstSeenAt">;
  readonly policy: DoorPolicy;
  readonly mirror: Pick<Mirror, "obtain">;
  readonly limits: Limits;
  readonly log: Log;
  /** Hears of every version that is published: its name may belong to somebody else from now on. */
  readonly published: () => void;
}

/** Uploads that are taken in at once. Each holds a few hundred KiB and a file; further ones wait with their bodies unread. */
const UPLOADS = 8;
const UPLOAD_QUEUE = 256;

/**
 * Where archives come in that somebody sends. An upload is verified and decided like an archive from an upstream, before anything is kept of it, and what is kept
 * goes down the road like everybody's when it is asked for: nothing here reaches a client.
 */
export class Door implements Publishing {
  readonly packages: HostedPackages;
  readonly clock: DoorDeps["clock"];
  readonly #deps: DoorDeps;
  readonly #slots = new Semaphore({ slots: UPLOADS, queue: UPLOAD_QUEUE, what: "uploads" });

  constructor(deps: DoorDeps) {
    this.packages = deps.packages;
    this.clock = deps.clock;
    this.#deps = deps;
  }

  async receive(repository: Repository, bytes: AsyncIterable<Uint8Array>): Promise<Upload> {
    const { blobs, ecosystems, limits } = this.#deps;
    const release = await this.#slots.acquire();
    try {
      const { algorithms } = ecosystems[repository.ecosystem];
      const blob = await blobs.receive(bytes, { maxBytes: limits.publishBytes, algorithms }).whole;
      return this.#upload(repository, blob, release);
    } catch (error) {
      release();
      if (!(error instanceof AssayError && error.code === "UPSTREAM_LIMIT")) throw error;
      throw new AssayError("PAYLOAD_TOO_LARGE", `the archive has more than ${limits.publishBytes} bytes`, {
        help: "the operator can raise limits.publish",
      });
    }
  }

  async admit(repository: Repository, ref: ArtifactRef, asker: Asker): Promise<void> {
    try {
      const obtained = await this.#deps.mirror.obtain(repository, ref, asker);
      if (obtained.kind === "arriving") await obtained.flight.admission;
    } catch (error) {
      // It is published all the same, and whoever asks for it first sends it down the road again.
      this.#deps.log.warn({ err: error, purl: formatPurl(ref) }, "what was published could not be checked once more");
    }
  }

  #upload(repository: Repository, blob: QuarantinedBlob, release: () => void): Upload {
    const { digest, sizeBytes } = blob;
    return {
      digest,
      sizeBytes,
      manifests: (format) => this.#deps.manifests.read(blob, format),
      publish: (submission) => this.#publish(repository, blob, submission),
      discard: async () => {
        release();
        await this.#deps.blobs.discard(blob);
      },
    };
  }

  async #publish(repository: Repository, blob: QuarantinedBlob, submission: Submission): Promise<UploadOutcome> {
    const { packages, blobs, space, clock } = this.#deps;
    const known = await this.#published(repository, blob, submission);
    if (known) return known;
    const facts = await this.#examine(repository, blob, submission);
    const { verdict, examined } = atTheDoor(await this.#question(repository, facts), this.#deps.policy);
    if (verdict.kind === "refuse") {
      const fields = { purl: formatPurl(submission.ref), digest: blob.digest, reasons: verdict.reasons };
      this.#deps.log.warn(fields, "an upload was refused");
      return { kind: "refused", reasons: verdict.reasons };
    }
    const { publication, entry } = submission;
    const { digest, sizeBytes } = blob;
    const publishedAt = clock.now();
    const outcome = await space.keep(blob, async () => {
      await blobs.promote(blob, verdict);
      // The row is the commit point. A crash before this line leaves an orphan file for gc, never a version without its bytes.
      return packages.publish(repository.name, { ...publication, digest, sizeBytes, publishedAt }, entry(examined));
    });
    if (outcome.kind !== "published") return outcome;
    this.#deps.published();
    return { ...outcome, examined };
  }

  /** What the registry would say of it anyway, before any work is done; whoever comes at the same time is told by the store. */
  async #published(
    repository: Repository,
    { digest }: QuarantinedBlob,
    { publication }: Submission,
  ): Promise<Exclude<PublishOutcome, { kind: "published" }> | undefined> {
    const known = await this.packages.package(repository.name, publication.name);
    if (!known) return undefined;
    if (known.owner !== publication.publishedBy && !publication.ofAnyOwner) return { kind: "owned", owner: known.owner };
    const version = known.versions.find((one) => one.version === publication.version);
    return version && { kind: version.digest === digest ? "held" : "conflict", version };
  }

  async #examine(repository: Repository, blob: QuarantinedBlob, { ref, signed }: Submission): Promise<ExaminedFacts> {
    const [upstream] = repository.upstreams;
    if (!upstream) throw new Error(`the hosted repository ${repository.name} has no registry of its own`);
    const resolution = {
      ref,
      upstream,
      url: new URL(ref.file, upstream.url),
      claims: [{ algorithm: "sha256", hex: blob.digest, claimedBy: "whoever published it" }],
      publishedAt: this.clock.now(),
    } as const;
    const ecosystem = this.#deps.ecosystems[ref.ecosystem];
    return examine({ ref, resolution, blob, ecosystem, published: [signed], admittedBefore: undefined }, this.#deps);
  }

  #question(repository: Repository, facts: ExaminedFacts) {
    const ecosystem = this.#deps.ecosystems[repository.ecosystem];
    // Which tags it will carry is for later to say, and to be judged by then.
    const { index, policy } = this.#deps;
    const asking = { boundTo: policy.boundTo, needsTags: () => false };
    return questionWithHistory(repository, facts, { ecosystem, index, policy: asking, clock: this.clock });
  }
}
