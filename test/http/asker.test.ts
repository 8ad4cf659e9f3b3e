import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { parseAddressRange } from "../../src/core/address-range.ts";
import type { Asker } from "../../src/core/decision.ts";
import { askerOf } from "../../src/http/asker.ts";

/** Who asks with these headers, as a real request shows. */
async function ask(headers: Record<string, string>, trusted: readonly string[] = []): Promise<Asker> {
  const ranges = trusted.flatMap((text) => {
    const range = parseAddressRange(text);
    return range ? [range] : [];
  });
  const { promise, resolve } = Promise.withResolvers<Asker>();
  const server = createServer((incoming, response) => {
    response.setHeader("X-Request-Id", "0123456789abcdef");
    resolve(askerOf(incoming, response, ranges));
    response.end();
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  request({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, path: "/", headers }).end();
  return promise;
}

test("anybody can send X-Forwarded-For: it is not read", async () => {
  expect(await ask({ "X-Forwarded-For": "192.0.2.1", Forwarded: "for=192.0.2.1" })).toEqual({
    kind: "client",
    requestId: "0123456789abcdef",
    method: "GET",
    address: "127.0.0.1",
  });
});

test.each([
  { name: "what the proxy added counts, not what the client made up before it", header: "198.51.100.9, 192.0.2.1", address: "192.0.2.1" },
  { name: "a trusted proxy behind it is passed over", header: "198.51.100.9, 192.0.2.1, 10.1.2.3", address: "192.0.2.1" },
  { name: "what is no address ends the search", header: "192.0.2.1, unknown", address: "127.0.0.1" },
  { name: "an address with shorthands is none", header: "0300.0.2.1", address: "127.0.0.1" },
  { name: "an IPv6 address is written in one way", header: "2001:DB8:0::1", address: "2001:db8::1" },
  { name: "a list without end is read from its end", header: `${"10.0.0.1, ".repeat(500)}10.0.0.1`, address: "10.0.0.1" },
  { name: "no header, no other address", header: "", address: "127.0.0.1" },
])("behind a trusted proxy: $name", async ({ header, address }) => {
  const asker = await ask({ "X-Forwarded-For": header }, ["127.0.0.1", "10.0.0.0/8"]);
  expect(asker).toMatchObject({ address });
  expect("proxy" in asker && asker.proxy).toBe(address === "127.0.0.1" ? false : "127.0.0.1");
});

test("what a client calls itself is bounded and printable", async () => {
  const asker = await ask({ "User-Agent": `pip\u00e9/26 \u009b2J ${"x".repeat(500)}` });
  expect(asker).toMatchObject({ userAgent: expect.stringMatching(/^pip \/26 2J x+\.\.\.$/) });
  expect("userAgent" in asker && asker.userAgent?.length).toBe(200);
});
