import { PackageURL } from "packageurl-js";
import { type ArtifactRef, ECOSYSTEM_IDS, type EcosystemId } from "./artifact.ts";
import { AssayError } from "./errors.ts";

/** What a purl names. Without `version` it means every version, without `file` every file of it. */
export interface PackageCoordinates {
  readonly ecosystem: EcosystemId;
  readonly name: string;
  readonly version?: string;
  readonly file?: string;
}

/**
 * The library writes npm names in lowercase, as the specification's newest text has it. But `JSONStream` and `jsonstream` are two packages, and a
 * reader who follows one's purl must not be shown the other, so npm names are taken as they are.
 */
const CASE_KEEPING_TYPE = "generic";

/**
 * The package URL of an archive: `pkg:npm/%40scope/name@1.0.0`, `pkg:aam/%40myorg/code-review@1.3.0`.
 * A PyPI release has many files, so the purl of one carries `file_name`, the qualifier the purl specification registers for it; without `file` it is the release's.
 * https://github.com/package-url/purl-spec
 */
export function formatPurl(ref: Pick<ArtifactRef, "ecosystem" | "name" | "version"> & { readonly file?: string }): string {
  const slash = ref.name.startsWith("@") ? ref.name.indexOf("/") : -1;
  const namespace = slash > 0 ? ref.name.slice(0, slash) : undefined;
  const qualifiers = ref.ecosystem === "pypi" && ref.file !== undefined ? { file_name: ref.file } : undefined;
  const type = ref.ecosystem === "npm" ? CASE_KEEPING_TYPE : ref.ecosystem;
  const purl = new PackageURL(type, namespace, ref.name.slice(slash + 1), ref.version, qualifiers, undefined).toString();
  return `pkg:${ref.ecosystem}${purl.slice(`pkg:${type}`.length)}`;
}

/** The package URL of all versions of a package. */
export function formatPackage(ecosystem: EcosystemId, name: string): string {
  const version = "0";
  return formatPurl({ ecosystem, name, version }).slice(0, -`@${version}`.length);
}

/** Throws BAD_REQUEST for text that is no purl, or one of an ecosystem Assay does not know. */
export function parsePurl(text: string): PackageCoordinates {
  let purl: PackageURL;
  try {
    purl = PackageURL.fromString(text);
  } catch (error) {
    throw new AssayError(
      "BAD_REQUEST",
      `expected a package URL such as pkg:npm/left-pad@1.3.0, got ${JSON.stringify(text.slice(0, 200))}`,
      { cause: error },
    );
  }
  const ecosystem = ECOSYSTEM_IDS.find((id) => id === purl.type);
  if (!ecosystem) {
    throw new AssayError("BAD_REQUEST", `unknown package type ${JSON.stringify(purl.type)} in ${JSON.stringify(text.slice(0, 200))}`, {
      help: `known types: ${ECOSYSTEM_IDS.join(", ")}`,
    });
  }
  const file = purl.qualifiers?.["file_name"];
  const [, namespace, name = purl.name] = ecosystem === "npm" ? PackageURL.parseString(text) : [undefined, purl.namespace, purl.name];
  return {
    ecosystem,
    name: namespace ? `${namespace}/${name}` : name,
    ...(purl.version ? { version: purl.version } : {}),
    ...(file ? { file } : {}),
  };
}
