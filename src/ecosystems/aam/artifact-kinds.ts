import type { JsonObject } from "../../core/json.ts";

/** The kinds of artifacts that the AAM dialect knows, and that its list can be asked for. */
export const ARTIFACT_KINDS = ["skill", "agent", "prompt", "instruction"] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];

/** Whether a list's own entry says that the package has artifacts of a kind: it goes by the list, as search does, and reads no package. */
export function hasKind({ artifactTypes }: JsonObject, kind: ArtifactKind): boolean {
  return Array.isArray(artifactTypes) && artifactTypes.includes(kind);
}
