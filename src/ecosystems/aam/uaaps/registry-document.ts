import type { JsonObject } from "../../../core/json.ts";
import type { Repository } from "../../../core/ports/ecosystem.ts";

/** `GET /`: what this registry is and can do. Signatures and attestations are served as published; `provenance` has the levels that are told apart here. */
export function registryDocument(repository: Repository): JsonObject {
  return {
    name: repository.name,
    protocol: "uaaps",
    protocolVersion: 1,
    specVersion: "0.8.0-draft",
    mediaTypes: ["application/vnd.uaaps.v1+json", "application/json"],
    capabilities: {
      publish: repository.hosted !== undefined,
      search: true,
      signatures: ["sigstore", "gpg", "registry-attestation"],
      provenance: ["L0", "L1", "L2"],
      auditLog: repository.hosted !== undefined,
      approvals: repository.hosted?.requireApproval ?? false,
      conditionalRequests: true,
    },
  };
}
