import type { Identification, Manifest } from "../../core/ports/ecosystem.ts";
import { quote } from "../../core/quote.ts";
import { readCoreMetadata } from "./core-metadata.ts";
import type { FileName } from "./file-name.ts";
import { normalizeName, versionAfterName } from "./project-name.ts";
import { sameVersion } from "./version.ts";

/** Whether an archive says of itself that it is this file of this project. */
export function identify(project: string, name: FileName, manifests: readonly Manifest[]): Identification {
  switch (name.kind) {
    case "wheel":
      return identifyWheel(project, name, manifests);
    case "sdist":
      return identifySdist(project, name, manifests);
    case "egg":
      return identifyByMetadata(project, name, manifests, "an EGG-INFO/PKG-INFO");
    case "other":
      return { kind: "other", detail: `Assay cannot look into ${name.file}` };
    default:
      return name.kind satisfies never;
  }
}

/** Installers take name and version from the folder's name as well as from the file in it, so both must be right. */
function identifyWheel(project: string, name: FileName, manifests: readonly Manifest[]): Identification {
  const [only, another] = manifests;
  if (only && another)
    return { kind: "other", detail: `the wheel holds ${manifests.length} .dist-info folders with METADATA, expected one` };
  const folder = only && folderOf(only).replace(/\.dist-info$/, "");
  if (folder !== undefined && !isReleaseFolder(folder, project, name.version)) {
    return { kind: "other", detail: `expected the folder of ${project} ${name.version}, got ${quote(`${folder}.dist-info`)}` };
  }
  return identifyByMetadata(project, name, manifests, "a .dist-info/METADATA");
}

function identifySdist(project: string, name: FileName, manifests: readonly Manifest[]): Identification {
  const described = manifests.filter((manifest) => manifest.path.split("/").at(-1) === "PKG-INFO");
  if (described.length > 0) return identifyByMetadata(project, name, described, "a PKG-INFO");
  const [only, ...others] = manifests;
  if (!only) return { kind: "other", detail: "the archive holds no PKG-INFO, setup.py or pyproject.toml at its top or in its top folder" };
  const folder = folderOf(only);
  if (others.some((manifest) => folderOf(manifest) !== folder)) {
    return { kind: "other", detail: "the archive holds no PKG-INFO and several top folders, so nothing says what it is" };
  }
  if (folder === "") return { kind: "other", detail: "the archive holds no PKG-INFO and no top folder, so nothing says what it is" };
  if (isReleaseFolder(folder, project, name.version)) return { kind: "same", manifestPath: only.path };
  return { kind: "other", detail: `expected the top folder ${project}-${name.version}, got ${quote(folder)}` };
}

/**
 * Every manifest must say the same, for nothing tells which of two an installer will read. That goes for a rebuild published as `1.0.post1`
 * which still says 1.0 as well: pip and uv discard it themselves, since another version than the one that was chosen would be installed.
 */
function identifyByMetadata(project: string, name: FileName, manifests: readonly Manifest[], expected: string): Identification {
  const [first] = manifests;
  if (!first) return { kind: "other", detail: `the archive holds no file that says what it is, expected ${expected}` };
  for (const manifest of manifests) {
    const metadata = readCoreMetadata(manifest.body);
    if (typeof metadata === "string") return { kind: "other", detail: `${quote(manifest.path)}: ${metadata}` };
    if (normalizeName(metadata.name) !== project || !sameVersion(metadata.version, name.version)) {
      const found = `${quote(metadata.name)} ${quote(metadata.version)}`;
      return { kind: "other", detail: `expected ${project} ${name.version}, got ${found} in ${quote(manifest.path)}` };
    }
  }
  return { kind: "same", manifestPath: first.path };
}

function isReleaseFolder(folder: string, project: string, version: string): boolean {
  const found = versionAfterName(folder, project);
  return found !== undefined && sameVersion(found, version);
}

function folderOf(manifest: Manifest): string {
  return manifest.path.slice(0, Math.max(manifest.path.indexOf("/"), 0));
}
