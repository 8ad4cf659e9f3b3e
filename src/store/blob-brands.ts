import type { AdmittedBlob, QuarantinedBlob } from "../core/ports/blob-store.ts";

/** The brand exists for the compiler only. This is the one place that gives it: for bytes that are whole, hashed and synced. */
export function brandQuarantined(blob: Pick<QuarantinedBlob, "digest" | "digests" | "sizeBytes" | "path">): QuarantinedBlob {
  return Object.freeze({ ...blob }) as QuarantinedBlob;
}

/** The one place that brands a blob as admitted: for bytes under their digest in the store, put there on an admit verdict. */
export function brandAdmitted(blob: Pick<AdmittedBlob, "digest" | "sizeBytes">): AdmittedBlob {
  return Object.freeze({ ...blob }) as AdmittedBlob;
}
