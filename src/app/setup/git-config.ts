import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import type { Config } from "../config.ts";

/** One line of git's configuration. */
export interface GitSetting {
  readonly key: string;
  readonly value: string;
}

export interface GitConfigChange {
  readonly file: string;
  readonly added: readonly GitSetting[];
  readonly removed: readonly GitSetting[];
  /** A copy from before; undefined where nothing was changed, or there was no file. */
  readonly backup: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const TIMEOUT_MS = 20_000;
/** How git ends where it finds nothing. */
const NOTHING_FOUND = 1;

/** What makes git take repositories of the mirrored hosts from the mirror at `address`, and still push to the hosts themselves. */
export function gitRedirects({ git }: Pick<Config, "git">, address: string): readonly GitSetting[] {
  return git.hosts.flatMap(({ host }) => [
    { key: `url.${address}/git/${host}/.insteadOf`, value: `https://${host}/` },
    // The mirror takes no pushes. Without this line, they would go there too.
    { key: `url.https://${host}/.pushInsteadOf`, value: `https://${host}/` },
  ]);
}

/** The file that `git config --global` writes. Throws USAGE where there is no home folder. */
function gitConfigFile(env: Environment): string {
  if (env["GIT_CONFIG_GLOBAL"]) return env["GIT_CONFIG_GLOBAL"];
  const home = env["HOME"];
  if (!home) throw new AssayError("USAGE", "git's configuration cannot be found: HOME is not set");
  const [usual, other] = [join(home, ".gitconfig"), join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "git", "config")];
  return !existsSync(usual) && existsSync(other) ? other : usual;
}

/**
 * Adds what is missing of `wanted`. Throws CONFLICT where git takes one of these hosts from elsewhere already: of two such lines nobody could say which holds. Throws STORE_IO
 * where git cannot write the file.
 */
export async function addToGitConfig(wanted: readonly GitSetting[], env: Environment, now: Date): Promise<GitConfigChange> {
  const file = gitConfigFile(env);
  const there = await readSettings(file, env);
  for (const { key, value } of wanted) {
    const other = there.find((setting) => setting.value === value && sameKind(setting.key, key) && !sameKey(setting.key, key));
    if (!other) continue;
    throw new AssayError("CONFLICT", `git takes ${value} from elsewhere already: ${other.key} in ${file}`, {
      help: "remove that line first; of another address of a mirror, with --undo --url ADDRESS",
    });
  }
  const missing = wanted.filter(({ key, value }) => !there.some((setting) => sameKey(setting.key, key) && setting.value === value));
  const backup = missing.length > 0 ? await backUp(file, now) : undefined;
  for (const { key, value } of missing) await gitConfig(file, ["--add", key, value], env);
  return { file, added: missing, removed: [], backup };
}

/** Removes the lines that `addToGitConfig` adds for the mirror at `address`, for whatever hosts, and no others. Throws STORE_IO. */
export async function removeFromGitConfig(address: string, env: Environment, now: Date): Promise<GitConfigChange> {
  const file = gitConfigFile(env);
  const there = await readSettings(file, env);
  const redirects = there.filter(({ key }) => key.startsWith(`url.${address}/git/`) && sameKind(key, "url..insteadOf"));
  const pushes = there.filter(
    ({ key, value }) => redirects.some((line) => line.value === value) && sameKey(key, `url.${value}.pushInsteadOf`),
  );
  const removed = [...redirects, ...pushes];
  const backup = removed.length > 0 ? await backUp(file, now) : undefined;
  for (const { key, value } of removed) await gitConfig(file, ["--fixed-value", "--unset-all", key, value], env);
  return { file, added: [], removed, backup };
}

async function readSettings(file: string, env: Environment): Promise<readonly GitSetting[]> {
  if (!existsSync(file)) return [];
  const text = await gitConfig(file, ["--null", "--get-regexp", "^url\\..*insteadof$"], env);
  return text
    .split("\0")
    .filter((entry) => entry !== "")
    .map((entry) => {
      const end = entry.indexOf("\n");
      return end < 0 ? { key: entry, value: "" } : { key: entry.slice(0, end), value: entry.slice(end + 1) };
    });
}

/** Git tells the last part of a key in lower case; the part in the middle counts as it is. */
function sameKey(left: string, right: string): boolean {
  const fold = (key: string): string => `${key.slice(0, key.lastIndexOf("."))}.${kindOf(key)}`;
  return fold(left) === fold(right);
}

function sameKind(left: string, right: string): boolean {
  return kindOf(left) === kindOf(right);
}

function kindOf(key: string): string {
  return key.slice(key.lastIndexOf(".") + 1).toLowerCase();
}

async function backUp(file: string, now: Date): Promise<string | undefined> {
  if (!existsSync(file)) return undefined;
  const backup = `${file}.before-assay-${now.toISOString().replaceAll(/[:.-]/g, "")}`;
  await copyFile(file, backup);
  return backup;
}

function gitConfig(file: string, args: readonly string[], env: Environment): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("git", ["config", "--file", file, ...args], { env: { ...env }, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (!error || (error.code === NOTHING_FOUND && args.includes("--get-regexp"))) resolve(stdout);
      else reject(new AssayError("STORE_IO", `git could not read or write ${file}: ${stderr.trim() || error.message}`, { cause: error }));
    });
  });
}
