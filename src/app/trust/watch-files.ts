import { fileState } from "../../policy/read-policy.ts";

/**
 * Looks at files now and then, since notifications miss what is mounted, linked or renamed into place, and calls `changed` once a change has stayed the same
 * for two looks: half a written file must not be read. Calls it once at the beginning too, for what changed before the first look. `paths` is asked at each
 * look. Answers how to stop.
 */
export function watchFiles(paths: () => readonly string[], changed: () => Promise<void>, pollMs: number): () => void {
  let [tried, seen]: (string | undefined)[] = [];
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    const state = await stateOf(paths());
    const isSettled = state === seen;
    seen = state;
    if (!isSettled || state === tried) return;
    tried = state;
    await changed();
    // What was read may name other files from now on, and we may have written one ourselves.
    tried = await stateOf(paths());
  };
  const schedule = (): void => {
    timer = setTimeout(() => void look().finally(() => !isStopped && schedule()), pollMs);
    timer.unref();
  };
  void look().finally(schedule);
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

async function stateOf(paths: readonly string[]): Promise<string> {
  const states = await Promise.all(paths.map(async (path) => `${path}\0${await fileState(path)}`));
  return states.join("\n");
}
