import type { ArtifactRef } from "../core/artifact.ts";
import { AssayError } from "../core/errors.ts";
import type { Ecosystem, Repository } from "../core/ports/ecosystem.ts";

/** What could not be had of what stands beside an archive. */
export interface MissingCompanion {
  /** Below the repository's mount. */
  readonly path: string;
  readonly error: AssayError;
}

/**
 * Asks for everything that clients ask for beside an archive, as they do, so that it is held from then on. What an upstream says it does not have is not missing. Answers what
 * could not be had; `asked` is what somebody asked for already, and grows; throws only what is no failure of that kind.
 */
export async function askForCompanions(
  ecosystem: Pick<Ecosystem, "companions" | "handle">,
  repository: Repository,
  ref: ArtifactRef,
  asked: Set<string> = new Set(),
): Promise<readonly MissingCompanion[]> {
  const missing: MissingCompanion[] = [];
  for (const segments of ecosystem.companions(ref)) {
    const path = segments.join("/");
    const key = `${repository.name}/${path}`;
    if (asked.has(key)) continue;
    asked.add(key);
    const error = await ask(ecosystem, repository, segments);
    if (error) missing.push({ path, error });
  }
  return missing;
}

async function ask(
  ecosystem: Pick<Ecosystem, "handle">,
  repository: Repository,
  segments: readonly string[],
): Promise<AssayError | undefined> {
  try {
    await ecosystem.handle(repository, {
      method: "GET",
      segments,
      query: new URLSearchParams(),
      accept: undefined,
      // Nobody reads the answer: what it is made from is what matters.
      origin: "http://127.0.0.1",
      mount: `/${repository.name}`,
      body: async () => Buffer.alloc(0),
      requestContentType: undefined,
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    return error.code === "NOT_FOUND" ? undefined : error;
  }
}
