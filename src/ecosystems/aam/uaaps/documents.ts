import type { JsonObject } from "../../../core/json.ts";
import { deprecationOf, distTags, integrityOf, signersOf, sizeOf } from "../facts.ts";
import type { KnownPackage } from "../known-package.ts";
import type { PackageVersion } from "../package.ts";

/** Every version of a package, as `GET /packages/:name` answers. */
export function packageDocument(known: KnownPackage, base: string): JsonObject {
  const found = known.package;
  return {
    ...found.fields,
    name: found.name,
    versions: Object.fromEntries([...found.versions.values()].map((version) => [version.version, versionDocument(known, version, base)])),
    "dist-tags": Object.fromEntries(distTags(known)),
  };
}

/** One version. Addresses are ours, so that everything a client fetches comes by the verified road. */
export function versionDocument(known: KnownPackage, version: PackageVersion, base: string): JsonObject {
  const { name } = known.package;
  const address = `${base}/packages/${name}/${version.version}`;
  const integrity = integrityOf(known, version);
  const sizeBytes = sizeOf(known, version);
  const signatures = signersOf(known, version);
  const { signatures: _, ...fields } = version.fields;
  return {
    ...fields,
    name,
    version: version.version,
    ...(integrity === undefined ? {} : { integrity }),
    ...(sizeBytes === undefined ? {} : { size: sizeBytes }),
    tarball: `${address}/tarball`,
    signature: `${address}/signature`,
    ...(signatures.length > 0 ? { signatures } : {}),
    yanked: version.yanked,
    ...warningsOf(version),
  };
}

/** PACKAGE_DEPRECATED is an error code that comes with status 200: section 12.6 has it ride along with a good answer, without saying where. */
function warningsOf(version: PackageVersion): JsonObject {
  const deprecation = deprecationOf(version);
  return deprecation ? { warnings: [{ code: "PACKAGE_DEPRECATED", ...deprecation }] } : {};
}
