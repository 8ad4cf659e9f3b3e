import { expect, test } from "vitest";
import { AssayError } from "../../src/core/errors.ts";
import { checkOptions } from "../../src/upstream/check-options.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_RETRIES, DEFAULT_TIMEOUTS, type UpstreamOptions } from "../../src/upstream/options.ts";

const auth = { kind: "bearer", token: "t" } as const;

function check(url: string, rest: Partial<UpstreamOptions> = {}): string {
  try {
    checkOptions({
      upstream: { id: "test#0", url: new URL(url) },
      timeouts: DEFAULT_TIMEOUTS,
      retries: DEFAULT_RETRIES,
      concurrency: DEFAULT_CONCURRENCY,
      fileOrigins: [],
      ...rest,
    });
    return "fine";
  } catch (error) {
    return error instanceof AssayError ? error.code : String(error);
  }
}

test.each<{ name: string; url: string; rest?: Partial<UpstreamOptions> }>([
  { name: "credentials over plain http to a name", url: "http://registry.example/", rest: { auth } },
  { name: "credentials over plain http to a private address", url: "http://10.0.0.5/", rest: { auth } },
  { name: "credentials over plain http past a proxy", url: "http://127.0.0.1/", rest: { auth, proxy: new URL("http://proxy.example") } },
  { name: "credentials for a folder", url: "file:///srv/registry/", rest: { auth } },
  { name: "credentials in the url", url: "https://bob:pw@registry.example/" },
  { name: "another scheme", url: "ftp://registry.example/" },
  { name: "no final slash", url: "https://registry.example/simple" },
  { name: "a SOCKS proxy", url: "https://registry.example/", rest: { proxy: new URL("socks5://proxy.example") } },
  { name: "a file origin with a path", url: "https://registry.example/", rest: { fileOrigins: ["https://files.example/x"] } },
  { name: "a file origin that is a host", url: "https://registry.example/", rest: { fileOrigins: ["files.example"] } },
  { name: "a file origin that is a file", url: "https://registry.example/", rest: { fileOrigins: ["file:///"] } },
])("$name is CONFIG_INVALID", ({ url, rest }) => {
  expect(check(url, rest)).toBe("CONFIG_INVALID");
});

test.each<{ name: string; url: string; rest?: Partial<UpstreamOptions> }>([
  { name: "credentials over https", url: "https://registry.example/", rest: { auth } },
  { name: "credentials to this machine", url: "http://127.0.0.9:81/", rest: { auth } },
  { name: "credentials to this machine, IPv6", url: "http://[::1]/", rest: { auth } },
  { name: "credentials to localhost", url: "http://localhost:81/", rest: { auth } },
  { name: "a folder", url: "file:///srv/registry/" },
  { name: "file origins", url: "http://10.0.0.5/", rest: { fileOrigins: ["https://files.example", "http://10.0.0.6:8080/"] } },
])("$name is fine", ({ url, rest }) => {
  expect(check(url, rest)).toBe("fine");
});
