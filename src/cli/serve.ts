import { compose } from "../app/compose.ts";
import type { Config } from "../app/config.ts";
import { createLog } from "../app/log.ts";
import { closeOnSignal } from "../app/shutdown.ts";
import { startServer } from "../http/server.ts";
import { EXIT_DONE } from "./exit.ts";

/** `assay serve`: runs the mirror until it is told to stop. Prints one line with its address once it answers. */
export async function serve(config: Config, env: NodeJS.ProcessEnv, { json }: { json: boolean }): Promise<number> {
  const log = createLog(config.log.level);
  const assay = await compose(config, { clock: { now: Date.now }, log, env });
  const server = await startServer(assay.http, config.listen).catch(async (error: unknown) => {
    await assay.close();
    throw error;
  });
  const stopped = closeOnSignal(async () => {
    await server.close(config.shutdownGraceMs);
    await assay.close();
  }, log);
  process.stdout.write(json ? `${JSON.stringify({ address: server.address })}\n` : `Assay is ready at ${server.address}\n`);
  await stopped;
  return EXIT_DONE;
}
