import type { JsonValue } from "../../core/json.ts";
import type { Limits } from "../../core/limits.ts";
import type { ListedFile, Listing } from "../../core/ports/index-store.ts";
import { ABBREVIATED_MANIFEST, runsInstallScript } from "./abbreviate.ts";
import { membersOf } from "./json-members.ts";
import { type Packument, parseSpan, type Release } from "./packument.ts";

/** Kept with each file so that an installer can be answered once upstream has lost the package. Bytes of JSON; larger ones are not kept. */
const MAX_KEPT_MANIFEST_BYTES = 16 * 1024;

/** Known otherwise (`dist`, name and version), or of no use to an installer. */
const NOT_KEPT: ReadonlySet<string> = new Set(["name", "version", "dist", "devDependencies", "funding", "directories"]);

/** What a packument lists. */
export function listingOf(packument: Packument, limits: Limits): Listing {
  return { name: packument.name, files: Array.from(packument.releases.values(), (release) => listedFile(packument, release, limits)) };
}

function listedFile(packument: Packument, release: Release, limits: Limits): ListedFile {
  const { version, file, url, claims, publishedAt, signed } = release;
  const manifest = keptManifest(packument, release, limits);
  const extra = { ...(manifest ? { manifest } : {}), ...(signed ? { signed } : {}) };
  return {
    version,
    file,
    url: url.href,
    claims,
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function keptManifest(packument: Packument, release: Release, limits: Limits): { readonly [key: string]: JsonValue } | undefined {
  const { json, source } = packument;
  const members = membersOf(json, release.manifest, { maxMembers: limits.listedFiles, source });
  const kept: [string, JsonValue][] = [];
  let bytes = 0;
  for (const [key, member] of members ?? []) {
    if (!ABBREVIATED_MANIFEST.has(key) || NOT_KEPT.has(key)) continue;
    bytes += member.end - member.keyStart;
    if (bytes > MAX_KEPT_MANIFEST_BYTES) return undefined;
    kept.push([key, parseSpan(json, member, limits, source)]);
  }
  const scripts = members?.get("scripts");
  if (scripts && runsInstallScript(parseSpan(json, scripts, limits, source))) kept.push(["hasInstallScript", true]);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
