import type { Log } from "../core/ports/log.ts";
import type { CheckpointSigner } from "../mirror/log/checkpoint-signer.ts";

/** How much of the log could be cut off without anybody noticing, where nobody asks for checkpoints. */
const SIGN_MS = 60_000;

/**
 * Signs checkpoints of the decision log from time to time, and at the end. A log that is shorter than what was signed of it, or another one, is an alarm at the start and from then on: an error in the
 * log of this process each time. Archives are served all the same.
 */
export function signCheckpoints(signer: CheckpointSigner, log: Log): { close(): Promise<void> } {
  const signNow = async (): Promise<void> => {
    await signer.current().catch((error: unknown) => log.error({ err: error }, "no checkpoint of the decision log can be signed"));
  };
  // One after the other, so that none is under way once it is closed.
  let last = signNow();
  const sign = (): Promise<void> => {
    last = last.then(signNow);
    return last;
  };
  const timer = setInterval(() => void sign(), SIGN_MS);
  timer.unref();
  return {
    close: async () => {
      clearInterval(timer);
      await sign();
    },
  };
}
