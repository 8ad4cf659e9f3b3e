import type { JsonObject } from "../../core/json.ts";
import type { Policy } from "../../core/policy.ts";
import type { Signer } from "../../core/signer.ts";
import { loadFragment } from "../suggest/fragment.ts";
import { signerEntry } from "../suggest/signer-entry.ts";

/** The signers of a policy, and those that are to be added to it. Whoever the policy names already keeps that name. */
export class SignerBook {
  readonly #now: number;
  readonly #entries = new Map<string, JsonObject>();
  /** By the signer as JSON: many archives have the same. */
  readonly #names = new Map<string, string | undefined>();
  #policy: Policy;

  constructor(policy: Policy, now: number) {
    this.#policy = policy;
    this.#now = now;
  }

  /** The policy with the signers of the book in it. */
  get policy(): Policy {
    return this.#policy;
  }

  /** The entries that were made, by name. */
  get entries(): ReadonlyMap<string, JsonObject> {
    return this.#entries;
  }

  /** What the policy calls this signer from now on; undefined for one whom its language cannot mean without meaning others too. */
  nameOf(signer: Signer): string | undefined {
    const key = JSON.stringify(signer);
    if (!this.#names.has(key)) this.#names.set(key, this.#enter(signer));
    return this.#names.get(key);
  }

  #enter(signer: Signer): string | undefined {
    const entry = signerEntry(signer, this.#policy, this.#now);
    if (!entry?.written) return entry?.name;
    const { name, written } = entry;
    const added = loadFragment({ signers: { [name]: written } }, this.#policy, this.#now);
    if (!added) return undefined;
    this.#policy = { ...this.#policy, signers: new Map([...this.#policy.signers, ...added.signers]) };
    this.#entries.set(name, written);
    return name;
  }
}
