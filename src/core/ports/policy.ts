import type { Evidence } from "../evidence.ts";
import type { Verdict } from "../verdict.ts";
import type { Repository } from "./ecosystem.ts";

/** What the operator allows. Pure: the same evidence under the same policy is the same verdict, so it can be asked again at any time. */
export interface Policy {
  decide(repository: Pick<Repository, "name">, evidence: readonly Evidence[]): Verdict;
}
