import { AssayError } from "../../core/errors.ts";
import type { ClosedRelease, Releases, Repository } from "../../core/ports/ecosystem.ts";
import { quote } from "../../core/quote.ts";
import { distTags } from "./facts.ts";
import { markedPackage } from "./marks.ts";
import { parsePackageName } from "./names.ts";
import { openVersions, type PackageVersion } from "./package.ts";
import { requireUpstreams } from "./resolve.ts";
import type { AamServices } from "./services.ts";

/** What both dialects' pages say of a package's versions, in short. Throws what `markedPackage` throws. */
export async function releases(services: AamServices, repository: Repository, text: string): Promise<Releases> {
  const name = parsePackageName(text);
  if (!name) throw new AssayError("BAD_REQUEST", `${quote(text)} is no name of an AAM package`);
  requireUpstreams(repository);
  const known = await markedPackage(services, repository, name);
  const closed = [...known.package.versions.values()].filter(({ yanked }) => yanked);
  return {
    open: openVersions(known.package),
    closed: new Map(closed.map((version) => [version.version, closedRelease(version)])),
    tags: distTags(known),
  };
}

function closedRelease({ refused, fields: { yankedReason } }: PackageVersion): ClosedRelease {
  const why = typeof yankedReason === "string" && yankedReason !== "" ? yankedReason : "whoever published it took it back";
  return { by: refused ? "mirror" : "publisher", why };
}
