import { z } from "zod";
import { formatPath, type Path, type Problem } from "../core/problems.ts";
import { isTree, type Tree, withoutNulls } from "../core/schema.ts";
import { suggest } from "../core/suggest.ts";
import { parseYamlText, type YamlText } from "../core/yaml-text.ts";
import { CONFIG_DEFAULTS } from "./config-defaults.ts";
import { readConfigText } from "./config-file.ts";

/** What the command line may set. Values are as typed; they are checked like the file's. */
export interface ConfigFlags {
  /** Path of the configuration file. */
  readonly config?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | number | undefined;
  readonly data?: string | undefined;
  readonly policy?: string | undefined;
  readonly offline?: boolean | undefined;
}

const FLAG_PATHS: Readonly<Record<Exclude<keyof ConfigFlags, "config">, Path>> = {
  host: ["listen", "host"],
  port: ["listen", "port"],
  data: ["data"],
  policy: ["policy"],
  offline: ["offline"],
};

/** Variables with our prefix that are not keys of the configuration. */
const OTHER_VARIABLES = ["ASSAY_CONFIG", "ASSAY_TEST_DATA"];

/** Flags over environment over file over defaults, merged key by key; lists are taken whole from the strongest that has them. */
export interface Layers {
  readonly values: Tree;
  /** Where the value at `path` was set; `key` asks for its key instead. */
  locate(path: Path, options?: { key: boolean }): string;
  readonly problems: readonly Problem[];
}

interface Setting {
  readonly path: Path;
  readonly source: string;
  readonly value: unknown;
}

export function readLayers(
  schema: z.ZodObject,
  { file, env, flags }: { file: string | undefined; env: Readonly<Record<string, string | undefined>>; flags: ConfigFlags },
): Layers {
  const written: YamlText = file === undefined ? parseYamlText("") : parseYamlText(readConfigText(file));
  const problems: Problem[] = written.problems.map(({ at, text }) => ({ at: `${file}:${at}`, key: "", expected: "valid YAML", got: text }));
  let values: Tree = CONFIG_DEFAULTS;
  const fromFile = withoutNulls(written.values);
  if (isTree(fromFile)) values = merge(values, fromFile);
  else if (fromFile !== undefined) {
    problems.push({ at: `${file}:1:1`, key: "", expected: "a map of keys", got: Array.isArray(fromFile) ? "a list" : "a text" });
  }
  const settings = [...environmentSettings(schema, env, problems), ...flagSettings(flags)];
  for (const { path, value } of settings) values = merge(values, nest(path, value));
  return {
    values,
    locate: (path, options) => {
      const setting = settings.findLast((candidate) => candidate.path.every((step, depth) => step === path[depth]));
      if (setting) return setting.source;
      return file === undefined ? "(default)" : `${file}:${written.locate(path, options)}`;
    },
    problems,
  };
}

function flagSettings(flags: ConfigFlags): Setting[] {
  return (Object.keys(FLAG_PATHS) as (keyof typeof FLAG_PATHS)[]).flatMap((flag) => {
    const value = flags[flag];
    const isNumber = flag === "port" && typeof value === "string" && /^\d{1,9}$/.test(value);
    return value === undefined ? [] : [{ path: FLAG_PATHS[flag], source: `--${flag}`, value: isNumber ? Number(value) : value }];
  });
}

function environmentSettings(schema: z.ZodObject, env: Readonly<Record<string, string | undefined>>, problems: Problem[]): Setting[] {
  const keys = environmentKeys(schema);
  reportSlips(env, keys, problems);
  const settings: Setting[] = [];
  for (const [variable, { path, schema: keySchema }] of keys) {
    const text = env[variable];
    // An empty variable is how compose files and shells write "not set".
    if (text === undefined || text === "") continue;
    if (keySchema.safeParse(text).success) {
      settings.push({ path, source: variable, value: text });
      continue;
    }
    // What is no text by its type is written as YAML, of which JSON is a part.
    const { values, problems: broken } = parseYamlText(text);
    for (const { at, text: reason } of broken)
      problems.push({ at: `${variable}:${at}`, key: formatPath(path), expected: "YAML or JSON text", got: reason });
    if (broken.length === 0) settings.push({ path, source: variable, value: withoutNulls(values) });
  }
  return settings;
}

interface EnvironmentKey {
  readonly path: Path;
  readonly schema: z.ZodType;
}

/** Every key of the configuration by its variable: whole sections first, so that a key inside one wins. */
function environmentKeys(schema: z.ZodObject, parent: Path = []): Map<string, EnvironmentKey> {
  const keys = new Map<string, EnvironmentKey>();
  for (const [key, child] of Object.entries(schema.shape)) {
    const path = [...parent, key];
    keys.set(`ASSAY_${path.join("_").toUpperCase()}`, { path, schema: child as z.ZodType });
    if (child instanceof z.ZodObject) for (const [variable, inner] of environmentKeys(child, path)) keys.set(variable, inner);
  }
  return keys;
}

/**
 * A variable that is nearly one of ours is a slip. Others with our prefix are left alone: container platforms make some up for a service
 * that is called assay (ASSAY_PORT, ASSAY_SERVICE_HOST), and operators keep the credentials that the configuration names in some.
 */
function reportSlips(env: Readonly<Record<string, string | undefined>>, keys: ReadonlyMap<string, unknown>, problems: Problem[]): void {
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith("ASSAY_") || keys.has(variable) || OTHER_VARIABLES.includes(variable)) continue;
    const near = suggest(
      variable.slice("ASSAY_".length),
      [...keys.keys()].map((key) => key.slice("ASSAY_".length)),
    );
    if (near === undefined) continue;
    problems.push({ at: variable, key: "", expected: `a variable that Assay knows (did you mean ASSAY_${near}?)`, got: variable });
  }
}

function merge(lower: Tree, upper: Tree): Tree {
  const merged: Record<string, unknown> = { ...lower };
  for (const [key, value] of Object.entries(upper)) {
    const below = Object.hasOwn(lower, key) ? lower[key] : undefined;
    merged[key] = isTree(below) && isTree(value) ? merge(below, value) : value;
  }
  return merged;
}

function nest(path: Path, value: unknown): Tree {
  return path.toReversed().reduce<unknown>((inner, step) => ({ [step]: inner }), value) as Tree;
}
