import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { ambientToken } from "../../../src/verify/signing/ambient-token.ts";

beforeEach(() => {
  // This may itself be a job of such a service.
  for (const name of ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "BUILDKITE", "SIGSTORE_ID_TOKEN"])
    vi.stubEnv(name, "");
  return () => vi.unstubAllEnvs();
});

test("outside a CI service there is no token", async () => {
  expect(await ambientToken("sigstore")).toBeUndefined();
});

test("a job of GitHub Actions asks for a token with the audience, and shows that it is that job", async () => {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    asked.push([request.url, request.headers.authorization]);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ value: "a.b.c" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  vi.stubEnv("ACTIONS_ID_TOKEN_REQUEST_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}/token?v=2`);
  vi.stubEnv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job");
  expect(await ambientToken("our-instance")).toBe("a.b.c");
  expect(asked).toEqual([["/token?v=2&audience=our-instance", "Bearer job"]]);
});
