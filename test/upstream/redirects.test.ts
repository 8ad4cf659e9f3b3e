import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { HostAddress } from "../../src/upstream/resolve-host.ts";
import { addressOf, clientFor, codeOf, fake } from "./harness.ts";

const DOC = { body: "{}", contentType: "application/json" };
const PUBLIC: readonly HostAddress[] = [{ address: "203.0.113.7", family: 4 }];
const LOOPBACK: readonly HostAddress[] = [{ address: "127.0.0.1", family: 4 }];

describe("from a private upstream", () => {
  test("a redirect on its own origin is followed, and the answer says where it came from", async () => {
    const upstream = await fake();
    upstream.serve("/there", DOC);
    upstream.fault("/here", { kind: "redirect", location: "../there?x=1#part" });
    const answer = await clientFor(upstream.url("/")).fetch("/here");
    expect(addressOf(answer)).toBe(upstream.url("/there?x=1").href);
  });

  test.each<{ name: string; redirectTo: (port: number) => string; code: ErrorCode }>([
    { name: "another port", redirectTo: (port) => `http://127.0.0.1:${port}/x`, code: "UPSTREAM_ADDRESS" },
    { name: "another loopback address", redirectTo: () => "http://127.0.0.2/x", code: "UPSTREAM_ADDRESS" },
    { name: "its own address by another name", redirectTo: (port) => `http://localhost:${port}/x`, code: "UPSTREAM_ADDRESS" },
    { name: "https on a private address", redirectTo: (port) => `https://127.0.0.1:${port}/x`, code: "UPSTREAM_ADDRESS" },
    { name: "a public origin, which a private upstream may not name", redirectTo: () => "https://203.0.113.9/x", code: "UPSTREAM_ADDRESS" },
    { name: "a file", redirectTo: () => "file:///etc/passwd", code: "UPSTREAM_ADDRESS" },
    { name: "data", redirectTo: () => "data:application/json,{}", code: "UPSTREAM_ADDRESS" },
    { name: "another scheme", redirectTo: () => "gopher://127.0.0.1:70/x", code: "UPSTREAM_ADDRESS" },
    { name: "no URL", redirectTo: () => "http://[::1", code: "UPSTREAM_REDIRECT" },
    { name: "itself, for ever", redirectTo: () => "/here", code: "UPSTREAM_REDIRECT" },
  ])("a redirect to $name is $code, and nobody is asked", async ({ redirectTo, code }) => {
    const upstream = await fake();
    const victim = await fake();
    victim.serve("/x", DOC);
    upstream.fault("/here", { kind: "redirect", location: redirectTo(victim.port) });
    expect(await codeOf(clientFor(upstream.url("/")).fetch("/here"))).toBe(code);
    expect(await codeOf(clientFor(upstream.url("/")).open("/here"))).toBe(code);
    expect(victim.connections).toBe(0);
  });

  test("a redirect without Location is UPSTREAM_REDIRECT", async () => {
    const upstream = await fake();
    upstream.fault("/here", { kind: "status", status: 301 });
    expect(await codeOf(clientFor(upstream.url("/")).fetch("/here"))).toBe("UPSTREAM_REDIRECT");
  });

  test("the last allowed redirect is followed, one more is UPSTREAM_REDIRECT", async () => {
    const upstream = await fake();
    for (const n of [1, 2, 3]) upstream.fault(`/${n}`, { kind: "redirect", location: `/${n + 1}` });
    upstream.serve("/4", DOC);
    const { fetch } = clientFor(upstream.url("/"), { limits: { redirects: 2 } });
    expect(await fetch("/2")).toMatchObject({ kind: "document" });
    expect(await codeOf(fetch("/1"))).toBe("UPSTREAM_REDIRECT");
  });

  test("file URLs and redirects may name a listed origin, private as it is", async () => {
    const upstream = await fake();
    const files = await fake({ host: "127.0.0.2" });
    files.serve("/x", DOC);
    upstream.fault("/here", { kind: "redirect", location: `${files.origin}/x` });
    const { fetch, open } = clientFor(upstream.url("/"), { fileOrigins: [files.origin] });
    expect(addressOf(await fetch("/here"))).toBe(files.url("/x").href);
    await (await open(files.url("/x"))).bytes[Symbol.asyncIterator]().return?.();
    expect(files.requests).toHaveLength(2);
  });

  test.each([
    { name: "to another origin", status: 307, onOwnOrigin: false },
    { name: "that would turn it into a GET", status: 302, onOwnOrigin: true },
  ])("a POST is not redirected $name", async ({ status, onOwnOrigin }) => {
    const upstream = await fake();
    const files = await fake();
    upstream.fault("/audit", { kind: "redirect", location: onOwnOrigin ? "/x" : `${files.origin}/x`, status });
    const { fetch } = clientFor(upstream.url("/"), { fileOrigins: [files.origin] });
    expect(await codeOf(fetch("/audit", { method: "POST", requestBody: Buffer.from("secret"), contentType: "text/plain" }))).toBe(
      "UPSTREAM_REDIRECT",
    );
    expect(files.connections).toBe(0);
    expect(upstream.requests).toHaveLength(1);
  });
});

describe("from a public upstream", () => {
  /** A client of a public upstream whose other host names resolve as `hosts` says. Counts resolutions by name. */
  function publicClient(hosts: Readonly<Record<string, readonly HostAddress[]>>) {
    const resolved: string[] = [];
    const resolve = async (hostname: string): Promise<readonly HostAddress[]> => {
      resolved.push(hostname);
      return hosts[hostname] ?? PUBLIC;
    };
    return { ...clientFor("https://registry.example/", { seams: { resolve } }), resolved };
  }

  test.each([
    ["loopback", "https://127.0.0.1/x"],
    ["loopback as one number", "https://2130706433/x"],
    ["loopback, short and in hexadecimal", "https://0x7f.1/x"],
    ["loopback in octal", "https://0177.0.0.1/x"],
    ["loopback mapped into IPv6", "https://[::ffff:127.0.0.1]/x"],
    ["loopback, IPv6", "https://[::1]/x"],
    ["unspecified", "https://0/x"],
    ["cloud metadata", "https://169.254.169.254/latest/meta-data"],
    ["cloud metadata by NAT64", "https://[64:ff9b::169.254.169.254]/"],
    ["a private address", "https://10.0.0.5/x"],
    ["full-width digits", "https://１２７.０.０.１/x"],
    ["plain http on a public address", "http://203.0.113.9/x"],
    ["a name that resolves to a private address", "https://inside.example/x"],
    ["localhost", "https://localhost/x"],
  ])("a file URL at %s is UPSTREAM_ADDRESS: %s", async (_, url) => {
    const { open, fetch } = publicClient({ "inside.example": [{ address: "10.0.0.5", family: 4 }], localhost: LOOPBACK });
    expect(await codeOf(open(url))).toBe("UPSTREAM_ADDRESS");
    expect(await codeOf(fetch(url))).toBe("UPSTREAM_ADDRESS");
  });

  test.each([
    ["a private address", "https://127.0.0.1/x", "UPSTREAM_ADDRESS"],
    ["a name of a private address", "https://inside.example/x", "UPSTREAM_ADDRESS"],
    ["plain http elsewhere", "http://files.example/x", "UPSTREAM_ADDRESS"],
  ] as const)("a redirect to %s is refused at that hop", async (_, location, code) => {
    const upstream = await fake();
    upstream.fault("/here", { kind: "redirect", location });
    // The upstream's own name leads to our server for the connection, and is public when it is judged.
    const answers = [LOOPBACK];
    const resolve = async (hostname: string) => (hostname === "inside.example" ? LOOPBACK : (answers.shift() ?? PUBLIC));
    const { fetch } = clientFor(`http://registry.example:${upstream.port}/`, { seams: { resolve } });
    expect(await codeOf(fetch("/here"))).toBe(code);
    expect(upstream.requests).toHaveLength(1);
  });

  test("a name is resolved once for a connection: an answer that changes afterwards (rebinding) changes nothing", async () => {
    const { open, resolved } = publicClient({ "rebinding.example": LOOPBACK });
    expect(await codeOf(open("https://rebinding.example/x"))).toBe("UPSTREAM_ADDRESS");
    expect(resolved.filter((name) => name === "rebinding.example")).toHaveLength(1);
  });

  test("an upstream with one private address among its own counts as private", async () => {
    const resolve = async () => [...PUBLIC, ...LOOPBACK];
    const { open } = clientFor("https://registry.example/", { seams: { resolve } });
    expect(await codeOf(open("https://203.0.113.9/x"))).toBe("UPSTREAM_ADDRESS");
  });

  test("an upstream whose name cannot be resolved is unreachable, not public", async () => {
    const resolve = async () => {
      throw Object.assign(new Error("getaddrinfo EAI_AGAIN"), { code: "EAI_AGAIN" });
    };
    const { open } = clientFor("https://registry.example/", { seams: { resolve } });
    expect(await codeOf(open("https://203.0.113.9/x"))).toBe("UPSTREAM_UNREACHABLE");
  });

  test("a resolver that does not answer is UPSTREAM_TIMEOUT", async () => {
    const { open } = clientFor("https://registry.example/", { seams: { resolve: () => new Promise(() => {}) } });
    expect(await codeOf(open("https://203.0.113.9/x"))).toBe("UPSTREAM_TIMEOUT");
  });
});
