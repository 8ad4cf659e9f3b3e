import { createHash } from "node:crypto";
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** What came of one request, down to the last byte that crossed the connection. */
export interface Download {
  /** 0 where the connection ended before the headers. */
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly receivedBytes: number;
  readonly sha256: string;
  /** The connection ended before the answer did. */
  readonly cut: boolean;
  /** The beginning of the body, at most 64 KiB. */
  readonly text: string;
}

export interface DownloadOptions {
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  /** Reads no faster than this. */
  readonly bytesPerSecond?: number;
  /** Closes the connection once this many bytes of the body are here. */
  readonly leaveAfterBytes?: number;
  /** Hears of each piece of the body. */
  readonly onBytes?: (receivedBytes: number) => void;
}

const TEXT_BYTES = 64 * 1024;

/** One request on a connection of its own. Never rejects: how it went wrong is the answer. */
export function download(url: string, options: DownloadOptions = {}): Promise<Download> {
  const agent = new Agent({ keepAlive: false });
  return new Promise((resolve) => {
    const hash = createHash("sha256");
    const beginning: Buffer[] = [];
    let receivedBytes = 0;
    const none = { status: 0, reason: "", headers: {}, receivedBytes, sha256: "", cut: true, text: "" };
    const outgoing = request(url, { agent, method: options.method ?? "GET", headers: options.headers ?? {} });
    outgoing.on("error", () => resolve(none));
    outgoing.on("response", async (response) => {
      const startedAt = performance.now();
      try {
        for await (const chunk of response) {
          hash.update(chunk);
          if (receivedBytes < TEXT_BYTES) beginning.push(chunk);
          receivedBytes += chunk.length;
          options.onBytes?.(receivedBytes);
          if (receivedBytes >= (options.leaveAfterBytes ?? Number.POSITIVE_INFINITY)) break;
          if (options.bytesPerSecond)
            await delay(Math.max(0, (receivedBytes / options.bytesPerSecond) * 1000 - (performance.now() - startedAt)));
        }
      } catch {
        // A cut connection: `complete` tells.
      }
      resolve({
        status: response.statusCode ?? 0,
        reason: response.statusMessage ?? "",
        headers: response.headers,
        receivedBytes,
        sha256: hash.digest("hex"),
        cut: !response.complete,
        text: Buffer.concat(beginning).toString("utf8").slice(0, TEXT_BYTES),
      });
      outgoing.destroy();
    });
    outgoing.end();
  });
}
