import { Scrubber, type ScrubDeps } from "../mirror/cache/scrubber.ts";
import { Background } from "./background.ts";
import type { Config } from "./config.ts";

export interface ComposedScrub {
  readonly scrubber: Scrubber;
  /** Looks through the store now and then. */
  start(): void;
  close(): Promise<void>;
}

/** After a start: whoever starts a mirror wants it to answer first. */
const FIRST_MS = 10 * 60_000;

export function composeScrub({ scrub: { everyMs, bytesPerSecond } }: Pick<Config, "scrub">, deps: ScrubDeps): ComposedScrub {
  const { scrubs, clock, log } = deps;
  const scrubber = new Scrubber(deps);
  const background = new Background(
    {
      what: "a look through the store",
      nextInMs: async () => {
        if (everyMs === undefined) return undefined;
        const lastAt = await scrubs.lastFinishedAt();
        return Math.max(FIRST_MS, lastAt === undefined ? 0 : lastAt + everyMs - clock.now());
      },
      work: async (signal) => {
        const { clean, results } = await scrubber.scrub({ bytesPerSecond, signal });
        if (clean) log.info({ results }, "looked through the store: all is well");
        else log.error({ results }, "looked through the store, and found damage");
      },
    },
    log,
  );
  return { scrubber, start: () => background.start(), close: () => background.close() };
}
