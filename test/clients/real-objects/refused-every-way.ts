import { expect } from "vitest";

/** The verbs by which an archive can be asked for. */
export const VERBS = [
  { verb: "get", method: "GET", headers: {} },
  { verb: "head", method: "HEAD", headers: {} },
  { verb: "range", method: "GET", headers: { Range: "bytes=0-99" } },
  { verb: "last", method: "GET", headers: { Range: "bytes=-100" } },
] as const;

type Verb = (typeof VERBS)[number];

/** A piece of an archive this long is in no other text: file names, which both may have, are shorter. */
const PIECE_BYTES = 32;

/**
 * Asks by `first`, so that this verb finds nothing known, then by every verb, so that each finds what the first request left behind. Every answer must be the same
 * refusal, and hold nothing of the archive.
 */
export async function expectRefusedEveryWay(url: string, first: Verb, expected: { code: string; archive: Buffer }): Promise<void> {
  const reasons = new Set<string | null>();
  for (const { method, headers } of [first, ...VERBS]) {
    const response = await fetch(url, { method, headers });
    const body = Buffer.from(await response.arrayBuffer());
    const about = `${method} ${JSON.stringify(headers)} ${url}: ${body.toString("latin1", 0, 300)}`;
    expect(response.status, about).toBe(403);
    expect(response.headers.get("content-type"), about).toBe("application/problem+json");
    expect(response.headers.has("etag"), about).toBe(false);
    expect(response.headers.has("content-range"), about).toBe(false);
    reasons.add(response.headers.get("x-error-message"));
    if (method === "HEAD") expect(body.length, about).toBe(0);
    else expect(JSON.parse(body.toString("utf8")), about).toMatchObject({ status: 403, code: expected.code });
    expect(holdsPieceOf(body, expected.archive), about).toBe(false);
  }
  expect([...reasons]).toHaveLength(1);
}

function holdsPieceOf(body: Buffer, archive: Buffer): boolean {
  for (let start = 0; start + PIECE_BYTES <= archive.length; start += PIECE_BYTES)
    if (body.includes(archive.subarray(start, start + PIECE_BYTES))) return true;
  return false;
}
