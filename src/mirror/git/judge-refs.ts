import type { ObjectId, RefName } from "../../core/git.ts";
import { HEADS } from "../../core/git.ts";
import type { GitChangeKind, GitRefChange, GitRefRecord } from "../../core/ports/git.ts";

/** What to do where upstream replaced history: keep serving what was there, or take what is there now. Either way it is recorded and told. */
export type OnRewrite = "refuse" | "warn";

export interface JudgedRefs {
  readonly refs: readonly GitRefRecord[];
  readonly changes: readonly GitRefChange[];
}

export interface JudgeRefsOptions {
  readonly onRewrite: OnRewrite;
  /** Whether `ancestor` is among the ancestors of `commit`. */
  readonly descends: (commit: ObjectId, ancestor: ObjectId) => Promise<boolean>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * What is served from now on, from what is known of each ref and what upstream has. A branch that moved forward is taken. One whose old commit is lost from its history, and a tag that
 * names another object, is a rewrite. What upstream has no more stays: who deletes a ref and makes it again has rewritten it.
 */
export async function judgeRefs(
  known: readonly GitRefRecord[],
  offered: ReadonlyMap<RefName, ObjectId>,
  { onRewrite, descends, now }: JudgeRefsOptions,
): Promise<JudgedRefs> {
  const refs = new Map(known.map((record) => [record.ref, record]));
  const changes: GitRefChange[] = [];
  const settle = (record: GitRefRecord, kind: GitChangeKind): void => {
    const before = refs.get(record.ref);
    refs.set(record.ref, record);
    const isNews = before?.upstream !== record.upstream || (before?.object ?? null) !== record.object;
    if (isNews) changes.push({ ref: record.ref, kind, before: before?.object ?? null, after: record.upstream, at: now });
  };

  for (const record of known) {
    if (!offered.has(record.ref) && record.upstream !== null) settle({ ...record, upstream: null }, "deleted");
  }
  const served = new ServedNames([...refs.values()].filter(({ object }) => object !== null).map(({ ref }) => ref));
  for (const [ref, upstream] of offered) {
    const object = refs.get(ref)?.object ?? null;
    if (object === null) {
      const inTheWay = served.inTheWayOf(ref);
      if (inTheWay.length > 0 && onRewrite === "refuse") {
        settle({ ref, object: null, upstream }, "refused");
        continue;
      }
      for (const other of inTheWay) {
        settle({ ref: other, object: null, upstream: null }, "displaced");
        served.delete(other);
      }
      settle({ ref, object: upstream, upstream }, "created");
      served.add(ref);
    } else if (object === upstream) settle({ ref, object, upstream }, "created");
    else if (ref.startsWith(HEADS) && (await descends(upstream, object))) settle({ ref, object: upstream, upstream }, "forwarded");
    else if (onRewrite === "refuse") settle({ ref, object, upstream }, "refused");
    else settle({ ref, object: upstream, upstream }, "rewritten");
  }
  // What is neither served nor offered any more is only history.
  return { refs: [...refs.values()].filter(({ object, upstream }) => object !== null || upstream !== null), changes };
}

/** Names of refs, of which git cannot have both `a` and `a/b`. */
export class ServedNames {
  readonly #names: Set<RefName>;
  /** Every name that is a folder of another, with how many are below it. */
  readonly #parents = new Map<string, Set<RefName>>();

  constructor(names: Iterable<RefName>) {
    this.#names = new Set();
    for (const name of names) this.add(name);
  }

  inTheWayOf(ref: RefName): readonly RefName[] {
    const above = parentsOf(ref).filter((parent): parent is RefName => this.#names.has(parent as RefName));
    return [...above, ...(this.#parents.get(ref) ?? [])];
  }

  add(ref: RefName): void {
    this.#names.add(ref);
    for (const parent of parentsOf(ref)) this.#parents.set(parent, (this.#parents.get(parent) ?? new Set()).add(ref));
  }

  delete(ref: RefName): void {
    this.#names.delete(ref);
    for (const parent of parentsOf(ref)) this.#parents.get(parent)?.delete(ref);
  }
}

/** `refs/heads/a` and above, of `refs/heads/a/b`. */
function parentsOf(ref: string): string[] {
  const components = ref.split("/");
  return components.slice(3).map((_, index) => components.slice(0, index + 3).join("/"));
}
