/**
 * The bytes that standard base64 with padding stands for; undefined for any other spelling. Lenient decoders skip line breaks and foreign
 * characters, so one signature could be written in many ways and two documents that differ would count as the same one.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}
