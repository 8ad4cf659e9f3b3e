import type { EcosystemServices, Freshness, Repository } from "../../core/ports/ecosystem.ts";
import type { ListedArchive } from "../../core/ports/foresight.ts";
import type { Upstream } from "../../core/ports/upstream-client.ts";
import type { Admission } from "../../core/verdict.ts";
import { publicationTime } from "./listing.ts";
import type { SimpleFile, SimpleProject } from "./simple-project.ts";

/** A project's page, and how fresh it is. */
export interface ServedPage {
  readonly page: SimpleProject;
  readonly freshness: Freshness;
}

/** Where it came from, and what we hold of its project. */
interface Origin {
  readonly upstream: Upstream | undefined;
  readonly admitted: readonly Admission[];
}

/**
 * The page with every file yanked that would be refused: a range then resolves to another one, and a pin meets the refusal with its reason. No file is taken off but those that
 * cannot be had offline, where another of their version can.
 * https://peps.python.org/pep-0592/
 */
export async function withMarks(
  services: EcosystemServices,
  repository: Repository,
  { page, freshness }: ServedPage,
  { upstream, admitted }: Origin,
): Promise<ServedPage> {
  const { reasons, unobtainable, until } = await services.foresight.marks(repository, {
    name: page.name,
    upstream,
    archives: page.files.map(listedArchive),
    admitted,
  });
  return {
    page: {
      ...page,
      files: page.files.filter(({ name }) => !unobtainable.has(name.file)).map((file) => marked(file, reasons.get(file.name.file))),
    },
    freshness: { ...freshness, freshUntil: Math.min(freshness.freshUntil, until) },
  };
}

function listedArchive({ name: { version, file }, claims, uploadTime, yanked }: SimpleFile): ListedArchive {
  const publishedAt = publicationTime(uploadTime);
  return { version, file, claims, withdrawn: yanked !== false, ...(publishedAt === undefined ? {} : { publishedAt }) };
}

/** What upstream said stays in front: it is why nobody else installs the file either. */
function marked(file: SimpleFile, reason: string | undefined): SimpleFile {
  if (reason === undefined) return file;
  return { ...file, yanked: typeof file.yanked === "string" ? `${file.yanked}; ${reason}` : reason };
}
