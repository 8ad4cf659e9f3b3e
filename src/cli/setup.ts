import type { Config } from "../app/config.ts";
import { addToGitConfig, type GitConfigChange, gitRedirects, removeFromGitConfig } from "../app/setup/git-config.ts";
import { mirrorAddress } from "../app/setup/mirror-address.ts";
import { AssayError } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import { EXIT_DONE } from "./exit.ts";

export interface SetupFlags {
  readonly write?: true;
  readonly undo?: true;
  readonly url?: string;
  readonly json?: true;
}

export interface SetupCommand {
  readonly config: Pick<Config, "aam" | "git" | "listen" | "publicUrl" | "repositories">;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: Date;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

type Setup = (command: SetupCommand, flags: SetupFlags) => Promise<void>;

/** Each client that can be set up. */
const CLIENTS: ReadonlyMap<string, Setup> = new Map([["aam", setUpAam]]);

export const SETUP_CLIENTS: readonly string[] = [...CLIENTS.keys()];

/** `assay setup CLIENT`: prints what points a client at the mirror, writes it, or takes it back. Throws USAGE, CONFLICT and STORE_IO. */
export async function setUp(command: SetupCommand, client: string, flags: SetupFlags): Promise<number> {
  const setup = CLIENTS.get(client);
  if (!setup) throw new AssayError("USAGE", `expected one of ${SETUP_CLIENTS.join(", ")}, got ${printable(client.slice(0, 60))}`);
  if (flags.write && flags.undo) throw new AssayError("USAGE", "expected --write or --undo, got both");
  await setup(command, flags);
  return EXIT_DONE;
}

/** Skills come from git hosts, packages from registries. The CLI of today reads registries in folders only, and has a command that adds one; so only git's configuration is written. */
async function setUpAam({ config, env, now, print }: SetupCommand, { write, undo, url, json }: SetupFlags): Promise<void> {
  const address = mirrorAddress(config, url);
  const settings = gitRedirects(config, address);
  const registries = config.repositories.filter(({ ecosystem }) => ecosystem === "aam").map(({ name }) => `${address}/${name}`);
  if (undo) return print(changeText(await removeFromGitConfig(address, env, now), json));
  if (write) return print(changeText(await addToGitConfig(settings, env, now), json));
  const { directory } = config.aam;
  if (json) return print(`${JSON.stringify({ gitConfig: settings, registries, directory: directory ?? null }, undefined, 2)}\n`);
  const git =
    settings.length === 0
      ? ["# No git hosts are mirrored: list them under git.hosts in the configuration."]
      : [
          "# git takes repositories of these hosts from the mirror, and pushes to the hosts themselves as before:",
          ...settings.map(({ key, value }) => `git config --global ${shellWord(key)} ${shellWord(value)}`),
        ];
  const aam = registries.map((registry) => `aam registry add assay-http ${shellWord(registry)}`);
  const note =
    aam.length === 0
      ? []
      : ["# For an aam CLI that speaks HTTP; version 0.1.0 reads registries in folders only, and skips this one:", ...aam];
  const folder =
    directory === undefined
      ? []
      : ["# The folder that is kept for the aam CLI:", `aam registry add assay ${shellWord(`file://${directory}`)} --default`];
  print(`${[...git, ...folder, ...note].join("\n")}\n`);
}

function changeText({ file, added, removed, backup }: GitConfigChange, json: true | undefined): string {
  if (json) return `${JSON.stringify({ file, added, removed, backup: backup ?? null }, undefined, 2)}\n`;
  const lines = [
    ...added.map(({ key, value }) => `added    ${key} = ${value}`),
    ...removed.map(({ key, value }) => `removed  ${key} = ${value}`),
    added.length + removed.length === 0 ? `nothing to change in ${file}` : `in       ${file}`,
    ...(backup === undefined ? [] : [`backup   ${backup}`]),
  ];
  return `${lines.map(printable).join("\n")}\n`;
}

/** As a shell takes it for one word, whatever is in it. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9._:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
