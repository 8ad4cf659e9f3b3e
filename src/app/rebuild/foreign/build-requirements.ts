import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonValue, parseJsonObject } from "../../../core/json.ts";
import { quote } from "../../../core/quote.ts";
import { runConnected } from "../isolated-command.ts";
import type { Python } from "./python.ts";

export interface Installed {
  /** The folder that they are in. */
  readonly site: string;
  /** `flit_core 3.12.0`, in the order of pip's report. */
  readonly names: readonly string[];
}

export interface InstallOptions {
  readonly python: Python;
  /** A folder of our own. */
  readonly scratch: string;
  readonly searchPath: string;
  /** The simple index of this Assay: nothing comes from anywhere else. */
  readonly indexUrl: string;
}

const INSTALL_MS = 300_000;
const MAX_ROUNDS = 10;
const MAX_REQUIREMENTS = 200;
const MAX_REPORT_BYTES = 64 * 1024 * 1024;
const REPORT_DEPTH = 32;
const MAX_CHARACTERS = 1000;
/** A name, extras, versions and a marker (PEP 508), in none of which an address, a path or an option has room. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._\-[\],<>=!~;"'() *+]*$/;

/**
 * Installs wheels, and what they need in turn, from the mirror: each goes down its road first. pip is let follow nothing by itself, since what a wheel requires may be an address of anybody's, which
 * pip would fetch and build outside of any confinement. Throws UNPROCESSABLE for a requirement that is not plain, too many of them, and where pip cannot have them.
 */
export async function installRequirements(requirements: readonly string[], options: InstallOptions): Promise<Installed> {
  const wanted = new Set(requirements.map(plainRequirement));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const site = join(options.scratch, `site-${round}`);
    await mkdir(site);
    if (wanted.size === 0) return { site, names: [] };
    const report = await pipInstall([...wanted], site, options);
    const before = wanted.size;
    for (const each of report.requires) wanted.add(plainRequirement(each));
    if (wanted.size > MAX_REQUIREMENTS) break;
    if (wanted.size === before) return { site, names: report.names };
  }
  throw new AssayError(
    "UNPROCESSABLE",
    `its build needs more than ${MAX_REQUIREMENTS} packages, or ones that need others more than ${MAX_ROUNDS} deep`,
  );
}

/** Throws UNPROCESSABLE for one that names an address or a path, or could be read as anything but a requirement. */
export function plainRequirement(text: string): string {
  if (text.length <= MAX_CHARACTERS && PLAIN.test(text)) return text;
  throw new AssayError("UNPROCESSABLE", `its build needs ${quote(text)}, which is no package of an index by its name and versions`);
}

interface Report {
  readonly names: readonly string[];
  /** What they need in turn, with the markers, by which pip decides. */
  readonly requires: readonly string[];
}

async function pipInstall(
  wanted: readonly string[],
  site: string,
  { python, scratch, searchPath, indexUrl }: InstallOptions,
): Promise<Report> {
  const [home, report] = [join(scratch, "pip"), `${site}.json`];
  await mkdir(home, { recursive: true });
  const settings = [
    "--isolated",
    "--no-input",
    "--disable-pip-version-check",
    "--no-cache-dir",
    "--no-deps",
    "--no-compile",
    "--no-warn-script-location",
    "--only-binary=:all:",
    `--index-url=${indexUrl}`,
    `--target=${site}`,
    `--report=${report}`,
  ];
  await runConnected({
    command: python.program,
    args: ["-I", "-m", "pip", "install", ...settings, "--", ...wanted],
    cwd: home,
    env: { PATH: searchPath, HOME: home, TMPDIR: home, LC_ALL: "C.UTF-8" },
    timeoutMs: INSTALL_MS,
  }).catch((error: unknown) => {
    if (!(error instanceof AssayError && error.code === "UNPROCESSABLE")) throw error;
    throw new AssayError("UNPROCESSABLE", `what its build needs could not be installed through the mirror: ${error.message}`);
  });
  return readReport(report);
}

/** Of pip: https://pip.pypa.io/en/stable/reference/installation-report/ */
async function readReport(path: string): Promise<Report> {
  if ((await stat(path)).size > MAX_REPORT_BYTES) throw new AssayError("UNPROCESSABLE", `pip reports more than ${MAX_REPORT_BYTES} bytes`);
  const { install } = parseJsonObject(await readFile(path), { maxDepth: REPORT_DEPTH, source: "pip's report" });
  const metadata = (Array.isArray(install) ? install : []).flatMap((each: JsonValue) => {
    const found = isJsonObject(each) ? each["metadata"] : undefined;
    return isJsonObject(found) ? [found] : [];
  });
  return {
    names: metadata.map(({ name, version }) => `${String(name)} ${String(version)}`),
    requires: metadata.flatMap(({ requires_dist: requires }) =>
      Array.isArray(requires) ? requires.filter((each) => typeof each === "string") : [],
    ),
  };
}
