import type { JsonObject } from "./json.ts";

/** The specification's events (section 15.3), and the one that it forgot. */
export const AUDIT_EVENTS = [
  "package.publish",
  "version.deprecate",
  "version.deprecate.undo",
  "version.yank",
  "version.yank.undo",
  "version.approve",
  "version.reject",
  "tag.set",
  "tag.remove",
] as const;
export type AuditEvent = (typeof AUDIT_EVENTS)[number];

/** One change of a hosted repository, in the form that section 15.3 of the specification asks for. Plain JSON, kept for ever. */
export interface AuditEntry {
  readonly version: 1;
  readonly event: AuditEvent;
  /** ISO 8601 in UTC. */
  readonly timestamp: string;
  readonly actor: { readonly identity: string; readonly auth_method: "token" };
  readonly target: { readonly package: string; readonly version?: string };
  readonly metadata?: JsonObject;
  /** Address of the repository. */
  readonly registry: string;
}

/** An entry in its place. */
export interface LoggedAudit {
  /** From 0, without gaps, over all repositories. */
  readonly position: number;
  /** SHA-256 of the entry before it, as kept; empty for the first. A log that somebody cut or rewrote does not add up. */
  readonly previous: string;
  readonly entry: AuditEntry;
}
