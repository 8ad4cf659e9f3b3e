import { type Assay, compose } from "../app/compose.ts";
import type { Config } from "../app/config.ts";
import { createLog } from "../app/log.ts";
import type { UpstreamClient } from "../core/ports/upstream-client.ts";

/**
 * Lends a command an Assay of its own over the data folder, beside whatever processes serve from it, and closes it again. It listens nowhere. Standard output is for
 * what the command answers, and only what goes wrong in the machinery is logged on standard error. `outside` stands in for the network.
 */
export async function withAssay<T>(
  config: Config,
  env: NodeJS.ProcessEnv,
  work: (assay: Assay) => Promise<T>,
  outside?: UpstreamClient,
): Promise<T> {
  const deps = { clock: { now: Date.now }, log: createLog("error"), env, background: false, ...(outside ? { outside } : {}) };
  const assay = await compose(config, deps);
  try {
    return await work(assay);
  } finally {
    await assay.close();
  }
}
