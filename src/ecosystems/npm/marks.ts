import type { EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import type { ListedArchive } from "../../core/ports/foresight.ts";
import type { Upstream } from "../../core/ports/upstream-client.ts";
import type { Admission } from "../../core/verdict.ts";
import { moveTags } from "../move-tags.ts";
import { type Packument, parseSpan, type Release } from "./packument.ts";

/** What a packument says of its versions beyond what upstream says. */
export interface PackumentMarks {
  /** Why versions would be refused, by the file of each. */
  readonly reasons: ReadonlyMap<string, string>;
  /** All dist-tags, those moved that named such a version. */
  readonly tags: ReadonlyMap<string, string>;
  /** Whether one was. */
  readonly moved: boolean;
  /** Until when this holds, milliseconds since the epoch. */
  readonly until: number;
}

/** Tags of one log line. */
const LOGGED_TAGS = 20;

/** Versions that would be refused are deprecated with the reason, not taken out: npm and pnpm choose others for a range and a tag, and a pin meets the refusal. */
export async function marksOf(
  services: EcosystemServices,
  repository: Repository,
  { packument, upstream, admitted }: { packument: Packument; upstream: Upstream | undefined; admitted: readonly Admission[] },
): Promise<PackumentMarks> {
  const { name, releases } = packument;
  const all = [...releases.values()];
  const { reasons, until } = await services.foresight.marks(repository, { name, upstream, archives: all.map(listedArchive), admitted });
  const upstreams = distTagsOf(packument, services);
  const open = all.filter(({ file }) => !reasons.has(file)).map(({ version, deprecated = false }) => ({ version, deprecated }));
  const { tags, stuck } = moveTags(upstreams, open, (version) => reasons.has(releases.get(version)?.file ?? ""));
  if (stuck.length > 0) {
    services.log.warn(
      { repository: repository.name, package: name, tags: stuck.slice(0, LOGGED_TAGS) },
      "dist-tags name a version that would be refused, and no version passes that they could be moved to",
    );
  }
  return { reasons, tags, moved: tags !== upstreams, until };
}

function listedArchive({ version, file, claims, publishedAt }: Release): ListedArchive {
  return { version, file, claims, ...(publishedAt === undefined ? {} : { publishedAt }) };
}

/** A map, since tags are chosen by publishers: `constructor` is one like any other. */
function distTagsOf(packument: Packument, { limits }: EcosystemServices): ReadonlyMap<string, string> {
  const member = packument.members.get("dist-tags");
  const tags = member ? parseSpan(packument.json, member, limits, packument.source) : undefined;
  return new Map(Object.entries(tags ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}
