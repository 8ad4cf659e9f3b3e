import type { ArchiveFormat, ManifestPattern } from "../../core/ports/ecosystem.ts";
import type { FileName } from "./file-name.ts";

/** Files of an sdist that say what it is, or that make a folder one that can be built. */
const SDIST_FILES = ["PKG-INFO", "setup.py", "pyproject.toml"];

/**
 * Where each kind of archive says what it is. Sdists older than PKG-INFO, and some made by hand, have only the file that builds them;
 * its folder then tells the name and the version. maturin before 0.9 wrote sdists without a top folder, which pip and uv build as they are.
 */
const MANIFESTS: Readonly<Record<Exclude<FileName["kind"], "other">, readonly ManifestPattern[]>> = {
  wheel: [{ depth: 2, name: "METADATA", folderEnding: ".dist-info" }],
  sdist: [2, 1].flatMap((depth) => SDIST_FILES.map((name) => ({ depth, name }))),
  egg: [{ depth: 2, name: "PKG-INFO", folderEnding: "EGG-INFO" }],
};

/** What the bytes behind a file name must be; undefined where Assay cannot look into them. */
export function archiveFormat(name: FileName): ArchiveFormat | undefined {
  if (name.kind === "other" || !name.container) return undefined;
  return { container: name.container, manifests: MANIFESTS[name.kind], symlinks: "inside" };
}
