import type { AccessToken } from "../../../core/access-token.ts";
import type { AuditEntry, AuditEvent } from "../../../core/audit.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { ManagementRequest } from "../../../core/ports/ecosystem.ts";
import type { PackageName, Version } from "../names.ts";
import { baseOf } from "../page.ts";

interface Change {
  readonly event: AuditEvent;
  readonly name: PackageName;
  readonly version?: Version;
  readonly token: AccessToken;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly metadata?: JsonObject;
}

/** One change, in the form of section 15.3. The token is told by its id, so that what a lost one did can be found. */
export function auditEntry(request: ManagementRequest, { event, name, version, token, now, metadata = {} }: Change): AuditEntry {
  return {
    version: 1,
    event,
    timestamp: new Date(now).toISOString(),
    actor: { identity: token.owner, auth_method: "token" },
    target: { package: name, ...(version === undefined ? {} : { version }) },
    metadata: { ...metadata, token: token.id },
    registry: baseOf(request),
  };
}
