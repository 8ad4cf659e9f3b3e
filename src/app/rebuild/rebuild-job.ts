import type { Limits } from "../../core/limits.ts";
import type { ArchiveFormat } from "../../core/ports/ecosystem.ts";
import type { SourceTree } from "../../core/ports/source-trees.ts";
import { quote } from "../../core/quote.ts";
import { KEPT_DIFFERENCES, type Rebuild } from "../../core/rebuild.ts";
import type { ArtifactReport } from "../../mirror/explain/report.ts";
import type { ConfirmedSource } from "./confirmed-source.ts";
import { type Difference, differenceText } from "./difference.ts";

/** One rebuild under way: all that it works with is on disk. */
export interface RebuildJob {
  readonly report: Pick<ArtifactReport, "ref" | "digest">;
  readonly source: ConfirmedSource;
  readonly format: ArchiveFormat;
  readonly tree: SourceTree;
  /** A folder of its own. */
  readonly scratch: string;
  /** A copy of the published archive; undefined where its bytes are not held. */
  readonly published: string | undefined;
  readonly limits: Limits;
  /** PATH, where tools are looked for. */
  readonly searchPath: string | undefined;
}

/** A rebuild, with all that differs. */
export interface Compared {
  readonly rebuild: Rebuild;
  readonly differences: readonly Difference[];
}

/** As much of the differences as is kept. */
export function keptOf(differences: readonly Difference[]): Pick<Rebuild, "differences" | "differencesCount"> {
  return { differences: differences.slice(0, KEPT_DIFFERENCES).map(differenceText), differencesCount: differences.length };
}

const SHOWN_SUBMODULES = 5;

export function submoduleNotes({ submodules }: Pick<SourceTree, "submodules">): readonly string[] {
  if (submodules.length === 0) return [];
  const shown = submodules.slice(0, SHOWN_SUBMODULES).map(quote).join(", ");
  return [`submodules are not fetched: ${shown}${submodules.length > SHOWN_SUBMODULES ? " and more" : ""}`];
}
