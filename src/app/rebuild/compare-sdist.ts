import { AssayError } from "../../core/errors.ts";
import { listingDigest } from "../../core/listing-digest.ts";
import { listArchive } from "../../verify/archive/list-archive.ts";
import { compareListings } from "./difference.ts";
import { type Compared, keptOf, type RebuildJob, submoduleNotes } from "./rebuild-job.ts";
import { sourceEntries, withoutTopFolder } from "./sdist-files.ts";

/**
 * Looks for each file of an sdist in the source. A build backend is code of the package's choosing, so nothing is built where nobody asks for that, and what it would have made itself is only named: the result is always
 * `differs`. Throws UNPROCESSABLE where the bytes are not held or cannot be read.
 */
export async function compareSdist({ report, source, format, tree, published, limits }: RebuildJob): Promise<Compared> {
  if (published === undefined) {
    throw new AssayError("UNPROCESSABLE", "its published bytes are not held, so there is nothing to compare the source with", {
      help: "let the policy admit it first",
    });
  }
  const listed = await listArchive({ path: published, format, limits });
  if (listed.report.kind !== "sound")
    throw new AssayError("UNPROCESSABLE", `the published archive cannot be read: ${listed.report.detail}`);
  const entries = withoutTopFolder(listed.entries);
  const differences = compareListings(entries, await sourceEntries(tree, entries));
  const same = entries.length - differences.length;
  const rebuild = {
    source: { repository: source.repository, commit: source.commit, folder: "" },
    builder: "none: compared with the files of the commit",
    result: "differs",
    published: report.digest,
    rebuilt: undefined,
    publishedListing: listingDigest(listed.entries),
    rebuiltListing: undefined,
    notes: [
      "not built: the package's build backend would run code of its choosing, which --run-build-backend lets it",
      `${same} of its ${entries.length} files are in the source as they are; what packaging tools write themselves (PKG-INFO, *.egg-info, setup.cfg) never is`,
      ...submoduleNotes(tree),
    ],
    ...keptOf(differences),
  } as const;
  return { rebuild, differences };
}
