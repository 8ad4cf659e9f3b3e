import type { VerifierId } from "../core/evidence.ts";
import type { Admission } from "../core/verdict.ts";

/** Whether every verifier had its say: an older Assay had fewer of them. Evidence about other bytes is none. */
export function isWhole({ evidence, digest }: Pick<Admission, "evidence" | "digest">, verifiers: readonly VerifierId[]): boolean {
  return verifiers.every((id) => evidence.some(({ verifier, subject }) => verifier === id && subject === digest));
}
