import type { HeldDocument } from "../../../core/ports/documents.ts";
import type { Repository } from "../../../core/ports/ecosystem.ts";
import type { Dialect, Upstream } from "../../../core/ports/upstream-client.ts";
import { API_V1_REGISTRY } from "./api-v1-registry.ts";
import type { Dialects } from "./dialects.ts";
import type { FolderSource } from "./folder-source.ts";
import { HTTP_REGISTRY } from "./http-registry.ts";
import { JSON_FOLDER } from "./json-folder.ts";
import type { Source } from "./source.ts";
import { YAML_FOLDER } from "./yaml-folder.ts";

/** In the order they are asked: a folder that holds both layouts is read as the specification's. */
export const FOLDER_SOURCES: readonly FolderSource[] = [JSON_FOLDER, YAML_FOLDER];

const REGISTRY_SOURCES: Readonly<Record<Dialect, Source>> = { uaaps: HTTP_REGISTRY, "api-v1": API_V1_REGISTRY };

export function isFolder(upstream: Upstream): boolean {
  return upstream.url.protocol === "file:";
}

/** The ways in which an upstream may have written a package down. Which one it is shows in which document is there. */
export async function sourcesOf(dialects: Dialects, repository: Repository, upstream: Upstream): Promise<readonly Source[]> {
  if (isFolder(upstream)) return FOLDER_SOURCES;
  return (await dialects.of(repository, upstream)).map((dialect) => REGISTRY_SOURCES[dialect]);
}

/** The source that a held catalogue document came from. A folder's documents tell by their names; they have no redirects. */
export function folderSourceOf(held: HeldDocument): FolderSource {
  return held.url.pathname.endsWith(".yaml") ? YAML_FOLDER : JSON_FOLDER;
}

/** The source that a held package document came from. A registry's tells by the key that it was asked for under. */
export function sourceOf(held: HeldDocument): Source {
  if (isFolder(held.upstream)) return folderSourceOf(held);
  return held.key.startsWith(`${API_V1_REGISTRY.id}/`) ? API_V1_REGISTRY : HTTP_REGISTRY;
}
