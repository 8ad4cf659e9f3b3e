import type { HeldDocument } from "../../../core/ports/documents.ts";
import type { Upstream } from "../../../core/ports/upstream-client.ts";
import type { FolderSource } from "./folder-source.ts";
import { HTTP_REGISTRY } from "./http-registry.ts";
import { JSON_FOLDER } from "./json-folder.ts";
import type { Source } from "./source.ts";
import { YAML_FOLDER } from "./yaml-folder.ts";

/** In the order they are asked: a folder that holds both layouts is read as the specification's. */
export const FOLDER_SOURCES: readonly FolderSource[] = [JSON_FOLDER, YAML_FOLDER];

export function isFolder(upstream: Upstream): boolean {
  return upstream.url.protocol === "file:";
}

/** The ways in which an upstream may have written a package down. Which one it is shows in which document is there. */
export function sourcesOf(upstream: Upstream): readonly Source[] {
  return isFolder(upstream) ? FOLDER_SOURCES : [HTTP_REGISTRY];
}

/** The source that a held package or catalogue document came from. A folder's documents tell by their names; they have no redirects. */
export function folderSourceOf(held: HeldDocument): FolderSource {
  return held.url.pathname.endsWith(".yaml") ? YAML_FOLDER : JSON_FOLDER;
}

export function sourceOf(held: HeldDocument): Source {
  return isFolder(held.upstream) ? folderSourceOf(held) : HTTP_REGISTRY;
}
