import { HEADS, type ObjectId, type RefName } from "../../core/git.ts";
import type { GitRefRecord } from "../../core/ports/git.ts";
import type { JudgeRefsOptions } from "./judge-refs.ts";
import type { GitPin } from "./pinned-refs.ts";

/** Which branch a clone without a branch gets. `refused` where upstream chose another one that is not taken, `rewritten` where it was taken with a history of its own. */
export interface JudgedHead {
  readonly head: RefName | undefined;
  readonly kind: "taken" | "refused" | "rewritten";
}

export interface JudgeHeadOptions extends Omit<JudgeRefsOptions, "now"> {
  /** As they are served, after their own judgement. */
  readonly refs: readonly GitRefRecord[];
  readonly pins: readonly GitPin[];
}

/**
 * Judges upstream's choice of its default branch like a branch that moved: whoever clones without naming one would get the other history all the same. A pinned branch stays the
 * default, or its pin would say nothing to most clients.
 */
export async function judgeHead(
  held: RefName | undefined,
  offered: RefName | undefined,
  { refs, pins, onRewrite, descends }: JudgeHeadOptions,
): Promise<JudgedHead> {
  if (held === undefined || offered === undefined || offered === held) return { head: offered ?? held, kind: "taken" };
  if (pins.some(({ ref }) => ref === held || `${HEADS}${ref}` === held)) return { head: held, kind: "refused" };
  const [before, after] = [servedAt(refs, held), servedAt(refs, offered)];
  if (before === undefined || before === after) return { head: offered, kind: "taken" };
  if (after !== undefined && (await descends(after, before))) return { head: offered, kind: "taken" };
  return onRewrite === "refuse" ? { head: held, kind: "refused" } : { head: offered, kind: "rewritten" };
}

function servedAt(refs: readonly GitRefRecord[], name: RefName): ObjectId | undefined {
  return refs.find(({ ref }) => ref === name)?.object ?? undefined;
}
