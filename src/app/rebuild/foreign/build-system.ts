import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../../core/errors.ts";
import { JsonShapeError } from "../../../core/json-fields.ts";
import type { Limits } from "../../../core/limits.ts";
import { quote } from "../../../core/quote.ts";
import { readToml } from "../../../ecosystems/pypi/locks/toml-document.ts";
import { parseFolder } from "../package-root.ts";

/** What builds a source. https://peps.python.org/pep-0517/#source-trees */
export interface BuildSystem {
  readonly requires: readonly string[];
  /** `module` or `module:object` */
  readonly backend: string;
  /** Folders of the source that the backend is in, where it brings its own. */
  readonly backendPath: readonly string[];
}

/** What stands in for a build system that is not named. https://peps.python.org/pep-0517/#source-trees */
const LEGACY: BuildSystem = { requires: ["setuptools >= 40.8.0"], backend: "setuptools.build_meta:__legacy__", backendPath: [] };
const IDENTIFIERS = /^[A-Za-z_][A-Za-z0-9_.]{0,200}(?::[A-Za-z_][A-Za-z0-9_.]{0,200})?$/;
const MAX_FOLDERS = 20;

/** Reads `build-system` of a source's `pyproject.toml`. Throws UNPROCESSABLE where that cannot be read, or there is nothing to build. */
export async function readBuildSystem(root: string, limits: Pick<Limits, "manifestBytes" | "jsonDepth">): Promise<BuildSystem> {
  const path = join(root, "pyproject.toml");
  const found = await lstat(path).catch(() => undefined);
  if (!found) {
    if (await lstat(join(root, "setup.py")).catch(() => undefined)) return LEGACY;
    throw new AssayError("UNPROCESSABLE", "the commit has neither a pyproject.toml nor a setup.py at its root");
  }
  // A link could lead to a file of this machine.
  if (!found.isFile() || found.size > limits.manifestBytes)
    throw new AssayError("UNPROCESSABLE", `pyproject.toml of the commit is no file of at most ${limits.manifestBytes} bytes`);
  try {
    return buildSystemIn(await readFile(path), limits);
  } catch (error) {
    if (error instanceof JsonShapeError) throw new AssayError("UNPROCESSABLE", error.message);
    throw error;
  }
}

function buildSystemIn(body: Buffer, { manifestBytes, jsonDepth }: Pick<Limits, "manifestBytes" | "jsonDepth">): BuildSystem {
  const section = readToml(body, "pyproject.toml", { sidecarBytes: manifestBytes, jsonDepth }).optionalObject("build-system");
  if (!section) return LEGACY;
  const requires = section.texts("requires");
  const backend = section.optionalText("build-backend") ?? LEGACY.backend;
  if (!IDENTIFIERS.test(backend)) throw new JsonShapeError(`pyproject.toml names ${quote(backend)}, which is no build backend`);
  const folders = section.value("backend-path") === undefined ? [] : section.texts("backend-path");
  if (folders.length > MAX_FOLDERS) throw new JsonShapeError(`backend-path of pyproject.toml has more than ${MAX_FOLDERS} folders`);
  return { requires, backend, backendPath: folders.map(folderOf) };
}

function folderOf(text: string): string {
  const folder = parseFolder(text);
  if (folder === undefined) throw new JsonShapeError(`backend-path of pyproject.toml has ${quote(text)}, which is no folder of the source`);
  return folder;
}
