/** A value made from text that a person wrote, or a noun phrase that completes "expected …" and names what is allowed there. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function expected(phrase: string): { readonly ok: false; readonly expected: string } {
  return { ok: false, expected: phrase };
}
