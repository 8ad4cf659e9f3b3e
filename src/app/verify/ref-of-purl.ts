import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError } from "../../core/errors.ts";
import { type PackageCoordinates, parsePurl } from "../../core/purl.ts";
import { quote } from "../../core/quote.ts";
import { archiveFile, parsePackageName as parseAamName, parseVersion as parseAamVersion } from "../../ecosystems/aam/names.ts";
import { canonicalFile, parsePackageName, parseVersion } from "../../ecosystems/npm/names.ts";
import { parseFileName } from "../../ecosystems/pypi/file-name.ts";
import { parseProjectName } from "../../ecosystems/pypi/project-name.ts";
import { sameVersion } from "../../ecosystems/pypi/version.ts";
import type { Config } from "../config.ts";

/**
 * The archive that a package URL names, by its ecosystem's grammar. A PyPI release has many, so there the URL's `file_name` says which, or else `file`, the name
 * of the file at hand; npm and AAM versions have one. Throws BAD_REQUEST for what names no archive, and for a file that is of another package or version.
 */
export function refOfPurl(purl: string, repositories: Config["repositories"], file?: string): ArtifactRef {
  const coordinates = parsePurl(purl);
  const { ecosystem, version } = coordinates;
  if (version === undefined) throw bad(`expected a package URL with a version, got ${quote(purl)}`, "add @ and the version");
  const repository = repositories.find((candidate) => candidate.ecosystem === ecosystem)?.name ?? ecosystem;
  return { repository, ecosystem, ...archiveOf({ ...coordinates, version }, file) };
}

type Versioned = PackageCoordinates & { readonly version: string };

function archiveOf(coordinates: Versioned, fileAtHand: string | undefined): Pick<ArtifactRef, "name" | "version" | "file"> {
  switch (coordinates.ecosystem) {
    case "pypi":
      return distributionOf(coordinates, coordinates.file ?? fileAtHand);
    case "npm": {
      const [name, version] = [parsePackageName(coordinates.name), parseVersion(coordinates.version)];
      return { name, version, file: canonicalFile(name, version) };
    }
    case "aam": {
      const [name, version] = [parseAamName(coordinates.name), parseAamVersion(coordinates.version)];
      if (name === undefined || version === undefined)
        throw bad(`${quote(`${coordinates.name}@${coordinates.version}`)} is no version of an AAM package`);
      return { name, version, file: archiveFile(name, version) };
    }
    default:
      return coordinates.ecosystem satisfies never;
  }
}

function distributionOf({ name, version }: Versioned, file: string | undefined): Pick<ArtifactRef, "name" | "version" | "file"> {
  const project = parseProjectName(name);
  if (project === undefined) throw bad(`${quote(name)} is no name of a PyPI project`);
  if (file === undefined)
    throw bad("a PyPI release has many files, and nothing says which one this is", "add ?file_name= to the package URL");
  const parsed = parseFileName(file, project);
  // The rules that hold are those of the version in the name, so it must not be another one's.
  if (!parsed || !sameVersion(parsed.version, version)) {
    throw bad(
      `${quote(file)} cannot be a file of ${quote(`${project} ${version}`)}`,
      "add ?file_name= to the package URL if the file is called otherwise here",
    );
  }
  return { name: project, version: parsed.version, file };
}

function bad(message: string, help?: string): AssayError {
  return new AssayError("BAD_REQUEST", message, help === undefined ? {} : { help });
}
