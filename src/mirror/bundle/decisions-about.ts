import type { ArtifactRef } from "../../core/artifact.ts";
import type { Index } from "../../core/ports/index-store.ts";

const PAGE_ENTRIES = 500;

/** What the decision log says about these archives, as JSON lines, byte for byte as the entries are kept; archive by archive, each in the log's order. */
export async function* decisionsAbout(refs: Iterable<ArtifactRef>, index: Pick<Index, "decisions">): AsyncGenerator<Buffer> {
  for (const { ecosystem, repository, name, version, file } of refs) {
    const about = { ecosystem, name, version, file };
    for (let from = 0; ; ) {
      const entries = await index.decisions({ from, limit: PAGE_ENTRIES, package: about });
      const lines = entries.filter(({ entry }) => entry.repository === repository).map(({ text }) => `${text}\n`);
      if (lines.length > 0) yield Buffer.from(lines.join(""));
      const last = entries.at(-1);
      if (!last || entries.length < PAGE_ENTRIES) break;
      from = last.position + 1;
    }
  }
}
