import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { AssayError } from "../core/errors.ts";
import { answerError } from "./answer-error.ts";
import type { HttpDeps } from "./deps.ts";
import { answerHot } from "./front.ts";
import { createRoutes } from "./routes.ts";

/** Clients send short headers; a slow or endless one must not hold a connection. */
const HEADERS_TIMEOUT_MS = 30_000;
/** A whole request with its body: an archive of 50 MiB that is published over half a megabit a second. A sender that falls silent is given up long before. */
const REQUEST_TIMEOUT_MS = 900_000;
/** Longer than the idle time of common reverse proxies, so that they, not we, close a kept connection first. */
const KEEP_ALIVE_MS = 75_000;
/** A client that takes no byte for this long is gone. */
const SOCKET_IDLE_MS = 300_000;
const MAX_HEADER_BYTES = 32 * 1024;

export interface HttpServer {
  /** `http://host:port` that it listens at. */
  readonly address: string;
  /** Stops taking requests, lets those under way finish for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** Throws CONFIG_INVALID where the address cannot be listened on. */
export async function startServer(deps: HttpDeps, listen: { host: string; port: number }): Promise<HttpServer> {
  const state = { closing: false };
  const routes = getRequestListener(createRoutes(deps, state).fetch, { overrideGlobalObjects: false });
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      // Node has seen to it that HTTP/1.1 sends one. HTTP/1.0 knows none, and plain health checks still speak it.
      request.headers.host ??= `127.0.0.1:${request.socket.localPort ?? 0}`;
      const failed = (error: unknown): void => answerError(request, response, error, { log: deps.log });
      const longRoad = (): void => {
        response.setHeader("X-Request-Id", requestId(request));
        logWhenDone(request, response, deps);
        routes(request, response).catch(failed);
      };
      if (!answerHot(request, response, deps, { failed, longRoad })) longRoad();
    },
  );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.setTimeout(SOCKET_IDLE_MS);
  await listening(server, listen);
  return { address: addressOf(server), close: (graceMs) => close(server, state, graceMs) };
}

function listening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const help =
        error.code === "EADDRINUSE" ? "another program has that port; choose one with --port" : "set listen.host and listen.port";
      reject(new AssayError("CONFIG_INVALID", `cannot listen on ${host} port ${port}: ${error.message}`, { help, cause: error }));
    });
    server.listen({ host, port }, resolve);
  });
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

async function close(server: Server, state: { closing: boolean }, graceMs: number): Promise<void> {
  state.closing = true;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cut);
}

/** The caller's own id where it has the form of one, so that logs along the way can be joined; else a new one. */
function requestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomBytes(8).toString("hex");
}

function logWhenDone(request: IncomingMessage, response: ServerResponse, deps: HttpDeps): void {
  const startedAt = deps.clock.now();
  response.once("close", () => {
    const { pathname } = pathOf(request);
    deps.log.info(
      {
        requestId: response.getHeader("x-request-id"),
        method: request.method,
        path: pathname,
        status: response.statusCode,
        ms: deps.clock.now() - startedAt,
        ...(response.writableFinished ? {} : { cut: true }),
      },
      "request",
    );
  });
}

/** The path without its query, which may hold a secret. */
function pathOf(request: IncomingMessage): { pathname: string } {
  const [pathname = ""] = (request.url ?? "").split("?", 1);
  return { pathname: pathname.slice(0, 500) };
}
