import type { Repository } from "../../../core/ports/ecosystem.ts";
import type { AamServices } from "../services.ts";
import { isFolder } from "../sources/sources-of.ts";
import { memberCatalogue } from "../virtual/member-catalogue.ts";
import type { Catalogue } from "./catalogue.ts";
import { folderCatalogue } from "./folder-catalogue.ts";
import { heldCatalogue } from "./held-catalogue.ts";
import { registryCatalogue } from "./registry-catalogue.ts";

/**
 * A repository's lists in the order of both dialects: folders first and as one list, whose length is known; then each registry. Of a virtual one,
 * its members' in turn. Offline, where it has registries, one of what is held.
 */
export function cataloguesOf(services: AamServices, repository: Repository): readonly Catalogue[] {
  const { members } = repository;
  if (members) {
    return members.flatMap((member) =>
      cataloguesOf(services, member).map((catalogue) => memberCatalogue(services, members, member, catalogue)),
    );
  }
  const { heldNames } = services;
  // Nobody can be asked for a list then. What is in a folder can still be read.
  if (heldNames && !repository.upstreams.every(isFolder)) return [heldCatalogue(services, repository, () => heldNames(repository))];
  const folders = repository.upstreams.filter(isFolder);
  return [
    ...(folders.length > 0 ? [folderCatalogue(services, repository, folders)] : []),
    ...repository.upstreams.filter((upstream) => !isFolder(upstream)).map((upstream) => registryCatalogue(services, repository, upstream)),
  ];
}
