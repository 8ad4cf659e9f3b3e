import { describe, expect, test } from "vitest";
import { AssayError } from "../../src/core/errors.ts";
import type { DocumentRequest } from "../../src/core/ports/documents.ts";
import { codeOf } from "../contract/code-of.ts";
import type { FakeUpstream, Fault } from "../support/fake-upstream.ts";
import { dataFolder, fakeUpstream, openParts, type Parts, SETTINGS } from "./parts.ts";

const PATH = "/npm/thing";
const JSON_TYPE = "application/json";

/** One request for each upstream of the repository, as ecosystems make them. */
function requests({ repository }: Parts): DocumentRequest[] {
  return repository.upstreams.map((upstream) => ({
    repository: "npm",
    key: "thing",
    upstream,
    url: new URL("thing", upstream.url),
    accept: JSON_TYPE,
    maxBytes: 10_000,
    read({ contentType, body }) {
      if (contentType !== JSON_TYPE) throw new AssayError("UPSTREAM_CONTENT_TYPE", "expected JSON");
      if (!body.toString().startsWith("thing")) throw new AssayError("UPSTREAM_MALFORMED", "expected a thing");
      return undefined;
    },
  }));
}

function serve(upstream: FakeUpstream, body: string, etag?: string): void {
  upstream.serve(PATH, { body, contentType: JSON_TYPE, ...(etag ? { etag } : {}) });
}

async function get(parts: Parts): Promise<string | undefined> {
  return (await parts.documents.get(requests(parts)))?.body.toString();
}

describe("one upstream", () => {
  test("any number of concurrent calls are one request, and a fresh document needs none", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream] });
    serve(upstream, "thing 1");
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => get(parts))))).toEqual(new Set(["thing 1"]));
    await get(parts);
    expect(upstream.requests).toHaveLength(1);
  });

  test("a stale document is revalidated by its validator, and counts as fresh again", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream] });
    serve(upstream, "thing 1", '"one"');
    await get(parts);
    parts.advance(SETTINGS.metadataTtlMs);
    expect(await get(parts)).toBe("thing 1");
    await get(parts);
    expect(upstream.requests.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"one"']);
    serve(upstream, "thing 2", '"two"');
    parts.advance(SETTINGS.metadataTtlMs);
    expect(await get(parts)).toBe("thing 2");
  });

  test("what a verdict rests on is answered as it is held, whatever upstream says by now", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream] });
    const settled = async (): Promise<string | undefined> =>
      (await parts.documents.get(requests(parts).map((request) => ({ ...request, settled: true }))))?.body.toString();
    serve(upstream, "thing 1");
    expect(await settled()).toBe("thing 1");
    serve(upstream, "thing 2");
    parts.advance(10 * SETTINGS.staleIfErrorMs);
    expect(await settled()).toBe("thing 1");
    expect(upstream.requests).toHaveLength(1);
    expect(await get(parts)).toBe("thing 2");
  });

  test.each([
    { name: "says something else", etag: undefined, second: "thing 2" },
    { name: "confirms it", etag: '"one"', second: "thing 1" },
  ])(
    "what was fetched under a clock that was ahead is asked for again once the clock is right, and upstream $name",
    async ({ etag, second }) => {
      const upstream = await fakeUpstream();
      const parts = await openParts({ upstreams: [upstream] });
      serve(upstream, "thing 1", etag);
      parts.advance(365 * 86_400_000);
      await get(parts);
      parts.advance(-365 * 86_400_000);
      if (second !== "thing 1") serve(upstream, second);
      expect([await get(parts), await get(parts)]).toEqual([second, second]);
      expect(upstream.requests).toHaveLength(2);
      parts.advance(SETTINGS.metadataTtlMs);
      expect(await get(parts)).toBe(second);
      expect(upstream.requests).toHaveLength(3);
    },
  );

  const failures: readonly { name: string; fault: Fault; code: string }[] = [
    { name: "500", fault: { kind: "status", status: 500 }, code: "UPSTREAM_STATUS" },
    { name: "401", fault: { kind: "status", status: 401 }, code: "UPSTREAM_AUTH" },
    { name: "a cut connection", fault: { kind: "disconnect" }, code: "UPSTREAM_UNREACHABLE" },
    { name: "half a document", fault: { kind: "truncate", afterBytes: 2 }, code: "UPSTREAM_TRUNCATED" },
    { name: "a login page", fault: { kind: "html" }, code: "UPSTREAM_CONTENT_TYPE" },
    { name: "a document of something else", fault: { kind: "wrong-bytes" }, code: "UPSTREAM_MALFORMED" },
    { name: "a bomb", fault: { kind: "gzip-bomb", unpackedBytes: 50_000 }, code: "UPSTREAM_LIMIT" },
    { name: "a redirect elsewhere", fault: { kind: "redirect", location: "http://127.0.0.2:9/" }, code: "UPSTREAM_ADDRESS" },
  ];
  test.each(failures)(
    "$name: what is held is served marked stale, up to its age; without it the error is told",
    async ({ fault, code }) => {
      const upstream = await fakeUpstream();
      const parts = await openParts({ upstreams: [upstream] });
      // A flipped byte in the middle must fall into the word that `read` looks at.
      serve(upstream, "thing");
      upstream.fault(PATH, fault);
      expect(await codeOf(get(parts))).toBe(code);
      upstream.heal();
      await get(parts);

      upstream.fault(PATH, fault);
      parts.advance(SETTINGS.metadataTtlMs);
      const held = await parts.documents.get(requests(parts));
      expect(held).toMatchObject({ stale: expect.any(String) });
      expect(held?.body.toString()).toBe("thing");
      // Clients that come right after do not wait for the same failure.
      const asked = upstream.requests.length;
      await get(parts);
      expect(upstream.requests).toHaveLength(asked);

      parts.advance(SETTINGS.staleIfErrorMs);
      expect(await codeOf(get(parts))).toBe(code);
      upstream.heal();
      expect(await get(parts)).toBe("thing");
    },
  );

  test("a slow upstream is not waited for where something is held, and its answer serves the next", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream] });
    serve(upstream, "thing 1");
    await get(parts);
    serve(upstream, "thing 2");
    upstream.fault(PATH, { kind: "stall", at: "headers", times: 1 });
    parts.advance(SETTINGS.metadataTtlMs);
    const startedAt = Date.now();
    const held = await parts.documents.get(requests(parts));
    expect(held).toMatchObject({ stale: expect.stringContaining("5 s") });
    expect(Date.now() - startedAt).toBeLessThan(7_000);
  });

  test("an absent document is not asked for again for a while, and then found", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream] });
    expect(await get(parts)).toBeUndefined();
    serve(upstream, "thing 1");
    expect(await get(parts)).toBeUndefined();
    expect(upstream.requests).toHaveLength(1);
    parts.advance(SETTINGS.negativeTtlMs);
    expect(await get(parts)).toBe("thing 1");
  });

  test("a document that upstream took away is gone, not stale", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream] });
    serve(upstream, "thing 1");
    await get(parts);
    upstream.remove(PATH);
    parts.advance(SETTINGS.metadataTtlMs);
    expect(await get(parts)).toBeUndefined();
  });

  test("evidence that upstream took away is served, marked stale, whatever its age, after a restart too", async () => {
    const upstream = await fakeUpstream();
    const dataDir = dataFolder();
    const evidence = (parts: Parts) => parts.documents.get(requests(parts).map((request) => ({ ...request, keepWhenAbsent: true })));
    const parts = await openParts({ upstreams: [upstream], dataDir });
    expect(await evidence(parts)).toBeUndefined();
    serve(upstream, "thing 1");
    parts.advance(SETTINGS.negativeTtlMs);
    expect(await evidence(parts)).not.toHaveProperty("stale");

    upstream.remove(PATH);
    parts.advance(10 * SETTINGS.staleIfErrorMs);
    for (const restarted of [parts, await openParts({ upstreams: [upstream], dataDir })]) {
      restarted.advance(10 * SETTINGS.staleIfErrorMs);
      const held = await evidence(restarted);
      expect(held).toMatchObject({ stale: "upstream has it no more" });
      expect(held?.body.toString()).toBe("thing 1");
      // The name is still this upstream's, and a document of another kind is still gone.
      expect(await get(restarted)).toBeUndefined();
    }
  });

  test("evidence is served, marked stale, however long upstream has failed", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream] });
    serve(upstream, "thing 1");
    await get(parts);
    upstream.fault(PATH, { kind: "status", status: 500 });
    parts.advance(10 * SETTINGS.staleIfErrorMs);
    expect(await codeOf(get(parts))).toBe("UPSTREAM_STATUS");
    const held = await parts.documents.get(requests(parts).map((request) => ({ ...request, keepWhenAbsent: true })));
    expect(held).toMatchObject({ stale: expect.any(String) });
  });

  test("offline, what is held is served whatever its age, and nothing else", async () => {
    const upstream = await fakeUpstream();
    const dataDir = dataFolder();
    serve(upstream, "thing 1");
    await get(await openParts({ upstreams: [upstream], dataDir }));
    const parts = await openParts({ upstreams: [upstream], dataDir, settings: { offline: true } });
    parts.advance(10 * SETTINGS.staleIfErrorMs);
    expect(await parts.documents.get(requests(parts))).toMatchObject({ stale: expect.any(String) });
    expect(await codeOf(parts.documents.get(requests(parts).map((request) => ({ ...request, key: "other" }))))).toBe("OFFLINE");
    expect(upstream.requests).toHaveLength(1);
  });

  test("what another upstream said before the configuration changed is not this one's word", async () => {
    const [before, after] = [await fakeUpstream(), await fakeUpstream()];
    const dataDir = dataFolder();
    serve(before, "thing of before");
    await get(await openParts({ upstreams: [before], dataDir }));
    const parts = await openParts({ upstreams: [after], dataDir });
    after.fault(PATH, { kind: "status", status: 500 });
    expect(await codeOf(get(parts))).toBe("UPSTREAM_STATUS");
  });
});

describe("two upstreams", () => {
  test("the second is asked for what the first does not have", async () => {
    const [first, second] = [await fakeUpstream(), await fakeUpstream()];
    const parts = await openParts({ upstreams: [first, second] });
    serve(second, "thing of the second");
    expect(await get(parts)).toBe("thing of the second");
    serve(first, "thing of the first");
    parts.advance(SETTINGS.metadataTtlMs);
    expect(await get(parts)).toBe("thing of the first");
  });

  test.each<{ name: string; fault: Fault }>([
    { name: "answers 500", fault: { kind: "status", status: 500 } },
    { name: "answers 403", fault: { kind: "status", status: 403 } },
    { name: "cannot be reached", fault: { kind: "disconnect" } },
    { name: "answers a login page", fault: { kind: "html" } },
  ])("a first that $name does not hand its names to the second", async ({ fault }) => {
    const [first, second] = [await fakeUpstream(), await fakeUpstream()];
    const parts = await openParts({ upstreams: [first, second] });
    serve(second, "thing of an attacker");
    first.fault(PATH, fault);
    await expect(get(parts)).rejects.toBeInstanceOf(AssayError);
    expect(second.requests).toEqual([]);
  });

  test("a name that the first once had stays its own when it is deleted there, after a restart too", async () => {
    const [first, second] = [await fakeUpstream(), await fakeUpstream()];
    const dataDir = dataFolder();
    const parts = await openParts({ upstreams: [first, second], dataDir });
    serve(first, "thing of the first");
    await get(parts);
    first.remove(PATH);
    serve(second, "thing of an attacker");
    parts.advance(SETTINGS.metadataTtlMs);
    expect(await get(parts)).toBeUndefined();
    const restarted = await openParts({ upstreams: [first, second], dataDir });
    restarted.advance(2 * SETTINGS.metadataTtlMs);
    expect(await get(restarted)).toBeUndefined();
    const evidence = await restarted.documents.get(requests(restarted).map((request) => ({ ...request, keepWhenAbsent: true })));
    expect(evidence?.body.toString()).toBe("thing of the first");
    expect(second.requests).toEqual([]);
  });

  test("a document that took another upstream's place is the only one: what was said before is asked for anew, not remembered", async () => {
    const [first, second] = [await fakeUpstream(), await fakeUpstream()];
    const parts = await openParts({ upstreams: [first, second] });
    const [ofFirst, ofSecond] = requests(parts);
    if (!ofFirst || !ofSecond) throw new Error("expected two upstreams");
    serve(first, "thing of the first", '"one"');
    serve(second, "thing of the second");
    const bodyOf = async (request: DocumentRequest) => (await parts.documents.get([request]))?.body.toString();
    // As when the policy binds the name to the one, then to the other, and back.
    for (const request of [ofFirst, ofSecond, ofFirst, ofSecond]) {
      const { origin } = request.upstream.url;
      expect(await bodyOf(request)).toBe(origin === first.origin ? "thing of the first" : "thing of the second");
      expect((await parts.index.document(request))?.upstream).toBe(request.upstream.url.href);
    }
    expect(first.requests.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, undefined]);
  });

  test("a late confirmation of what another upstream's document replaced says nothing about that one", async () => {
    const [first, second] = [await fakeUpstream(), await fakeUpstream()];
    const parts = await openParts({ upstreams: [first, second] });
    const [ofFirst, ofSecond] = requests(parts);
    if (!ofFirst || !ofSecond) throw new Error("expected two upstreams");
    serve(first, "thing of the first", '"one"');
    serve(second, "thing of the second");
    await parts.documents.get([ofFirst]);
    parts.advance(SETTINGS.metadataTtlMs);
    // Confirms only once the second one's document is in its place.
    first.fault(PATH, { kind: "slow", bytesPerSecond: 1 });
    let confirmed: (() => void) | undefined;
    const replaced = new Promise<void>((resolve) => {
      confirmed = resolve;
    });
    const { fetch } = parts.client;
    parts.client.fetch = async (upstream, query) => {
      if (upstream === ofFirst.upstream) await replaced;
      first.heal();
      return fetch.call(parts.client, upstream, query);
    };
    const late = parts.documents.get([ofFirst]);
    await parts.documents.get([ofSecond]);
    confirmed?.();
    expect((await late)?.body.toString()).toBe("thing of the first");
    expect(await parts.index.document(ofSecond)).toMatchObject({ upstream: ofSecond.upstream.url.href });
    expect((await parts.documents.get([ofSecond]))?.body.toString()).toBe("thing of the second");
    expect(second.requests).toHaveLength(1);
  });
});
