import { expect, test } from "vitest";
import { defaultUpstream } from "../../src/app/config.ts";
import { upstreamOptions } from "../../src/app/upstream-options.ts";
import { Secret } from "../../src/core/secret.ts";

const URL_A = new URL("https://a.example/");

test("an upstream is known by its own name, or by its address, in whatever order they stand", () => {
  const [plain, named] = [defaultUpstream(URL_A), { ...defaultUpstream(new URL("https://b.example/")), name: "internal" }];
  const idsOf = (upstreams: readonly (typeof plain)[]) => upstreamOptions("npm", upstreams, {}).map(({ upstream }) => upstream.id);
  expect(idsOf([plain, named])).toEqual(["npm#https://a.example/", "npm#internal"]);
  expect(idsOf([named, plain])).toEqual(["npm#internal", "npm#https://a.example/"]);
});

test.each([
  { name: "none means none, whatever the environment says", proxy: "none" as const, is: undefined },
  { name: "the environment's where nothing is said", proxy: undefined, is: "http://env.example:1/" },
  {
    name: "the configured one first, with its credentials",
    proxy: { url: new URL("http://proxy.example:2"), username: "me", password: new Secret("p@ss") },
    is: "http://me:p%40ss@proxy.example:2/",
  },
])("proxy: $name", ({ proxy, is }) => {
  const upstream = { ...defaultUpstream(URL_A), ...(proxy ? { proxy } : {}) };
  expect(upstreamOptions("npm", [upstream], { HTTPS_PROXY: "http://env.example:1" })[0]?.proxy?.href).toBe(is);
});

test("credentials are handed over as they are", () => {
  const bearer = { ...defaultUpstream(URL_A), auth: { kind: "bearer" as const, token: new Secret("t") } };
  const basic = { ...defaultUpstream(URL_A), auth: { kind: "basic" as const, username: "u", password: new Secret("p") } };
  expect(upstreamOptions("npm", [bearer, basic], {}).map(({ auth }) => auth)).toEqual([
    { kind: "bearer", token: "t" },
    { kind: "basic", username: "u", password: "p" },
  ]);
});
