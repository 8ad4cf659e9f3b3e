import type { DocumentRequest, Documents, HeldDocument } from "../../core/ports/documents.ts";

/** Hears of each document that was asked for and given, or that its upstream does not have. */
export type HeardDocument = (request: DocumentRequest, found: HeldDocument | undefined) => Promise<void>;

/**
 * Documents that can be listened to: so that what an export carries is what the road has read, and not somebody's list of what it might read. A failure is not heard of, since
 * it says nothing about what there is.
 */
export class RecordingDocuments implements Documents {
  readonly #documents: Documents;
  #heard: HeardDocument | undefined;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** Listens until the answer is called. One at a time. */
  listen(heard: HeardDocument): () => void {
    this.#heard = heard;
    return () => {
      this.#heard = undefined;
    };
  }

  async get(requests: readonly DocumentRequest[]): Promise<HeldDocument | undefined> {
    const found = await this.#documents.get(requests);
    if (!this.#heard) return found;
    for (const request of requests) {
      const isIt = found !== undefined && request.key === found.key && request.upstream === found.upstream;
      await this.#heard(request, isIt ? found : undefined);
      if (isIt) break;
    }
    return found;
  }
}
