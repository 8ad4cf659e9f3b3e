import { isJsonObject, type JsonValue } from "../../core/json.ts";

export const FULL_TYPE = "application/json";
/** https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md#abbreviated-metadata-format */
export const ABBREVIATED_TYPE = "application/vnd.npm.install-v1+json";

/** What of a packument its abbreviated form keeps. `time` is ours: without it no client can hold back young versions. */
export const ABBREVIATED_TOP: ReadonlySet<string> = new Set(["name", "modified", "dist-tags", "versions", "time"]);

/** What an installer needs of one version. */
export const ABBREVIATED_MANIFEST: ReadonlySet<string> = new Set([
  "name",
  "version",
  "deprecated",
  "dependencies",
  "optionalDependencies",
  "devDependencies",
  "bundleDependencies",
  "bundledDependencies",
  "peerDependencies",
  "peerDependenciesMeta",
  "acceptDependencies",
  "bin",
  "directories",
  "dist",
  "engines",
  "cpu",
  "os",
  "libc",
  "funding",
  "hasInstallScript",
  "_hasShrinkwrap",
]);

/** Whether installing runs code. Clients learn it from `hasInstallScript`, since `scripts` is not in the abbreviated form. */
export function runsInstallScript(scripts: JsonValue | undefined): boolean {
  if (!isJsonObject(scripts)) return false;
  return ["preinstall", "install", "postinstall"].some((stage) => Object.hasOwn(scripts, stage) && Boolean(scripts[stage]));
}
