import type { ClientIndex } from "./client-index.ts";
import type { RunCommand } from "./run-command.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Asks the installed pip for the index it has built in. */
const PRINT_DEFAULT = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";

/** The indexes that pip and uv are configured with: by the environment, by pip's configuration, by pip's own default. */
export async function* pypiIndexes({ env, run }: { env: Environment; run: RunCommand }): AsyncGenerator<ClientIndex> {
  const asked = Promise.all([pipConfiguration(env, run), pipDefault(env, run)]);
  const fromVariables = ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"].flatMap((variable) => {
    const value = env[variable]?.trim();
    return value ? [{ source: variable, address: withoutIndexName(value) }] : [];
  });
  const [configuration, builtIn] = await asked;
  const setting = (name: string): string | undefined =>
    env[`PIP_${name.toUpperCase()}`] || configuration.get(`install.${name}`) || configuration.get(`global.${name}`) || undefined;
  const shared = { caPath: setting("cert"), proxy: setting("proxy") };
  for (const index of fromVariables) yield { ...shared, ...index };
  for (const key of ["install.index-url", "global.index-url"]) {
    const address = configuration.get(key);
    if (address) yield { ...shared, source: `pip's configuration (${key})`, address };
  }
  if (builtIn) yield { ...shared, source: "pip's own default", address: builtIn };
}

/** uv lets an index be named: `internal=https://…`. */
function withoutIndexName(value: string): string {
  return value.replace(/^[A-Za-z0-9._-]+=/, "");
}

/** `pip config list` prints one `section.name='value'` a line. */
async function pipConfiguration(env: Environment, run: RunCommand): Promise<ReadonlyMap<string, string>> {
  const pip = ["-m", "pip", "config", "list"];
  const output =
    (await run("python3", pip, { env })) ?? (await run("python", pip, { env })) ?? (await run("pip", pip.slice(2), { env })) ?? "";
  const settings = new Map<string, string>();
  for (const line of output.split("\n")) {
    const equals = line.indexOf("=");
    const value = line.slice(equals + 1).trim();
    const isQuoted = value.length >= 2 && /^['"]/.test(value) && value.at(-1) === value[0];
    if (equals > 0) settings.set(line.slice(0, equals).trim(), isQuoted ? value.slice(1, -1) : value);
  }
  return settings;
}

async function pipDefault(env: Environment, run: RunCommand): Promise<string | undefined> {
  const output = (await run("python3", ["-c", PRINT_DEFAULT], { env })) ?? (await run("python", ["-c", PRINT_DEFAULT], { env }));
  return output?.trim();
}
