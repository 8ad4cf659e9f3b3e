import type { Asker } from "../core/decision.ts";
import { AssayError } from "../core/errors.ts";
import type { BlobStore } from "../core/ports/blob-store.ts";
import type { Ecosystem, Repository } from "../core/ports/ecosystem.ts";
import { formatPurl } from "../core/purl.ts";
import type { Admission, Reason } from "../core/verdict.ts";
import { askForCompanions, type MissingCompanion } from "./companions.ts";
import type { Flight } from "./flight.ts";
import type { WantedArtifact } from "./locks/locked-artifacts.ts";
import { unmetPin } from "./locks/unmet-pin.ts";
import type { Mirror } from "./obtain.ts";

/** What came of an archive that a lock names. */
export type Prefetched =
  /** `isNew` unless it was held before. Of what clients ask for beside it, `missing` could not be had. */
  | { readonly kind: "held"; readonly isNew: boolean; readonly admission: Admission; readonly missing: readonly MissingCompanion[] }
  | { readonly kind: "refused"; readonly admission: Admission; readonly reasons: readonly [Reason, ...Reason[]] }
  | { readonly kind: "unavailable"; readonly error: AssayError };

export interface PrefetchDeps {
  readonly mirror: Pick<Mirror, "obtain">;
  readonly ecosystems: Readonly<Record<Repository["ecosystem"], Ecosystem>>;
  readonly blobs: Pick<BlobStore, "find" | "open">;
}

const ASKER: Asker = { kind: "command", command: "prefetch" };

/** Without room, or with a failing disk, everything else would fail as well. */
const ENDS_ALL: ReadonlySet<string> = new Set(["STORE_FULL", "STORE_IO", "STORE_CORRUPT"]);

/** Brings in what locks name, with what an installation asks for beside it. One for each run: what was asked for once is not asked for again. */
export class Prefetch {
  readonly #deps: PrefetchDeps;
  /** What was asked for beside archives. */
  readonly #asked = new Set<string>();
  readonly #flying = new Set<Flight>();
  #landedBytes = 0;

  constructor(deps: PrefetchDeps) {
    this.#deps = deps;
  }

  /** Bytes of archives that have come by now. */
  get receivedBytes(): number {
    let bytes = this.#landedBytes;
    for (const flight of this.#flying) bytes += flight.receivedBytes;
    return bytes;
  }

  /** Obtains an archive by the road, its pins among the claims, and compares what was held before with them. Throws STORE_FULL, STORE_IO, STORE_CORRUPT; any other failure is `unavailable`. May run at once with others. */
  async fetch(wanted: WantedArtifact): Promise<Prefetched> {
    try {
      return await this.#obtain(wanted);
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      if (ENDS_ALL.has(error.code)) throw named(wanted, error);
      return { kind: "unavailable", error };
    }
  }

  /**
   * Asks for the index page of a package none of whose archives may be wanted: some installers look at the page of everything that a lock names, left out or not. Answers why it could
   * not be had. Throws like `fetch`.
   */
  async page(repository: Repository, name: string): Promise<AssayError | undefined> {
    try {
      await this.#deps.ecosystems[repository.ecosystem].listed(repository, name);
      return undefined;
    } catch (error) {
      if (!(error instanceof AssayError) || ENDS_ALL.has(error.code)) throw error;
      return error;
    }
  }

  async #obtain({ repository, ref, pins }: WantedArtifact): Promise<Prefetched> {
    const obtained = await this.#deps.mirror.obtain(repository, ref, ASKER, pins);
    const admission = obtained.kind === "arriving" ? await this.#landed(obtained.flight) : obtained.admission;
    if (admission.verdict.kind === "refuse") return { kind: "refused", admission, reasons: admission.verdict.reasons };
    const unmet = await unmetPin(admission, pins, this.#deps.blobs);
    if (unmet) return { kind: "refused", admission, reasons: [unmet] };
    const missing = await askForCompanions(this.#deps.ecosystems[repository.ecosystem], repository, ref, this.#asked);
    return { kind: "held", isNew: obtained.kind === "arriving", admission, missing };
  }

  async #landed(flight: Flight): Promise<Admission> {
    this.#flying.add(flight);
    try {
      return await flight.admission;
    } finally {
      this.#flying.delete(flight);
      this.#landedBytes += flight.receivedBytes;
    }
  }
}

/** The failure that ends a run has no row to stand in, so it says itself which archive it was. */
function named({ ref }: WantedArtifact, cause: AssayError): AssayError {
  return new AssayError(cause.code, `${formatPurl(ref)}: ${cause.message}`, { cause, ...(cause.help ? { help: cause.help } : {}) });
}
