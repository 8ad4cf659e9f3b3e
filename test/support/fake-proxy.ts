import { createServer, request as httpRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";

/** An HTTP proxy on loopback: tunnels CONNECT, forwards plain http. Whatever host is asked for, it goes to `routes[host:port]`, else nowhere (502). */
export interface FakeProxy {
  readonly url: URL;
  /** `CONNECT host:port` or `GET http://host:port/path`, with the credentials sent. */
  readonly asked: readonly { readonly line: string; readonly authorization: string | undefined }[];
  close(): Promise<void>;
}

export async function startFakeProxy(options: {
  /** Loopback port by `host:port`. */
  readonly routes: Readonly<Record<string, number>>;
  /** `Basic …` that must be sent; others get 407. */
  readonly authorization?: string;
}): Promise<FakeProxy> {
  const asked: { line: string; authorization: string | undefined }[] = [];
  const allowed = (sent: string | undefined): boolean => options.authorization === undefined || sent === options.authorization;

  const server = createServer((incoming, response) => {
    const authorization = incoming.headers["proxy-authorization"];
    asked.push({ line: `${incoming.method} ${incoming.url}`, authorization });
    const target = new URL(incoming.url ?? "");
    const port = options.routes[target.host];
    if (!allowed(authorization) || port === undefined) {
      response.writeHead(allowed(authorization) ? 502 : 407).end();
      return;
    }
    const { "proxy-authorization": _, ...headers } = incoming.headers;
    const onward = httpRequest({ host: "127.0.0.1", port, path: target.pathname + target.search, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy()).end();
  });
  server.on("connect", (incoming, socket) => {
    const authorization = incoming.headers["proxy-authorization"];
    asked.push({ line: `CONNECT ${incoming.url}`, authorization });
    const port = options.routes[incoming.url ?? ""];
    if (!allowed(authorization) || port === undefined) {
      socket.end(
        `HTTP/1.1 ${allowed(authorization) ? "502 Bad Gateway" : "407 Proxy Authentication Required"}\r\nContent-Length: 0\r\n\r\n`,
      );
      return;
    }
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy()).on("close", () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
