import { createHash, type KeyObject } from "node:crypto";

/** Lists of keys are replaced and never changed, so each is looked at once. */
const known = new WeakMap<readonly object[], string>();

/** Differs where the keys differ, in whatever is said of them. Hexadecimal. */
export function keyFingerprint(keys: readonly ({ readonly key: KeyObject } | { readonly pem: string })[]): string {
  const found = known.get(keys);
  if (found !== undefined) return found;
  const printable = keys.map((entry) =>
    "key" in entry ? { ...entry, key: entry.key.export({ type: "spki", format: "der" }).toString("base64") } : entry,
  );
  const fingerprint = createHash("sha256").update(JSON.stringify(printable)).digest("hex");
  known.set(keys, fingerprint);
  return fingerprint;
}
