/** The bytes of base64 as it is written in notes and proofs; undefined for any other spelling, so that nothing can be said in two ways. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}
