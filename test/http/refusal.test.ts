import { createHash } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildAam } from "../support/archives.ts";
import { mirrorConfig, noise, publishTarball, publishWheel } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

/** Stands in every refused archive: no answer may hold it. */
const SECRET = "these-bytes-must-not-get-out";
const WRONG = "ab".repeat(64);

let upstream: FakeUpstream;
let mirror: MirrorBench;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const config = mirrorConfig(upstream).replace(
    "repositories:",
    `repositories:\n  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/"}]}`,
  );
  mirror = await startMirror({ config: `${config}withhold: 1MiB\n` });
  const files = { "secret.txt": SECRET };
  publishTarball(upstream, { name: "evil", claims: WRONG, files });
  publishTarball(upstream, { name: "JSONEvil", claims: WRONG, files });
  publishTarball(upstream, { name: "@evil/pkg", claims: WRONG, files });
  upstream.serveOthers(({ path }) => (path === "/npm/@evil%2fpkg" ? scopedPackument() : undefined));
  publishWheel(upstream, { name: "evil-pkg", claims: WRONG.slice(0, 64), files });
  publishAam("@evil/skill", files);
});
afterAll(async () => {
  await mirror.close();
  await upstream.close();
});

function scopedPackument() {
  const dist = {
    tarball: upstream.url("/npm/@evil/pkg/-/pkg-1.0.0.tgz").href,
    integrity: `sha512-${Buffer.from(WRONG, "hex").toString("base64")}`,
  };
  const versions = { "1.0.0": { name: "@evil/pkg", version: "1.0.0", dist } };
  return { contentType: "application/json", body: JSON.stringify({ name: "@evil/pkg", "dist-tags": { latest: "1.0.0" }, versions }) };
}

function publishAam(name: string, files: Record<string, string>): void {
  const version = "1.0.0";
  upstream.serve(`/aam/packages/${name}/${version}/tarball`, { body: buildAam({ name, version, files }).bytes });
  const integrity = `sha256-${Buffer.from(WRONG.slice(0, 64), "hex").toString("base64")}`;
  const body = JSON.stringify({ name, versions: { [version]: { integrity } }, "dist-tags": { latest: version } });
  upstream.serve(`/aam/packages/${name}`, { contentType: "application/json", body });
}

/** Every way to write the address of a refused archive, and what its package URL must say. */
const ADDRESSES = [
  { path: "/npm/evil/-/evil-1.0.0.tgz", purl: "pkg:npm/evil@1.0.0" },
  { path: "/npm/evil/-/evil-1.0.0.tgz?cache=no", purl: "pkg:npm/evil@1.0.0" },
  { path: "/npm/%65vil/-/evil-1.0.0.tgz", purl: "pkg:npm/evil@1.0.0" },
  { path: "/npm/evil/-/evil-1.0.0.tgz/", purl: "pkg:npm/evil@1.0.0" },
  { path: "/%6epm/evil/-/evil-1.0.0.tgz", purl: "pkg:npm/evil@1.0.0" },
  { path: "/npm/JSONEvil/-/JSONEvil-1.0.0.tgz", purl: "pkg:npm/JSONEvil@1.0.0" },
  { path: "/npm/@evil/pkg/-/pkg-1.0.0.tgz", purl: "pkg:npm/%40evil/pkg@1.0.0" },
  { path: "/npm/@evil%2fpkg/-/pkg-1.0.0.tgz", purl: "pkg:npm/%40evil/pkg@1.0.0" },
  { path: "/npm/@evil/pkg/-/@evil/pkg-1.0.0.tgz", purl: "pkg:npm/%40evil/pkg@1.0.0" },
  {
    path: "/pypi/files/evil-pkg/evil_pkg-1.0.0-py3-none-any.whl",
    purl: "pkg:pypi/evil-pkg@1.0.0?file_name=evil_pkg-1.0.0-py3-none-any.whl",
  },
  {
    path: "/pypi/files/Evil.Pkg/evil_pkg-1.0.0-py3-none-any.whl",
    purl: "pkg:pypi/evil-pkg@1.0.0?file_name=evil_pkg-1.0.0-py3-none-any.whl",
  },
  { path: "/aam/packages/@evil/skill/1.0.0/tarball", purl: "pkg:aam/%40evil/skill@1.0.0" },
  { path: "/aam/packages/@evil%2Fskill/1.0.0/tarball", purl: "pkg:aam/%40evil/skill@1.0.0" },
];

const READS: readonly { how: string; init: RequestInit }[] = [
  { how: "GET", init: {} },
  { how: "GET again", init: {} },
  { how: "HEAD", init: { method: "HEAD" } },
  { how: "GET of a range", init: { headers: { range: "bytes=0-10" } } },
  { how: "GET of the end", init: { headers: { range: "bytes=-10" } } },
  { how: "GET if-range", init: { headers: { range: "bytes=0-10", "if-range": '"sha256-x"' } } },
  { how: "GET if-none-match", init: { headers: { "if-none-match": "*" } } },
  { how: "GET gzip", init: { headers: { "accept-encoding": "gzip", accept: "application/json" } } },
];

describe.each(ADDRESSES)("$path", ({ path, purl }) => {
  test.each(READS)("$how is refused with its reason, and no byte of the archive", async ({ init }) => {
    const response = await mirror.get(path, init);
    const body = await response.text();
    expect(response.status).toBe(403);
    expect(response.statusText).toMatch(/^assay: expected sha(256|512) abababababab/);
    expect(response.statusText).toMatch(/^[\x20-\x7e]{1,150}$/);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("etag")).toBeNull();
    const why = `${mirror.url}/api/v1/artifacts?purl=${encodeURIComponent(purl)}`;
    expect(response.headers.get("npm-notice")).toMatch(/^[\x20-\x7e]+$/);
    expect(response.headers.get("npm-notice")?.endsWith(why)).toBe(true);
    expect(body).not.toContain(SECRET);
    if (init.method === "HEAD") return expect(body).toBe("");
    const answer = JSON.parse(body) as Record<string, unknown>;
    const said = (path.startsWith("/aam/") ? answer["error"] : answer) as Record<string, unknown>;
    expect(said).toMatchObject({
      title: expect.stringContaining("Refused by Assay"),
      detail: expect.stringContaining("expected sha"),
      purl,
      why,
    });
    if (path.startsWith("/aam/")) {
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(said).toMatchObject({ code: "FORBIDDEN", reason: "CHECKSUM_MISMATCH", message: expect.stringContaining("expected sha256") });
    } else {
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(answer).toMatchObject({ status: 403, code: "CHECKSUM_MISMATCH", error: expect.stringContaining("expected sha") });
    }
  });

  test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("%s gives neither the archive nor a server error", async (method) => {
    const response = await mirror.get(path, { method });
    expect(response.status).toBe(405);
    expect(await response.text()).not.toContain(SECRET);
  });

  test("the address of the explanation works, and names this very archive", async () => {
    await mirror.get(path);
    const response = await mirror.get(`/api/v1/artifacts?purl=${encodeURIComponent(purl)}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      artifacts: [
        { purl, verdict: { kind: "refuse", reasons: expect.arrayContaining([expect.objectContaining({ code: "CHECKSUM_MISMATCH" })]) } },
      ],
    });
  });
});

test("of a refused archive larger than what is withheld nobody gets the end, and the next request reads the reason", async () => {
  const { path, bytes } = publishTarball(upstream, { name: "large", files: { "noise.bin": noise(3_000_000) } });
  upstream.fault(path, { kind: "wrong-bytes" });
  const target = "/npm/large/-/large-1.0.0.tgz";
  const answer = await mirror.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`);
  const [head = ""] = answer.split("\r\n\r\n", 1);
  expect(head).toContain(`Content-Length: ${bytes.length}`);
  expect(answer.length - head.length - 4).toBeLessThanOrEqual(bytes.length - 1024 * 1024);
  expect(answer).not.toContain('{"status":"ok"}');
  for (const init of READS) expect((await mirror.get(target, init.init)).status).toBe(403);
});

test("a client that knows the end of a body by the end of the connection does not take a refused part for the whole", async () => {
  const { path, bytes } = publishTarball(upstream, { name: "endless", files: { "noise.bin": noise(3_000_000) } });
  upstream.serve(path, { body: bytes, headers: { "transfer-encoding": "chunked" } });
  upstream.fault(path, { kind: "wrong-bytes" });
  const socket = connect(mirror.port, "127.0.0.1");
  let received = 0;
  socket.on("data", (chunk) => {
    received += chunk.length;
  });
  const ended = new Promise<string>((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    socket.on("end", () => resolve("a proper end"));
  });
  socket.write("GET /npm/endless/-/endless-1.0.0.tgz HTTP/1.0\r\n\r\n");
  expect(await ended).toBe("ECONNRESET");
  expect(received).toBeGreaterThan(0);
  expect(received).toBeLessThan(bytes.length - 1024 * 1024 + 2000);
});

test("the words of a hostile archive reach no terminal as commands", async () => {
  const { bytes } = publishWheel(upstream, { name: "other\u202e\u009b2J", version: "1.0.0" });
  const file = "spoof-1.0.0-py3-none-any.whl";
  upstream.serve("/pypi/packages/spoof", { body: bytes });
  const hashes = { sha256: createHash("sha256").update(bytes).digest("hex") };
  const page = {
    meta: { "api-version": "1.0" },
    name: "spoof",
    files: [{ filename: file, url: upstream.url("/pypi/packages/spoof").href, hashes }],
  };
  upstream.serve("/pypi/simple/spoof/", { contentType: "application/vnd.pypi.simple.v1+json", body: JSON.stringify(page) });
  const response = await mirror.get(`/pypi/files/spoof/${file}`);
  expect(response.status).toBe(403);
  const answer = (await response.json()) as { title: string; detail: string; error: string };
  expect(`${answer.title}${answer.detail}${answer.error}`).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});
