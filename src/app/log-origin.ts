import type { PublishedKey } from "../core/ports/signing-keys.ts";
import type { Config } from "./config.ts";

/**
 * The decision log's name for itself, which is in every checkpoint: what the configuration says, else the address that clients reach us at, else one of the data folder's own, made of the first
 * of its `keys` (newest first), which stays whatever key signs.
 */
export function logOrigin({ log, publicUrl }: Pick<Config, "log" | "publicUrl">, keys: readonly Pick<PublishedKey, "id">[]): string {
  if (log.origin !== undefined) return log.origin;
  if (publicUrl !== undefined) {
    const { host, pathname } = new URL(publicUrl);
    return `${host}${pathname.replace(/\/$/, "")}/log`.replaceAll("+", "%2B");
  }
  const first = keys.at(-1)?.id ?? "";
  return `assay-${first.slice("sha256:".length, "sha256:".length + 16)}`;
}
