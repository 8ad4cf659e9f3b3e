import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, collect, common, type JsonFlags } from "../command-line.ts";
import { type ExportFlags, exportBundle } from "../export.ts";
import { exportDirectory } from "../export-directory.ts";
import { usage } from "../usage-error.ts";

interface DirectoryFlags {
  readonly aamRegistry?: string;
  readonly withDeps?: readonly string[];
}

/** What makes no sense of a bundle, and what makes none of a folder. */
const OF_A_BUNDLE = ["lock", "python", "platform", "all", "split", "since"] as const;

type Flags = Omit<ExportFlags, "output"> & { readonly output?: string } & DirectoryFlags & JsonFlags;

export function addExport(program: Command, { env, print, end }: CommandLine): void {
  common(program.command("export"))
    .description(
      "write what is held into one signed bundle, for an Assay without a network, or what is admitted into a folder, for the aam client",
    )
    .argument("[purl...]", "package URLs; without a version they mean all that is held")
    .option("--lock <file>", "everything that this lock file names (can be repeated)", collect)
    .option("--python <version>", "of a lock's wheels, those for this Python only; may be repeated", collect)
    .option("--platform <tag>", "of what a lock names, what runs on this platform only; may be repeated", collect)
    .option("--all", "everything that is held")
    .option("-o, --output <file>", "the bundle's file")
    .option("--split <size>", "write parts FILE.001, FILE.002, … of at most this size")
    .option("--since <file>", "an earlier bundle or its manifest: only what is new is carried")
    .option("--aam-registry <dir>", "in place of a bundle: a registry in a folder, brought in step with all that is admitted now")
    .option(
      "--with-deps <package>",
      "with --aam-registry: fetch this package with all that it depends on first, as NAME, NAME@RANGE or NAME@TAG (can be repeated)",
      collect,
    )
    .option("--repository <name>", "look in this repository only")
    .option("--offline", "ask nobody for documents that are missing")
    .option("--json", "print JSON")
    .action(async (purls: readonly string[], flags: Flags) => {
      const { output, aamRegistry: path, withDeps: packages, repository, json } = flags;
      const command = { config: loadConfig({ env, flags }), env, print };
      if ((output === undefined) === (path === undefined)) throw usage("expected either -o FILE or --aam-registry DIR");
      if (output !== undefined) {
        if (packages) throw usage("--with-deps is for --aam-registry: a bundle is of package URLs, locks, or everything");
        end(await exportBundle(command, purls, { ...flags, output }));
      } else if (path !== undefined) {
        const odd = OF_A_BUNDLE.find((flag) => flags[flag] !== undefined);
        if (odd || purls.length > 0)
          throw usage(`--aam-registry is of everything that is admitted: ${odd ? `--${odd} is` : "package URLs are"} for -o`);
        end(await exportDirectory({ ...command, json: json === true }, { path, packages: packages ?? [], repository }));
      }
    });
}
