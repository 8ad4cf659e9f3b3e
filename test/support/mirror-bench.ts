import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Assay, compose } from "../../src/app/compose.ts";
import { loadConfig, type TrustConfig } from "../../src/app/config.ts";
import type { Log, LogFields } from "../../src/core/ports/log.ts";
import { type HttpServer, startServer } from "../../src/http/server.ts";

/** A whole Assay in this process: real store, real upstream client, real server. Its clock moves only as a test says. */
export interface MirrorBench {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly assay: Assay;
  /** Everything logged so far, oldest first. */
  readonly logged: readonly LoggedLine[];
  /** Moves the clock forward. */
  advance(ms: number): void;
  /** `fetch` of a path on the mirror, redirects as they are. */
  get(path: string, init?: RequestInit): Promise<Response>;
  /** Sends bytes as they are and reads until the mirror closes, or `quietMs` after it has said something. */
  raw(bytes: string | Buffer, quietMs?: number): Promise<string>;
  close(): Promise<void>;
}

export interface LoggedLine extends LogFields {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}

export async function startMirror(options: {
  readonly config: string;
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Stands in for the public Sigstore instance, whose name no configuration can give to another: its `trusted_root.json`. */
  readonly publicRoot?: string;
}): Promise<MirrorBench> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "assay-mirror-"));
  const file = join(dataDir, "test-config.yaml");
  writeFileSync(file, options.config);
  // The public mirror is not on loopback.
  const env = { ASSAY_TRUST: "{public: {tuf: off}}", ...options.env };
  const loaded = loadConfig({ env, flags: { config: file, data: dataDir, host: "127.0.0.1", port: 0 } });
  const { publicRoot } = options;
  const config = publicRoot === undefined ? loaded : { ...loaded, trust: { ...loaded.trust, public: standIn(dataDir, publicRoot) } };
  const logged: LoggedLine[] = [];
  let skippedMs = 0;
  const clock = { now: () => Date.now() + skippedMs };
  const assay = await compose(config, { clock, log: keepingLog(logged), env: {} });
  const server: HttpServer = await startServer(assay.http, config.listen);
  const port = Number(new URL(server.address).port);
  return {
    url: server.address,
    port,
    dataDir,
    assay,
    logged,
    advance: (ms) => {
      skippedMs += ms;
    },
    get: (path, init = {}) => fetch(`${server.address}${path}`, { redirect: "manual", ...init }),
    raw: (bytes, quietMs = 1_000) => exchange(port, bytes, quietMs),
    close: async () => {
      await server.close(100);
      await assay.close();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function standIn(dataDir: string, trustedRoot: string): TrustConfig {
  const sigstorePath = join(dataDir, "public-root.json");
  writeFileSync(sigstorePath, trustedRoot);
  return { sigstorePath, tuf: "off" };
}

function keepingLog(lines: LoggedLine[]): Log {
  const at =
    (level: LoggedLine["level"]) =>
    (fields: LogFields, message: string): void =>
      void lines.push({ ...fields, level, message });
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  return log;
}

function exchange(port: number, bytes: string | Buffer, quietMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    let quiet: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(quiet);
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(20_000, finish);
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      clearTimeout(quiet);
      quiet = setTimeout(finish, quietMs);
    });
    socket.on("error", finish);
    socket.on("close", finish);
    socket.write(bytes);
  });
}
