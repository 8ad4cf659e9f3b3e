import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeCertificate } from "../support/certificate.ts";
import { startFakeProxy } from "../support/fake-proxy.ts";
import { clientFor, codeOf, download, failureOf, fake, patternBytes, track } from "./harness.ts";

const DOC = { body: "{}", contentType: "application/json" };
const ours = makeCertificate(["127.0.0.1", "registry.example", "files.example"]);
const theirs = makeCertificate(["127.0.0.1"]);

describe("connections", () => {
  test("are used again", async () => {
    const upstream = await fake();
    upstream.serve("/doc", DOC);
    const { fetch } = clientFor(upstream.url("/"));
    for (let i = 0; i < 5; i++) await fetch("/doc");
    for (let i = 0; i < 5; i++) expect(await fetch("/none")).toEqual({ kind: "absent" });
    expect(upstream.connections).toBeLessThanOrEqual(2); // undici rests a connection for one turn of the event loop.
  });
});

describe("TLS", () => {
  test.each([
    { name: "by a configured authority, it is trusted", ca: ours.cert, fine: true },
    { name: "without one, it is not", ca: undefined, fine: false },
    { name: "by another authority, it is not", ca: theirs.cert, fine: false },
  ])("a certificate: $name", async ({ ca, fine }) => {
    const upstream = await fake({ tls: ours });
    upstream.serve("/doc", DOC);
    const { fetch, waits } = clientFor(upstream.url("/"), { retries: 2, ...(ca === undefined ? {} : { ca }) });
    if (fine) expect(await fetch("/doc")).toMatchObject({ kind: "document" });
    else expect(await failureOf(fetch("/doc"))).toMatchObject({ code: "UPSTREAM_UNREACHABLE", help: expect.stringContaining("ca") });
    expect(waits).toEqual([]); // Asking again would not change a certificate.
  });

  test("a certificate for another name is refused", async () => {
    const upstream = await fake({ tls: makeCertificate(["other.example"]) });
    expect(await codeOf(clientFor(upstream.url("/"), { ca: ours.cert }).fetch("/doc"))).toBe("UPSTREAM_UNREACHABLE");
  });

  test("a redirect from https to http is UPSTREAM_REDIRECT, even to a listed origin", async () => {
    const upstream = await fake({ tls: ours });
    const plain = await fake();
    upstream.fault("/here", { kind: "redirect", location: plain.url("/doc").href });
    const { fetch } = clientFor(upstream.url("/"), { ca: ours.cert, fileOrigins: [plain.origin] });
    expect(await codeOf(fetch("/here"))).toBe("UPSTREAM_REDIRECT");
    expect(plain.connections).toBe(0);
  });
});

describe("HTTP/2, where the server speaks it", () => {
  async function startHttp2(respond: "well" | "short" | "long" | "cut" | "silent") {
    const versions: string[] = [];
    const server = createSecureServer({ ...ours, allowHTTP1: true }, (request, response) => {
      versions.push(request.httpVersion);
      if (respond === "silent") return;
      const announced = respond === "well" ? 100 : respond === "long" ? 50 : 200;
      response.writeHead(200, { "content-type": "application/json", "content-length": announced });
      if (respond === "cut") response.write(Buffer.alloc(100), () => response.stream?.session?.destroy());
      else response.end(Buffer.alloc(100));
    });
    const sessions = new Set<{ destroy(): void }>();
    server.on("session", (session) => sessions.add(session));
    server.on("sessionError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    track({
      close: () =>
        new Promise<void>((resolve) => {
          for (const session of sessions) session.destroy();
          server.close(() => resolve());
        }),
    });
    return { base: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, versions, sessions };
  }

  test("documents share one connection, archives go over HTTP/1.1", async () => {
    const { base, versions, sessions } = await startHttp2("well");
    const harness = clientFor(base, { ca: ours.cert });
    await harness.fetch("/first");
    await Promise.all([1, 2, 3, 4].map((n) => harness.fetch(`/${n}`)));
    await download(harness, "/a.whl");
    expect(versions).toEqual(["2.0", "2.0", "2.0", "2.0", "2.0", "1.1"]);
    expect(sessions.size).toBe(1);
  });

  test.each([
    ["short", "UPSTREAM_TRUNCATED"],
    ["long", "UPSTREAM_TRUNCATED"], // undici hands out no byte of it, so it cannot be told from a short one.
    ["cut", "UPSTREAM_TRUNCATED"],
    ["silent", "UPSTREAM_TIMEOUT"],
  ] as const)("a body that is %s is %s there too", async (respond, code) => {
    const { base } = await startHttp2(respond);
    expect(await codeOf(clientFor(base, { ca: ours.cert }).fetch("/doc"))).toBe(code);
  });
});

describe("through a proxy", () => {
  const login = `Basic ${Buffer.from("bob:p@ss").toString("base64")}`;
  const defaults = getCACertificates("default");
  beforeEach(() => setDefaultCACertificates([...defaults, ours.cert]));
  afterEach(() => setDefaultCACertificates(defaults));

  test("https is tunnelled: the proxy sees the host and its own credentials only", async () => {
    const upstream = await fake({ tls: ours });
    upstream.serve("/doc", DOC);
    upstream.serve("/a.whl", { body: patternBytes(300_000) });
    const proxy = track(await startFakeProxy({ routes: { "registry.example:443": upstream.port }, authorization: login }));
    const url = new URL(proxy.url);
    url.username = "bob";
    url.password = "p%40ss";
    const harness = clientFor("https://registry.example/", { proxy: url, auth: { kind: "bearer", token: "s3cret" } });
    expect(await harness.fetch("/doc")).toMatchObject({ kind: "document" });
    expect(await download(harness, "/a.whl")).toEqual(patternBytes(300_000));
    expect(proxy.asked[0]).toEqual({ line: "CONNECT registry.example:443", authorization: login });
    expect(upstream.requests[0]?.headers).toMatchObject({ authorization: "Bearer s3cret" });
    expect(JSON.stringify(upstream.requests)).not.toContain(login);
  });

  test("plain http is forwarded", async () => {
    const upstream = await fake();
    upstream.serve("/doc", DOC);
    const proxy = track(await startFakeProxy({ routes: { "registry.example": upstream.port } }));
    const { fetch } = clientFor("http://registry.example/", { proxy: proxy.url });
    expect(await fetch("/doc?x=1")).toMatchObject({ kind: "document" });
    expect(proxy.asked[0]?.line).toBe("GET http://registry.example/doc?x=1");
    expect(upstream.requests[0]?.headers["host"]).toBe("registry.example");
  });

  test.each(["http://registry.example/", "https://registry.example/"])("one that wants a login is UPSTREAM_AUTH: %s", async (base) => {
    const proxy = track(await startFakeProxy({ routes: {}, authorization: login }));
    expect(await failureOf(clientFor(base, { proxy: proxy.url }).fetch("/doc"))).toMatchObject({
      code: "UPSTREAM_AUTH",
      message: expect.stringContaining("proxy"),
    });
  });

  test("one that cannot reach the upstream, or cannot be reached, is UPSTREAM_UNREACHABLE", async () => {
    const proxy = await startFakeProxy({ routes: {} });
    const { fetch } = clientFor("https://registry.example/", { proxy: proxy.url });
    expect(await codeOf(fetch("/doc"))).toBe("UPSTREAM_UNREACHABLE");
    await proxy.close();
    expect(await codeOf(clientFor("https://registry.example/", { proxy: proxy.url }).fetch("/doc"))).toBe("UPSTREAM_UNREACHABLE");
  });

  test("a public upstream may name a public origin, which is asked without credentials and without the upstream's authority", async () => {
    const upstream = await fake({ tls: ours });
    const files = await fake({ tls: ours });
    upstream.fault("/here", { kind: "redirect", location: "https://files.example/x?signature=1" });
    files.serve("/x", { body: "bytes" });
    const proxy = track(await startFakeProxy({ routes: { "registry.example:443": upstream.port, "files.example:443": files.port } }));
    const options = { proxy: proxy.url, auth: { kind: "bearer", token: "s3cret" } } as const;
    expect(await download(clientFor("https://registry.example/", options), "/here")).toEqual(Buffer.from("bytes"));
    expect(upstream.requests[0]?.headers["authorization"]).toBe("Bearer s3cret");
    expect(JSON.stringify(files.requests)).not.toContain("s3cret");

    setDefaultCACertificates(defaults);
    expect(await codeOf(download(clientFor("https://registry.example/", { ...options, ca: ours.cert }), "/here"))).toBe(
      "UPSTREAM_UNREACHABLE",
    );
    expect(files.requests).toHaveLength(1);
  });

  test.each([
    ["https://registry.example/", "https://10.0.0.5/x"],
    ["https://registry.example/", "https://[::ffff:127.0.0.1]/x"],
    ["https://localhost/", "https://files.example/x"],
    ["https://10.0.0.9/", "https://files.example/x"],
  ])("what can be judged without resolving names still is: %s may not name %s", async (base, url) => {
    const proxy = track(await startFakeProxy({ routes: {} }));
    expect(await codeOf(clientFor(base, { proxy: proxy.url }).open(url))).toBe("UPSTREAM_ADDRESS");
    expect(proxy.asked).toEqual([]);
  });
});
