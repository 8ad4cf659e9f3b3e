import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { checkArchive } from "../app/pack/check-archive.ts";
import { type PackedFolder, packFolder } from "../app/pack/pack-folder.ts";
import { AssayError } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import { quote } from "../core/quote.ts";
import { parseSourceDateEpoch } from "../ecosystems/aam/pack/source-date-epoch.ts";
import { EXIT_DONE, EXIT_REFUSED } from "./exit.ts";
import { checkJson, checkText, isBreach, packJson, packText } from "./pack-report.ts";
import { usage } from "./usage-error.ts";
import { writeOutput } from "./write-output.ts";

export interface PackFlags {
  readonly output?: string;
  readonly force?: true;
  readonly list?: true;
  readonly check?: string;
  readonly json?: true;
}

interface PackCommand {
  readonly env: NodeJS.ProcessEnv;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
  /** Writes a text to standard error. */
  readonly warn: (text: string) => void;
}

/**
 * `assay pack DIR`: makes the archive and writes it, or with `--list` only says what would be in it. `assay pack --check ARCHIVE`: names what differs from the archive that
 * it would make; answers 2 where the specification asks for something else, and 0 for what it leaves open.
 * Throws USAGE for flags that make no sense together and for an output that would be packed itself, and what `packFolder`, `checkArchive` and `writeOutput` throw.
 */
export async function pack(command: PackCommand, folder: string | undefined, flags: PackFlags): Promise<number> {
  const { SOURCE_DATE_EPOCH: epoch } = command.env;
  if (flags.check !== undefined) return check(command, folder, flags.check, flags);
  if (folder === undefined) throw usage("expected the package's folder", "assay pack DIR, or assay pack --check ARCHIVE");
  if (flags.list && (flags.output !== undefined || flags.force))
    throw usage("--list writes nothing, so it takes no --output and no --force");
  const packed = await packFolder(folder, { epochSeconds: parseSourceDateEpoch(epoch) });
  for (const warning of packed.warnings) command.warn(`${printable(`warning: ${warning}`)}\n`);
  const outcome = flags.list ? undefined : await write(folder, packed, flags);
  command.print(flags.json ? packJson(packed, outcome) : packText(packed, outcome, flags.list === true));
  return EXIT_DONE;
}

async function check({ env, print }: PackCommand, folder: string | undefined, archive: string, flags: PackFlags): Promise<number> {
  if (folder !== undefined || flags.output !== undefined || flags.force || flags.list)
    throw usage("--check looks at one archive: it takes no folder, no --output, no --force and no --list");
  const { SOURCE_DATE_EPOCH: epoch } = env;
  const checked = await checkArchive(archive, epoch === undefined ? {} : { epochSeconds: parseSourceDateEpoch(epoch) });
  print(flags.json ? checkJson(archive, checked) : checkText(archive, checked));
  return checked.deviations.some(isBreach) ? EXIT_REFUSED : EXIT_DONE;
}

async function write(folder: string, packed: PackedFolder, { output = ".", force }: PackFlags) {
  const isFolder = await stat(output).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const path = isFolder ? join(output, packed.file) : output;
  await requireElsewhere(folder, path, packed);
  return { path, written: await writeOutput(path, packed.bytes, force === true) };
}

/** An archive among the files that are packed would be in the next one, so no two would be the same. */
async function requireElsewhere(folder: string, path: string, packed: PackedFolder): Promise<void> {
  const above = dirname(resolve(path));
  const place = await realpath(above).catch(() => {
    throw new AssayError("NOT_FOUND", `the folder ${quote(above)} for the archive is not there`);
  });
  const inside = relative(await realpath(folder), join(place, basename(path))).split(sep);
  if (inside[0] === ".." || !packed.selects(inside.join("/"))) return;
  throw usage(
    `${quote(path)} lies in the package's own folder, where the next archive would hold it`,
    `write it elsewhere, as with -o ${join("..", packed.file)}, or have \`files\` in package.agent.json select what is packed`,
  );
}
