import semver from "semver";
import type { JsonObject } from "../../../core/json.ts";
import type { Repository } from "../../../core/ports/ecosystem.ts";
import type { Foresight } from "../../../core/ports/foresight.ts";
import type { Upstream } from "../../../core/ports/upstream-client.ts";
import { archiveFile, type PackageName, parseVersion, type Version } from "../names.ts";

/**
 * An entry of a list that is passed on, without the versions that policy bars by name: `latest` moves to the highest that is left, and where none is it stays,
 * with the reason as its deprecation, so that who reads on knows. Reads no package: a list would otherwise cost one request for each of them.
 */
export function withoutBarred(
  foresight: Pick<Foresight, "barred">,
  {
    repository,
    upstream,
    name,
    entry,
  }: { readonly repository: Repository; readonly upstream: Upstream; readonly name: PackageName; readonly entry: JsonObject },
): JsonObject {
  const { latest, versions } = entry;
  const listed = (Array.isArray(versions) ? versions : [latest]).flatMap((text) =>
    typeof text === "string" ? (parseVersion(text) ?? []) : [],
  );
  const archives = listed.map((version) => ({ version, file: archiveFile(name, version), claims: [] }));
  const barred = foresight.barred(repository, { name, upstream, archives });
  if (barred.size === 0) return entry;
  const open = listed.filter((version) => !barred.has(archiveFile(name, version)));
  const moved = open.includes(latest as Version) ? undefined : highest(open);
  const reason = moved || typeof latest !== "string" ? undefined : barred.get(archiveFile(name, latest as Version));
  return {
    ...entry,
    ...(moved ? { latest: moved } : {}),
    ...(Array.isArray(versions) ? { versions: open } : {}),
    ...(reason === undefined ? {} : { deprecated: { message: reason } }),
  };
}

function highest(versions: readonly Version[]): Version | undefined {
  const ordered = versions.toSorted(semver.compareBuild);
  return ordered.findLast((version) => !semver.prerelease(version)) ?? ordered.at(-1);
}
