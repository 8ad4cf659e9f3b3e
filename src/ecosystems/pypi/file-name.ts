import type { ArchiveFormat } from "../../core/ports/ecosystem.ts";
import { normalizeName, versionAfterName } from "./project-name.ts";

/** A distribution file of a known project. */
export interface FileName {
  readonly file: string;
  /** As the file name writes it. */
  readonly version: string;
  readonly kind: "wheel" | "sdist" | "egg" | "other";
  /** Undefined for containers that Assay cannot look into. */
  readonly container: ArchiveFormat["container"] | undefined;
}

/** The longest name that common file systems take. */
const MAX_CHARACTERS = 255;

/** All that wheels (PEP 427), sdists (PEP 625) and their predecessors need. It leaves nothing for a path, an entity or a header. */
const CHARACTERS = /^[A-Za-z0-9][A-Za-z0-9._+!~-]*$/;

/** Longest ending first, so that `.tar.gz` is not read as a `.gz`. */
const ENDINGS: readonly (readonly [ending: string, kind: FileName["kind"], container: FileName["container"]])[] = [
  [".whl", "wheel", "zip"],
  [".tar.gz", "sdist", "tar.gz"],
  [".tgz", "sdist", "tar.gz"],
  [".zip", "sdist", "zip"],
  [".tar.bz2", "sdist", "tar.bz2"],
  [".tbz", "sdist", "tar.bz2"],
  [".tar.xz", "sdist", "tar.xz"],
  [".txz", "sdist", "tar.xz"],
  [".tar", "sdist", "tar"],
  [".egg", "egg", "zip"],
  // No installer takes these today. Upstream lists them, so we do; there is no check for what is in them, so they are not served.
  [".tar.z", "other", undefined],
  [".tar.lz", "other", undefined],
  [".tar.lzma", "other", undefined],
  [".tlz", "other", undefined],
  [".exe", "other", undefined],
  [".msi", "other", undefined],
  [".rpm", "other", undefined],
  [".deb", "other", undefined],
  [".dmg", "other", undefined],
];

/** Takes a distribution's file name apart. Undefined for anything that cannot be a file of `project` (a normalised name). */
export function parseFileName(file: string, project: string): FileName | undefined {
  if (file.length > MAX_CHARACTERS || !CHARACTERS.test(file)) return undefined;
  const lowercase = file.toLowerCase();
  const found = ENDINGS.find(([ending]) => lowercase.endsWith(ending));
  if (!found) return undefined;
  const [ending, kind, container] = found;
  const stem = file.slice(0, -ending.length);
  const version = kind === "wheel" ? wheelVersion(stem, project) : versionOf(stem, project, kind);
  return version === undefined ? undefined : { file, version, kind, container };
}

/** `{name}-{version}(-{build})?-{python}-{abi}-{platform}`; the name holds no dash. https://peps.python.org/pep-0427/#file-name-convention */
function wheelVersion(stem: string, project: string): string | undefined {
  const parts = stem.split("-");
  if (parts.length !== 5 && parts.length !== 6) return undefined;
  if (parts.length === 6 && !/^[0-9]/.test(parts[2] ?? "")) return undefined;
  const [name, version] = parts;
  if (name === undefined || normalizeName(name) !== project || parts.includes("")) return undefined;
  return version;
}

function versionOf(stem: string, project: string, kind: FileName["kind"]): string | undefined {
  const rest = versionAfterName(stem, project);
  if (rest === undefined || !CHARACTERS.test(rest)) return undefined;
  // `six-1.9.0-py2.7.egg`: eggs escape dashes, so the Python version and platform follow the next one.
  return kind === "egg" ? rest.split("-", 1)[0] : rest;
}
