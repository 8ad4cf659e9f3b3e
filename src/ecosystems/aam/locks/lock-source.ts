import { type JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { UncoveredEntry } from "../../../core/lock-file.ts";
import { quote } from "../../../core/quote.ts";
import type { PackageName, Version } from "../names.ts";

/** Where an entry comes from. Of a registry's addresses nothing is kept: the mirror's own upstreams are asked. */
export type LockSource =
  | { readonly kind: "registry" /** The dist-tag that it was chosen by. */; readonly tag?: string }
  | { readonly kind: Exclude<UncoveredEntry["source"], "registry" | "url"> /** Foreign text. */; readonly place: string };

/**
 * Version 2 (section 13.3). `display` is for people and says nothing here. A registry's name and version must be the entry's: what is installed goes by the one, what is
 * required by the other. Throws JsonShapeError.
 */
export function sourceObject(source: JsonFields, at: string, { name, version }: { name: PackageName; version: Version }): LockSource {
  const type = source.text("type");
  switch (type) {
    case "registry": {
      for (const [field, expected] of Object.entries({ name, version })) {
        const got = source.text(field);
        if (got !== expected)
          throw new JsonShapeError(`${at}.source.${field}: expected ${quote(expected)}, as the entry says, got ${quote(got)}`);
      }
      const tag = source.optionalText("resolvedTag");
      return { kind: "registry", ...(tag === undefined ? {} : { tag }) };
    }
    case "file":
      return { kind: "path", place: source.text("path") };
    case "bundle":
      return { kind: "bundle", place: source.text("path") };
    // The specification's own list has no git; its authors' own locks do.
    case "git":
      return { kind: "git", place: source.optionalText("url") ?? "" };
    default:
      throw new JsonShapeError(`${at}.source.type: expected registry, file, bundle or git, got ${quote(type)}`);
  }
}

/** Version 1: one text, as `display` of version 2 still writes it: `registry:NAME`, `file:PATH`, `bundle:PATH`, a git URL. Throws JsonShapeError. */
export function sourceText(text: string, at: string, name: PackageName): LockSource {
  const colon = text.indexOf(":");
  const [scheme, place] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  if (scheme === "registry" && (place === "" || place === name)) return { kind: "registry" };
  if (scheme === "registry")
    throw new JsonShapeError(`${at}.source: expected ${quote(`registry:${name}`)}, as the entry says, got ${quote(text)}`);
  if (scheme === "file") return { kind: "path", place };
  if (scheme === "bundle") return { kind: "bundle", place };
  if (scheme === "git" || scheme.startsWith("git+")) return { kind: "git", place: text };
  throw new JsonShapeError(`${at}.source: expected registry:, file:, bundle: or a git URL, got ${quote(text)}`);
}

/** A clause for people. */
export function whyUncovered({ kind, place }: Exclude<LockSource, { kind: "registry" }>): string {
  const where = place === "" ? "" : ` ${quote(place)}`;
  switch (kind) {
    case "path":
      return `it comes from the path${where}, not from a registry`;
    case "bundle":
      return `it comes from the bundle${where}, which was made for one platform`;
    case "git":
      return `it comes from a git repository${where}`;
    default:
      return kind satisfies never;
  }
}
