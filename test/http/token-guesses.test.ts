import { expect, test } from "vitest";
import { newTokenSecret, tokenSha256 } from "../../src/core/access-token.ts";
import type { Digest } from "../../src/core/digest.ts";
import type { AssayError } from "../../src/core/errors.ts";
import { TokenGuesses } from "../../src/http/token-guesses.ts";
import { recordingLog } from "../store/recording-log.ts";
import { buildAam } from "../support/archives.ts";
import { startHosted } from "../support/hosted-bench.ts";

const unknown = (): Digest => tokenSha256(newTokenSecret()) as Digest;

function guesses() {
  let now = 0;
  const { log, lines } = recordingLog();
  const counted = new TokenGuesses({ clock: { now: () => now }, log });
  const isOpen = (address: string): boolean => {
    try {
      counted.check(address);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: "RATE_LIMITED" } satisfies Partial<AssayError>);
      return false;
    }
  };
  const guess = (address: string, times: number): void => {
    for (let time = 0; time < times; time++) counted.add(address, unknown());
  };
  const advance = (ms: number): void => {
    now += ms;
  };
  return { counted, lines, isOpen, guess, advance };
}

test.each([
  ["one address", "192.0.2.1", "192.0.2.1", "192.0.2.2"],
  ["an IPv4 address in either spelling", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"],
  ["all that an IPv6 customer has", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"],
  ["a socket without an address", "unknown", "unknown", "192.0.2.1"],
])("twenty unknown tokens from %s are enough for a minute, and for nobody else", (_, from, same, other) => {
  const { isOpen, guess, advance, lines } = guesses();
  guess(from, 19);
  expect(isOpen(same)).toBe(true);
  guess(from, 1);
  expect([isOpen(same), isOpen(other)]).toEqual([false, true]);
  expect(lines).toHaveLength(1);
  advance(59_999);
  expect(isOpen(same)).toBe(false);
  advance(1);
  expect(isOpen(same)).toBe(true);
});

test("one wrong token again and again shuts nobody out", () => {
  const { counted, isOpen } = guesses();
  const token = unknown();
  for (let time = 0; time < 1000; time++) counted.add("192.0.2.1", token);
  expect(isOpen("192.0.2.1")).toBe(true);
});

test("more networks than are remembered are not held for ever", () => {
  const { isOpen, guess } = guesses();
  guess("192.0.2.1", 20);
  for (let number = 0; number < 4096; number++) guess(`10.0.${number >> 8}.${number & 255}`, 1);
  expect(isOpen("192.0.2.1")).toBe(true);
});

test("who guesses is told to wait in the words of either dialect, also with a right token; readers are not", async () => {
  const bench = await startHosted();
  const archive = buildAam({ name: "tool", version: "1.0.0" }).bytes;
  expect((await bench.publish(archive)).status).toBe(201);
  for (let time = 0; time < 20; time++)
    expect((await bench.send("GET", "/skills/approvals", { token: newTokenSecret() })).status).toBe(401);
  const next = buildAam({ name: "tool", version: "1.1.0" }).bytes;
  for (const [path, body] of [
    ["/skills/packages", { error: { code: "RATE_LIMITED", reason: "RATE_LIMITED" } }],
    ["/skills/api/v1/packages", { error: "rate_limited" }],
  ] as const) {
    const response = await bench.publish(next, { path });
    expect([response.status, await response.json()]).toMatchObject([429, body]);
    expect(Number(response.headers.get("retry-after"))).toBe(60);
  }
  expect((await bench.mirror.get("/skills/packages/tool/1.0.0/tarball")).status).toBe(200);
  bench.mirror.advance(60_000);
  expect((await bench.publish(next)).status).toBe(201);
});

test("tokens that were good once, or that are for something else, are no guesses", async () => {
  const bench = await startHosted();
  const changes = [{ revokedAt: 1 }, { expiresAt: 1 }, { repositories: ["other"] }];
  for (let time = 0; time < 25; time++) {
    const token = await bench.token(changes[time % changes.length]);
    expect([401, 403]).toContain((await bench.send("GET", "/skills/approvals", { token })).status);
  }
  expect((await bench.publish(buildAam({ name: "tool", version: "1.0.0" }).bytes)).status).toBe(201);
});
