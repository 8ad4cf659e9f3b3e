import { HEADS, type ObjectId, type RefName, TAGS } from "../../core/git.ts";
import type { GitRefRecord, GitRefs } from "../../core/ports/git.ts";
import { ServedNames } from "./judge-refs.ts";

/** A ref that is served as one commit, whatever upstream says. */
export interface GitPin {
  /** As in the configuration: `HOST/OWNER/NAME`. */
  readonly repository: string;
  /** A full name, or a short one, which stands for the branch and, where there is one, the tag of that name. */
  readonly ref: string;
  readonly commit: ObjectId;
}

/** What is served: what was judged, with pinned refs put in their place. A name in the way of a pinned one gives way. */
export function pinnedRefs(
  record: { readonly head: RefName | undefined; readonly refs: readonly GitRefRecord[] },
  pins: readonly GitPin[],
): GitRefs {
  const refs = new Map<RefName, ObjectId>();
  for (const { ref, object } of record.refs) if (object !== null) refs.set(ref, object);
  for (const { ref, commit } of pins) {
    for (const name of namesOf(ref, refs)) {
      for (const other of new ServedNames(refs.keys()).inTheWayOf(name)) refs.delete(other);
      refs.set(name, commit);
    }
  }
  const { head } = record;
  return { head: head !== undefined && refs.has(head) ? head : undefined, refs };
}

function namesOf(ref: string, refs: ReadonlyMap<RefName, ObjectId>): readonly RefName[] {
  if (ref.startsWith("refs/")) return [ref as RefName];
  const tag = `${TAGS}${ref}` as RefName;
  return [`${HEADS}${ref}` as RefName, ...(refs.has(tag) ? [tag] : [])];
}
