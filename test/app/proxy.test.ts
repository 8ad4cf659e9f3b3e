import { expect, test } from "vitest";
import { isExempt, parseProxy, proxyOfEnvironment } from "../../src/app/proxy.ts";

const HTTPS = new URL("https://registry.example/");
const PROXY = "http://proxy.example:3128";

test.each([
  { name: "this machine is never reached through a proxy", url: "http://127.0.0.1:1/", env: { HTTP_PROXY: PROXY }, proxy: undefined },
  { name: "a proxy for http is none for https", url: HTTPS, env: { HTTP_PROXY: PROXY }, proxy: undefined },
  { name: "a listed host is reached directly", url: HTTPS, env: { HTTPS_PROXY: PROXY, NO_PROXY: "a.example, .example" }, proxy: undefined },
  { name: "a folder has no proxy", url: "file:///srv/", env: { ALL_PROXY: PROXY }, proxy: undefined },
  { name: "text that is no address is no proxy", url: HTTPS, env: { HTTPS_PROXY: "socks5://proxy.example" }, proxy: undefined },
  { name: "https", url: HTTPS, env: { HTTPS_PROXY: PROXY }, proxy: "http://proxy.example:3128/" },
  {
    name: "lower case comes first",
    url: HTTPS,
    env: { https_proxy: "http://low.example:1", HTTPS_PROXY: PROXY },
    proxy: "http://low.example:1/",
  },
  {
    name: "for all schemes",
    url: "http://registry.example/",
    env: { ALL_PROXY: "proxy.example:3128" },
    proxy: "http://proxy.example:3128/",
  },
])("$name", ({ url, env, proxy }) => {
  expect(proxyOfEnvironment(new URL(url), env)?.url.href).toBe(proxy);
});

test("credentials of a proxy are kept apart from its address", () => {
  const proxy = parseProxy("http://me:p%40ss%@proxy.example:3128");
  expect(proxy?.url.href).toBe("http://proxy.example:3128/");
  expect(proxy?.username).toBe("me");
  expect(proxy?.password?.reveal()).toBe("p%40ss%");
  expect(JSON.stringify(proxy)).not.toContain("40ss");
});

test.each([
  ["example", true],
  ["*.example", true],
  ["registry.example:443", true],
  ["*", true],
  ["registry.example:8443", false],
  ["gistry.example", false],
  ["", false],
])("NO_PROXY=%s exempts: %s", (list, exempt) => {
  expect(isExempt(HTTPS, list)).toBe(exempt);
});
