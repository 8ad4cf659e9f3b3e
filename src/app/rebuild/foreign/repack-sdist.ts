import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../../core/errors.ts";
import { parseJson } from "../../../core/json.ts";
import { printableLine } from "../../../core/printable-line.ts";
import { publishedEpoch } from "../published-epoch.ts";
import type { RebuildJob } from "../rebuild-job.ts";
import type { Repacked } from "../repack.ts";
import { DEFAULT_PATH } from "../search-path.ts";
import { installRequirements } from "./build-requirements.ts";
import { type BuildSystem, readBuildSystem } from "./build-system.ts";
import { findPython, type Python } from "./python.ts";
import { CONFINED, runConfined } from "./run-confined.ts";

const BUILD_MS = 600_000;
const MAX_REQUIRES_BYTES = 64 * 1024;
const REQUIRES_DEPTH = 2;
const BUILDER_CHARACTERS = 500;
const HOOKS = new URL("build_sdist.py", import.meta.url);

/**
 * Runs `build_sdist` of the backend that the source names, confined, on wheels from the index at `indexUrl`. Throws UNPROCESSABLE where there is nothing to build, or it does not build; CONFIG_INVALID
 * where there is no python3, no pip, or nothing to confine it.
 */
export async function repackSdist(
  { tree, published, limits, searchPath = DEFAULT_PATH, ...job }: RebuildJob,
  indexUrl: string,
): Promise<Repacked> {
  const system = await readBuildSystem(tree.folder, limits);
  const scratch = join(job.scratch, "sdist");
  await mkdir(scratch);
  const python = await findPython(searchPath, scratch);
  const epochSeconds = (await publishedEpoch(published)) || tree.epochSeconds;
  const build = { tree: tree.folder, system, python, epochSeconds, searchPath };
  const installing = { python, searchPath, indexUrl };

  const own = await installRequirements(system.requires, { ...installing, scratch: await folderIn(scratch, "required") });
  const asked = join(scratch, "requires.json");
  await runHook("requires", {
    ...build,
    site: own.site,
    scratch: await folderIn(scratch, "asking"),
    into: asked,
    maxBytes: MAX_REQUIRES_BYTES,
  });
  const more = requirementsIn(await readFile(asked));
  const all =
    more.length === 0
      ? own
      : await installRequirements([...system.requires, ...more], { ...installing, scratch: await folderIn(scratch, "more") });
  const path = join(job.scratch, "rebuilt");
  await runHook("build", {
    ...build,
    site: all.site,
    scratch: await folderIn(scratch, "building"),
    into: path,
    maxBytes: limits.archiveBytes,
  });
  const from = system.backendPath.length > 0 ? "the package's own" : "of its build requirements";
  const made = [...all.names, python.versions].join(", ");
  return {
    path,
    folder: "",
    builder: printableLine(`build_sdist of ${system.backend} (${made})`, BUILDER_CHARACTERS),
    notes: [
      `code of the package's choosing ran, without a network: the build backend ${system.backend}, ${from}`,
      `SOURCE_DATE_EPOCH was ${epochSeconds}`,
    ],
  };
}

interface Hook {
  readonly tree: string;
  readonly system: BuildSystem;
  readonly python: Python;
  readonly site: string;
  readonly epochSeconds: number;
  readonly scratch: string;
  readonly searchPath: string;
  readonly into: string;
  readonly maxBytes: number;
}

async function runHook(name: "requires" | "build", { tree, system, python, site, epochSeconds, ...rest }: Hook): Promise<void> {
  const program = await readFile(HOOKS, "utf8");
  await runConfined({
    // Isolated, and without what is installed on this machine: only the standard library and the build requirements are there.
    command: [
      python.executable,
      "-I",
      "-S",
      "-B",
      "-c",
      program,
      name,
      CONFINED.out,
      CONFINED.provided,
      system.backend,
      ...system.backendPath,
    ],
    source: tree,
    provided: site,
    readable: [python.prefix, python.executable],
    env: { PATH: "/usr/bin:/bin", PYTHONPATH: CONFINED.provided, PYTHONDONTWRITEBYTECODE: "1", SOURCE_DATE_EPOCH: String(epochSeconds) },
    timeoutMs: BUILD_MS,
    ...rest,
  });
}

/** What the backend says that it needs besides: it is foreign too. */
function requirementsIn(body: Buffer): readonly string[] {
  const found = parseJson(body, { maxDepth: REQUIRES_DEPTH, source: "what the build backend asks for" });
  if (Array.isArray(found) && found.every((each) => typeof each === "string")) return found;
  throw new AssayError("UNPROCESSABLE", "get_requires_for_build_sdist of the build backend does not answer a list of texts");
}

async function folderIn(parent: string, name: string): Promise<string> {
  const folder = join(parent, name);
  await mkdir(folder);
  return folder;
}
