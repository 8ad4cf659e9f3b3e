import { createHash, timingSafeEqual } from "node:crypto";

/** What `/metrics` answers with. */
export interface Metrics {
  /** Whoever asks must show this as a bearer token; undefined where everybody may ask. */
  readonly token: string | undefined;
  /** The Prometheus text format, and its media type. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export async function answerMetrics(metrics: Metrics, authorization: string | undefined): Promise<Response> {
  if (metrics.token !== undefined && !sameSecret(authorization ?? "", `Bearer ${metrics.token}`)) {
    return new Response("metrics need the bearer token of this mirror's configuration\n", {
      status: 401,
      headers: { "WWW-Authenticate": "Bearer", "Cache-Control": "no-store" },
    });
  }
  const { contentType, text } = await metrics.render();
  return new Response(text, { headers: { "Content-Type": contentType, "Cache-Control": "no-store" } });
}

/** Takes the same time wherever the two differ, and however long they are. */
function sameSecret(given: string, expected: string): boolean {
  const [left, right] = [given, expected].map((text) => createHash("sha256").update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}
