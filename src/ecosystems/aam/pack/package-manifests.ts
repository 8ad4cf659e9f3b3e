import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../core/json.ts";
import { parseStrictJsonObject, StrictJsonError } from "../../../core/parse-strict-json.ts";
import { quote } from "../../../core/quote.ts";
import { parseYamlObject } from "../../../core/yaml-document.ts";
import { CLIENT_MANIFEST_BYTES } from "../identify.ts";
import { type PackageName, parsePackageName, parseVersion, type Version } from "../names.ts";
import { authoredManifest, manifestText } from "./authored-manifest.ts";
import { type FileGlob, parseFileGlob } from "./file-glob.ts";
import type { PackageLimits } from "./package-limits.ts";
import { clientPaths, type ReferencedPath, uaapsPaths } from "./referenced-paths.ts";

/** The manifests at a package's root, as bytes; each is undefined where there is none. */
export interface ManifestFiles {
  readonly "package.agent.json": Buffer | undefined;
  readonly "package.agent.yaml": Buffer | undefined;
  readonly "aam.yaml": Buffer | undefined;
}

/** What a package says of itself. */
export interface PackageManifests {
  readonly name: PackageName;
  readonly version: Version;
  /** `package.agent.json` as it goes into the archive: the author's bytes, or made from `package.agent.yaml`. */
  readonly body: Buffer;
  readonly files: readonly FileGlob[] | undefined;
  readonly references: readonly ReferencedPath[];
  readonly warnings: readonly string[];
}

/** Each is tried on every file of the folder. */
const MAX_PATTERNS = 200;
const SOURCE = "package.agent.json";

/**
 * Reads a package's manifests and proves that they agree: what the reader of one installs must be what the reader of the other saw. Throws BAD_REQUEST for manifests that
 * are missing, malformed or of two minds, and for names, versions and `files` that the specification does not allow.
 */
export function readManifests(found: ManifestFiles, limits: Pick<PackageLimits, "jsonDepth" | "manifestBytes">): PackageManifests {
  const { body, manifest } = uaapsManifest(found, limits);
  const name = nameOf(manifest);
  const version = versionOf(manifest);
  const client = found["aam.yaml"] === undefined ? undefined : clientManifest(found["aam.yaml"], limits);
  if (client) requireAgreement(manifest, client);
  const isShadowed = found["package.agent.json"] !== undefined && found["package.agent.yaml"] !== undefined;
  return {
    name,
    version,
    body,
    files: filesOf(manifest),
    references: [...uaapsPaths(manifest), ...(client ? clientPaths(client) : [])],
    warnings: isShadowed ? ["package.agent.yaml is not read: package.agent.json takes precedence"] : [],
  };
}

function uaapsManifest(found: ManifestFiles, { jsonDepth, manifestBytes }: Pick<PackageLimits, "jsonDepth" | "manifestBytes">) {
  const { "package.agent.json": json, "package.agent.yaml": yaml } = found;
  if (json === undefined && yaml === undefined) {
    throw new AssayError("BAD_REQUEST", "expected package.agent.json (or package.agent.yaml) at the package's root, found neither", {
      help: found["aam.yaml"]
        ? "aam.yaml alone is for the aam client; write a package.agent.json beside it"
        : "is this the package's folder?",
    });
  }
  if (json === undefined) {
    const manifest = authoredManifest(yaml ?? Buffer.alloc(0), jsonDepth);
    return { manifest, body: manifestText(manifest) };
  }
  if (json.length > manifestBytes) throw bad(`${SOURCE} has ${json.length} bytes, more than ${manifestBytes}`);
  try {
    return { manifest: parseStrictJsonObject(json, jsonDepth), body: json };
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    throw bad(`${SOURCE} cannot be read: ${error.message}`);
  }
}

function clientManifest(body: Buffer, { jsonDepth }: Pick<PackageLimits, "jsonDepth">): JsonObject {
  if (body.length > CLIENT_MANIFEST_BYTES) throw bad(`aam.yaml has ${body.length} bytes, more than ${CLIENT_MANIFEST_BYTES}`);
  try {
    return parseYamlObject(body, { maxDepth: jsonDepth, source: "aam.yaml" });
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new AssayError("BAD_REQUEST", error.message, { cause: error });
  }
}

function nameOf({ name }: JsonObject): PackageName {
  const parsed = typeof name === "string" ? parsePackageName(name) : undefined;
  if (parsed) return parsed;
  throw bad(`${SOURCE}: expected a name of lowercase letters, digits and single hyphens, or @scope/name of those, got ${show(name)}`);
}

function versionOf({ version }: JsonObject): Version {
  const parsed = typeof version === "string" ? parseVersion(version) : undefined;
  if (parsed) return parsed;
  throw bad(`${SOURCE}: expected a version by SemVer 2.0, such as 1.4.0, got ${show(version)}`);
}

function requireAgreement(manifest: JsonObject, client: JsonObject): void {
  for (const field of ["name", "version"] as const) {
    if (client[field] !== manifest[field])
      throw bad(`aam.yaml says ${field} ${show(client[field])}, package.agent.json says ${show(manifest[field])}: they must agree`);
  }
  const [mine, theirs] = [dependenciesOf(manifest, SOURCE), dependenciesOf(client, "aam.yaml")];
  for (const name of new Set([...mine.keys(), ...theirs.keys()])) {
    const [range, other] = [mine.get(name), theirs.get(name)];
    if (range === undefined || other === undefined || comparators(range) !== comparators(other))
      throw bad(
        `aam.yaml depends on ${quote(name)} as ${show(other)}, package.agent.json as ${show(range)}: they must agree, since each client reads only one`,
      );
  }
}

function dependenciesOf({ dependencies }: JsonObject, source: string): ReadonlyMap<string, string> {
  if (dependencies === undefined || dependencies === null) return new Map();
  if (!isJsonObject(dependencies))
    throw bad(`${source}: expected dependencies as a map of names to ranges, got ${quote(JSON.stringify(dependencies))}`);
  return new Map(
    Object.entries(dependencies).map(([name, range]) => {
      if (typeof range !== "string") throw bad(`${source}: expected the range of ${quote(name)} as a text, got ${show(range)}`);
      return [name, range];
    }),
  );
}

/** The two manifests write one range in two ways: `>=1.0.0 <2.0.0` in the specification, `>=1.0.0,<2.0.0` for the `aam` client, where `==1.0.0` is an exact version. */
function comparators(range: string): string {
  return range
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((part) => part.replace(/^==/, ""))
    .sort()
    .join(" ");
}

function filesOf({ files }: JsonObject): readonly FileGlob[] | undefined {
  if (files === undefined) return undefined;
  if (!Array.isArray(files) || files.length > MAX_PATTERNS)
    throw bad(
      `${SOURCE}: expected files as a list of at most ${MAX_PATTERNS} patterns, got ${Array.isArray(files) ? files.length : show(files)}`,
    );
  return files.map((written: JsonValue, position) => {
    const glob = typeof written === "string" ? parseFileGlob(written) : { ok: false as const, expected: "a pattern" };
    if (!glob.ok) throw bad(`${SOURCE}: files[${position}]: expected ${glob.expected}, got ${show(written)}`);
    return glob.value;
  });
}

function bad(message: string): AssayError {
  return new AssayError("BAD_REQUEST", message);
}

function show(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  return typeof value === "string" ? quote(value) : `${quote(JSON.stringify(value))}, which is no text`;
}
