import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Log } from "../core/ports/log.ts";
import type { Config } from "./config.ts";
import type { MirroredRepository } from "./discover.ts";

/** A bundle may say anything. What no upstream can be must not be remembered: nothing on this data folder would start again. */
const ADDRESS = z.url({ protocol: /^https?$/ }).refine((text) => {
  const url = URL.parse(text);
  return url?.username === "" && url.password === "" && url.pathname.endsWith("/");
});
const REMEMBERED = z.record(z.string().max(64), ADDRESS);

/**
 * What a repository holds is kept by the upstream it came from. So where a data folder is opened on a machine without the client that named the upstream
 * (an air-gapped one, a container without npm), the upstream of last time is taken over: by repository name, from `upstreams.json` of the data folder.
 * Never throws.
 */
export async function recallUpstreams(dataDir: string, log: Log): Promise<Readonly<Record<string, string>>> {
  try {
    return REMEMBERED.parse(JSON.parse(await readFile(fileIn(dataDir), "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ err: error }, "upstreams.json of the data folder cannot be read; it is written anew");
    return {};
  }
}

/** Writes down what was discovered, without credentials, where it is not what `remembered` says already. Never throws. */
export async function rememberUpstreams(
  config: Pick<Config, "repositories" | "dataDir">,
  mirrored: readonly MirroredRepository[],
  remembered: Readonly<Record<string, string>>,
  log: Log,
): Promise<void> {
  const asked = new Set(config.repositories.filter(({ upstreams }) => upstreams === "discover").map(({ name }) => name));
  const found = mirrored.flatMap(({ name, upstreams: [first] }) => (asked.has(name) && first ? [[name, first.url.href] as const] : []));
  const next = { ...remembered, ...Object.fromEntries(found) };
  if (JSON.stringify(next) !== JSON.stringify(remembered)) await keep(config.dataDir, next, log);
}

/**
 * Takes over the upstreams that a bundle comes from, by repository name, where this data folder remembers none: what is imported is held by the upstream it is from, and an empty
 * Assay on a machine without clients has nobody else to name it. Answers those that were. Never throws.
 */
export async function adoptUpstreams(
  config: Pick<Config, "repositories" | "dataDir">,
  offered: Readonly<Record<string, string>>,
  log: Log,
): Promise<Readonly<Record<string, string>>> {
  const remembered = await recallUpstreams(config.dataDir, log);
  const wanting = config.repositories.filter(({ name, upstreams }) => upstreams === "discover" && remembered[name] === undefined);
  const adopted = Object.fromEntries(
    wanting.flatMap(({ name }) => {
      const address = REMEMBERED.safeParse({ [name]: offered[name] }).data?.[name];
      return address === undefined ? [] : [[name, address] as const];
    }),
  );
  if (Object.keys(adopted).length > 0) await keep(config.dataDir, { ...remembered, ...adopted }, log);
  return adopted;
}

/** Never throws: without the note, only a machine without clients is worse off. */
async function keep(dataDir: string, upstreams: Readonly<Record<string, string>>, log: Log): Promise<void> {
  const file = fileIn(dataDir);
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.${process.pid}`, `${JSON.stringify(upstreams, undefined, 2)}\n`, { mode: 0o600 });
    await rename(`${file}.${process.pid}`, file);
  } catch (error) {
    log.warn({ err: error }, "upstreams.json of the data folder cannot be written");
  }
}

function fileIn(dataDir: string): string {
  return join(dataDir, "upstreams.json");
}
