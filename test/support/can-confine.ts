import { spawnSync } from "node:child_process";

const NAMESPACES = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--", "true"];
let answer: boolean | undefined;

/** Whether this system lets foreign code be confined: asked in its own words, not in those of what is tested. Decided once. */
export function canConfine(): boolean {
  answer ??= [["--user", "--map-root-user", ...NAMESPACES], NAMESPACES].some((args) => spawnSync("unshare", args).status === 0);
  return answer;
}

/** For the name of what is skipped. */
export const NOT_CONFINED = " (skipped: this system lets nobody make namespaces, so foreign code is never run)";
