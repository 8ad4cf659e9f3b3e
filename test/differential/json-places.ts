import type { Loose } from "../support/sigstore-instance.ts";

/** A member or item somewhere in a JSON tree. */
export interface Place {
  /** `tlogEntries.0.logId`. */
  readonly path: string;
  readonly parent: Loose;
  readonly key: string;
  readonly value: Loose;
}

/** Every place in the tree, outer ones first. */
export function placesIn(tree: Loose, path = ""): readonly Place[] {
  if (tree === null || typeof tree !== "object") return [];
  return Object.entries(tree).flatMap(([key, value]): readonly Place[] => {
    const own = path === "" ? key : `${path}.${key}`;
    return [{ path: own, parent: tree, key, value }, ...placesIn(value, own)];
  });
}

/** Takes a place out of its tree; the items after it move up. */
export function removePlace({ parent, key }: Place): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
}

export function replacePlace({ parent, key }: Place, value: unknown): void {
  parent[key] = value;
}

/** The bytes of text that is base64 in any spelling; undefined for other values. Sixteen characters are not base64 by chance. */
export function bytesAt({ value }: Place): Buffer | undefined {
  return typeof value === "string" && value.length >= 16 && /^[A-Za-z0-9+/_=\s-]+$/.test(value) ? Buffer.from(value, "base64") : undefined;
}
