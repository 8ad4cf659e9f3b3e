import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import type { ClientIndex } from "./client-index.ts";
import type { RunCommand } from "./run-command.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The registries npm is configured with: the environment's, that of its configuration as seen from the working directory, its own default. */
export async function* npmIndexes({ env, run }: { env: Environment; run: RunCommand }): AsyncGenerator<ClientIndex> {
  const [command, ...first] = npmCommand(env);
  const configuration = parseObject(await run(command, [...first, "config", "list", "--json"], { env }));
  const shared = {
    caPath: textOf(configuration["cafile"]),
    proxy: textOf(configuration["https-proxy"]) ?? textOf(configuration["proxy"]),
    noProxy: [configuration["noproxy"]].flat().filter(Boolean).join(","),
  };
  const fromEnvironment = env["npm_config_registry"] || env["NPM_CONFIG_REGISTRY"];
  if (fromEnvironment) yield { ...shared, source: "npm_config_registry", address: fromEnvironment };
  const registry = textOf(configuration["registry"]);
  if (registry !== undefined) yield { ...shared, source: "npm's configuration", address: registry };
  // npm does not tell a registry that is written with credentials. It is still the one that is meant.
  else if (Object.keys(configuration).length > 0) yield { source: "npm's configuration", address: "" };

  const nowhere = join(tmpdir(), "assay-no-such-npmrc");
  const builtIn = await run(
    command,
    [...first, "config", "get", "registry", `--userconfig=${nowhere}-user`, `--globalconfig=${nowhere}-global`],
    { env: withoutNpmSettings(env), cwd: tmpdir() },
  );
  const address = builtIn?.trim().split("\n").at(-1);
  if (address) yield { ...shared, source: "npm's own default", address };
}

/** Under `npm start` the npm that started us, else the one in PATH. */
function npmCommand(env: Environment): [string, ...string[]] {
  const cli = env["npm_execpath"];
  return cli && basename(cli) === "npm-cli.js" ? [process.execPath, cli] : ["npm"];
}

function withoutNpmSettings(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.toLowerCase().startsWith("npm_config_")));
}

function parseObject(text: string | undefined): JsonObject {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value !== "null" ? value : undefined;
}
