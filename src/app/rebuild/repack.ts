import { lstat, mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { quote } from "../../core/quote.ts";
import { listArchive } from "../../verify/archive/list-archive.ts";
import { packFolder } from "../pack/pack-folder.ts";
import { directoryIn, npmPack } from "./npm-pack.ts";
import { packageRoot, parseFolder } from "./package-root.ts";
import type { RebuildJob } from "./rebuild-job.ts";

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

/** The archive of `npm pack`. Throws as `npmPack` does. */
export async function repackNpm(job: RebuildJob): Promise<Repacked> {
  const folder = folderOf(await npmFolder(job));
  const root = await packageRoot(job.tree, folder);
  // npm would follow a link, and tell on standard error what it found there.
  const manifest = await lstat(join(root, "package.json")).catch(() => undefined);
  if (!manifest?.isFile()) throw new AssayError("UNPROCESSABLE", `the commit has no file package.json in its folder ${quote(folder)}`);
  const scratch = join(job.scratch, "npm");
  await mkdir(scratch);
  const { path, builder, isCutOff } = await npmPack({ folder: root, scratch, searchPath: job.searchPath });
  const network = isCutOff ? "npm ran without a network" : "npm ran beside the network: the kernel gave it none of its own";
  return {
    path,
    folder,
    builder,
    notes: [network, "no script of the package ran: what its build makes is missing from the rebuilt archive"],
  };
}

/** As the provenance says; else as the published archive's gzip header does, which must have the same time as its files (section 12.1). */
async function epochOf(stated: unknown, published: string | undefined): Promise<number> {
  if (typeof stated === "number" && Number.isSafeInteger(stated) && stated >= 0 && stated <= MAX_EPOCH_SECONDS) return stated;
  if (published === undefined) return 0;
  await using file = await open(published, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
  return bytesRead < 8 ? 0 : buffer.readUInt32LE(4);
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
