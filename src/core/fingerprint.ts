/**
 * A full OpenPGP fingerprint as 40 (version 4) or 64 (version 6) lowercase hexadecimal characters; undefined for anything else. Spaces and a leading
 * `0x` are how people copy them. Key ids of 8 or 16 characters are refused: keys with a chosen id can be made to order.
 */
export function parseFingerprint(text: string): string | undefined {
  const hex = text.replaceAll(" ", "").replace(/^0x/i, "").toLowerCase();
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(hex) ? hex : undefined;
}
