import type { EcosystemRequest } from "../../core/ports/ecosystem.ts";
import type { FileName } from "./file-name.ts";

/** Where a served page points to. */
export interface PageLinks {
  /** Relative to the page, so that it survives reverse proxies; ends with the file's name, to which clients add `.metadata`. */
  archive(name: FileName): string;
  /** Absolute, as PEP 740 demands. */
  provenance(name: FileName): string;
}

export function linksFrom(request: Pick<EcosystemRequest, "origin" | "mount">, project: string): PageLinks {
  const integrity = `${request.origin}${request.mount}/integrity/${project}`;
  return {
    archive: (name) => `../../files/${project}/${encodeURIComponent(name.file)}`,
    provenance: (name) => `${integrity}/${encodeURIComponent(name.version)}/${encodeURIComponent(name.file)}/provenance`,
  };
}
