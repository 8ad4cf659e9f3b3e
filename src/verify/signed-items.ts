import type { Outcome } from "../core/evidence.ts";
import type { Finding } from "../core/finding.ts";
import type { SignedItem, SignedSource } from "../core/ports/ecosystem.ts";
import type { HeldCandidate } from "../core/ports/verifier.ts";
import type { Signer } from "../core/signer.ts";
import type { Statement } from "../core/statement.ts";

/** At least one, as a verifier answers them. */
export type Outcomes = readonly [Outcome, ...Outcome[]];

type ItemOf<Kind extends SignedItem["kind"]> = Extract<SignedItem, { readonly kind: Kind }>;

/** What is published of one kind, in the order of the places that have it. */
export function itemsOf<Kind extends SignedItem["kind"]>(kind: Kind, published: readonly SignedSource[]): readonly ItemOf<Kind>[] {
  const items = published.flatMap((source) => (source.kind === "published" ? source.items : []));
  return items.filter((item): item is ItemOf<Kind> => item.kind === kind);
}

/**
 * One outcome for each item, under its label: one that is bad hides none of the others, nor is hidden by them. One after the other, so that an
 * archive with many of them takes one turn at a time from other archives.
 */
export async function judgeEach<Item extends SignedItem>(
  items: readonly Item[],
  judge: (item: Item) => Promise<Outcome>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const item of items) outcomes.push({ ...(await judge(item)), label: item.label });
  return outcomes;
}

/** `absent` where nothing was found out, since nothing was there. */
export function orAbsent([first, ...others]: readonly Outcome[]): Outcomes {
  return first ? [first, ...others] : [{ kind: "absent" }];
}

/** What the ecosystem has against a signed document whose cryptography holds: it may be about another archive. */
export function notAbout(
  { ref, ecosystem, blob }: HeldCandidate,
  item: SignedItem,
  signed: { readonly signer: Signer; readonly statement?: Statement },
): Finding | undefined {
  return ecosystem.checkSigned(ref, item, signed, blob.digests);
}

export function invalid({ code, detail }: Finding): Outcome {
  return { kind: "invalid", code, detail };
}
