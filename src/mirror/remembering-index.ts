import type { Index } from "../core/ports/index-store.ts";

export type JudgingIndex = Pick<Index, "admission" | "admitted" | "firstSeenAt">;

/** For archives of one package that are looked at one after the other, each by all that were admitted of it: those are read once. */
export function rememberingIndex(index: JudgingIndex): JudgingIndex {
  let last: { readonly key: string; readonly admitted: ReturnType<Index["admitted"]> } | undefined;
  return {
    admission: (ref, options) => index.admission(ref, options),
    firstSeenAt: (repository, name) => index.firstSeenAt(repository, name),
    admitted: (repository, name) => {
      const key = `${repository}\0${name}`;
      if (last?.key !== key) last = { key, admitted: index.admitted(repository, name) };
      return last.admitted;
    },
  };
}
