import type { JsonObject } from "../../../core/json.ts";
import type { Repository } from "../../../core/ports/ecosystem.ts";

/** `GET /`: what this registry is and can do. Signatures and attestations are served as published, and L0 is what is checked for every archive. */
export function registryDocument(repository: Repository): JsonObject {
  return {
    name: repository.name,
    protocol: "uaaps",
    protocolVersion: 1,
    specVersion: "0.8.0-draft",
    mediaTypes: ["application/vnd.uaaps.v1+json", "application/json"],
    capabilities: {
      publish: false,
      search: true,
      signatures: ["sigstore", "gpg"],
      provenance: ["L0"],
      auditLog: false,
      approvals: false,
      conditionalRequests: true,
    },
  };
}
