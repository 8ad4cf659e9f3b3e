import { resolve } from "node:path";
import type { Config } from "../app/config.ts";
import { AssayError } from "../core/errors.ts";
import { shown } from "../core/printable.ts";
import { quote } from "../core/quote.ts";
import type { LeftOut } from "../ecosystems/aam/directory/left-out.ts";
import { parsePackageName } from "../ecosystems/aam/names.ts";
import type { Closure, MissingPackage, Wanted } from "../mirror/directory/closure.ts";
import type { DirectoryReport } from "../mirror/directory/registry-directory.ts";
import { EXIT_DONE, EXIT_REFUSED, exitCode } from "./exit.ts";
import { table } from "./table.ts";
import { toJson } from "./to-json.ts";
import { withAssay } from "./with-assay.ts";

export interface ExportCommand {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly print: (text: string) => void;
  readonly json: boolean;
}

export interface ExportScope {
  readonly path: string;
  /** To be fetched with all that they depend on first. */
  readonly packages: readonly string[];
  readonly repository: string | undefined;
}

/**
 * `assay export --aam-registry DIR`: brings the folder in step with what is admitted. Answers 0, also where something is left out, which is told; where packages were named,
 * 2 where the policy refuses one that is needed, 66 where one is missing. Throws USAGE, and what `RegistryDirectory.sync` throws.
 */
export async function exportDirectory(
  { config, env, print, json }: ExportCommand,
  { path, packages, repository }: ExportScope,
): Promise<number> {
  const wanted = packages.map(parseWanted);
  const place = resolve(path);
  const asker = { kind: "command", command: "export" } as const;
  const report = await withAssay(config, env, (assay) => assay.directory({ path: place, repository, asker }).sync(wanted));
  print(json ? toJson({ directory: place, ...report, closure: report.closure ?? null }) : reportText(place, report));
  const missing = report.closure?.missing ?? [];
  if (missing.some(({ kind }) => kind === "refused")) return EXIT_REFUSED;
  return missing.length > 0 ? exitCode("NOT_FOUND") : EXIT_DONE;
}

/** `@scope/name@^1.0.0`: what stands behind the last `@` that is not the scope's own is a version, a range or a tag. */
function parseWanted(text: string): Wanted {
  const at = text.lastIndexOf("@");
  const name = parsePackageName(at > 0 ? text.slice(0, at) : text);
  const range = at > 0 ? text.slice(at + 1) : undefined;
  if (name && range !== "") return { name, range };
  throw new AssayError("USAGE", `expected a package such as git-utils, git-utils@^1.0.0 or @acme/tool@stable, got ${quote(text)}`);
}

function reportText(place: string, { packages, versions, written, removed, leftOut, closure }: DirectoryReport): string {
  const rows = leftOut.map(({ package: name, version, from, code, reason }) => [
    `  ${shown(version === null ? name : `${name}@${version}`)}`,
    from === "directory" ? "not exported" : "not for the aam client",
    `${code}: ${shown(reason)}`,
  ]);
  const lines = [
    `${shown(place)}: ${count(versions, "version")} of ${count(packages, "package")}, ${count(written, "file")} written, ${removed} removed`,
    ...(rows.length === 0 ? [] : ["", "left out", ...table(rows)]),
    ...(closure ? closureLines(closure, leftOut) : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** The CLI of today takes one version of a package, and keeps the one that it has. */
function closureLines({ packages, missing }: Closure, leftOut: readonly LeftOut[]): readonly string[] {
  const installs = packages.map(({ name, version }) => {
    const isLeftOut = leftOut.some((line) => line.package === name && (line.version === null || line.version === version));
    const others = packages.filter((other) => other.name === name && other.version !== version);
    const note = isLeftOut
      ? "left out, see above"
      : others.length > 0
        ? `also needed as ${others.map((other) => other.version).join(", ")}`
        : "";
    return `  aam install ${name}@${version}${note === "" ? "" : `  # ${note}`}`;
  });
  return [
    ...(installs.length === 0 ? [] : ["", "what was named with all that it needs, in the order to install it", ...installs]),
    ...(missing.length === 0 ? [] : ["", "could not be had", ...missing.map(missingLine)]),
  ];
}

function missingLine({ name, range, wantedBy, kind, reason }: MissingPackage): string {
  const what = `${name}${range === null ? "" : `@${range}`}${wantedBy === null ? "" : `, needed by ${wantedBy}`}`;
  return `  ${shown(what)}: ${kind === "refused" ? "refused, " : ""}${shown(reason)}`;
}

function count(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? "" : "s"}`;
}
