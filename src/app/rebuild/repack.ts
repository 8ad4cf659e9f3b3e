import { lstat, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { quote } from "../../core/quote.ts";
import { listArchive } from "../../verify/archive/list-archive.ts";
import { packFolder } from "../pack/pack-folder.ts";
import { packWithScripts } from "./foreign/npm-pack-scripts.ts";
import { directoryIn, npmBuilder, npmPack } from "./npm-pack.ts";
import { packageRoot, parseFolder } from "./package-root.ts";
import { publishedEpoch } from "./published-epoch.ts";
import type { RebuildJob } from "./rebuild-job.ts";
import { DEFAULT_PATH } from "./search-path.ts";

/** An archive that was made from the source. */
export interface Repacked {
  readonly path: string;
  /** The package's folder in the repository. */
  readonly folder: string;
  readonly builder: string;
  readonly notes: readonly string[];
}

/** Files' times that a gzip header can hold. */
const MAX_EPOCH_SECONDS = 0xffffffff;

/** The archive of `assay pack`, in this process: reading and packing run nothing and ask nobody. Throws UNPROCESSABLE where the commit cannot be packed. */
export async function repackAam({ source, tree, scratch, published }: RebuildJob): Promise<Repacked> {
  const folder = folderOf(source.parameters["folder"] ?? "");
  const root = await packageRoot(tree, folder);
  const epochSeconds = await epochOf(source.parameters["sourceDateEpoch"], published);
  const { bytes } = await packFolder(root, { epochSeconds }).catch((error: unknown) => {
    if (!(error instanceof AssayError && error.code === "BAD_REQUEST")) throw error;
    throw new AssayError("UNPROCESSABLE", `the commit cannot be packed: ${error.message}`);
  });
  const path = join(scratch, "rebuilt");
  await writeFile(path, bytes, { mode: 0o600 });
  const { node, zlib } = process.versions;
  const notes = [`every file's time is ${epochSeconds} seconds since the epoch`];
  return { path, folder, builder: `assay pack (Node ${node}, zlib ${zlib ?? "?"})`, notes };
}

/** The archive of `npm pack`, with the package's scripts where `runsScripts`. Throws as `npmPack` and `packWithScripts` do. */
export async function repackNpm(job: RebuildJob, runsScripts: boolean): Promise<Repacked> {
  const folder = folderOf(await npmFolder(job));
  const root = await packageRoot(job.tree, folder);
  // npm would follow a link, and tell on standard error what it found there.
  const manifest = await lstat(join(root, "package.json")).catch(() => undefined);
  if (!manifest?.isFile()) throw new AssayError("UNPROCESSABLE", `the commit has no file package.json in its folder ${quote(folder)}`);
  const scratch = join(job.scratch, "npm");
  await mkdir(scratch);
  if (runsScripts) return repackScripted(job, folder, scratch);
  const { path, builder, isCutOff } = await npmPack({ folder: root, scratch, searchPath: job.searchPath });
  const network = isCutOff ? "npm ran without a network" : "npm ran beside the network: the kernel gave it none of its own";
  return {
    path,
    folder,
    builder,
    notes: [network, "no script of the package ran: what its build makes is missing from the rebuilt archive; --run-scripts runs them"],
  };
}

async function repackScripted(
  { tree, limits, searchPath = DEFAULT_PATH, ...job }: RebuildJob,
  folder: string,
  scratch: string,
): Promise<Repacked> {
  const builder = await npmBuilder(scratch, searchPath);
  const path = join(job.scratch, "rebuilt");
  const { epochSeconds } = tree;
  await packWithScripts({ tree: tree.folder, folder, scratch, searchPath, into: path, maxBytes: limits.archiveBytes, epochSeconds });
  return {
    path,
    folder,
    builder: `${builder}, with the package's scripts`,
    notes: [
      "code of the package ran, without a network: the scripts in its package.json that npm pack runs",
      "its dependencies were not installed",
    ],
  };
}

/** As the provenance says; else as the published archive's gzip header does, which must have the same time as its files (section 12.1). */
async function epochOf(stated: unknown, published: string | undefined): Promise<number> {
  if (typeof stated === "number" && Number.isSafeInteger(stated) && stated >= 0 && stated <= MAX_EPOCH_SECONDS) return stated;
  return publishedEpoch(published);
}

/** What the package says of itself is no more than a hint where to look: the bytes decide. */
async function npmFolder({ published, format, limits }: RebuildJob): Promise<string> {
  if (published === undefined) return "";
  const { report } = await listArchive({ path: published, format, limits });
  const [manifest] = report.kind === "sound" ? report.manifests : [];
  if (!manifest) return "";
  return directoryIn(parseJson(Buffer.from(manifest.body), { maxDepth: limits.jsonDepth, source: "package.json" }));
}

function folderOf(stated: unknown): string {
  const folder = typeof stated === "string" ? parseFolder(stated) : undefined;
  if (folder === undefined) throw new AssayError("UNPROCESSABLE", `${quote(JSON.stringify(stated))} is no folder of a repository`);
  return folder;
}
