import { expect, onTestFinished, test } from "vitest";
import { newTokenSecret } from "../../src/core/access-token.ts";
import { PROTOCOL_CODES, type ProtocolCode } from "../../src/ecosystems/aam/protocol-codes.ts";
import { buildAam, buildTar, gzip } from "../support/archives.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type HostedBench, type Part, startHosted } from "../support/hosted-bench.ts";

interface Bench extends HostedBench {
  readonly upstream: FakeUpstream;
  /** A token of root's that may do everything. */
  readonly admin: string;
}

/** A hosted `skills` with `tool` 1.0.0 (yanked, and still tagged stable) and 1.1.0, and a mirrored `aam` with an upstream that fails as a test wants. */
async function start(): Promise<Bench> {
  const upstream = await startFakeUpstream();
  onTestFinished(() => upstream.close());
  const bench = await startHosted({
    more: `  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/", dialect: uaaps, retries: 0}]}`,
  });
  const admin = await bench.token({ owner: "root", scopes: ["admin"] });
  for (const version of ["1.0.0", "1.1.0"]) expect((await bench.publish(archiveOf(version))).status).toBe(201);
  expect((await bench.send("PUT", `${TOOL}/dist-tags/stable`, { body: { version: "1.0.0" } })).status).toBe(200);
  expect((await bench.send("POST", `${TOOL}/1.0.0/yank`, { token: admin })).status).toBe(200);
  return { ...bench, upstream, admin };
}

const UPLOAD = "/skills/packages";
const FLAT_UPLOAD = "/skills/api/v1/packages";
const TOOL = `${UPLOAD}/tool`;
const FLAT_TOOL = `${FLAT_UPLOAD}/tool`;
const archiveOf = (version: string, files: Record<string, string> = {}): Buffer => buildAam({ name: "tool", version, files }).bytes;
const NO_MANIFEST = gzip(buildTar([{ path: "README.md", body: "x" }]));

const VERBS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
const NONE = [] as const;

/** Path below the repository, the verbs that need no token, and those that need one. HEAD goes with GET. */
const ENDPOINTS: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["", ["GET"], NONE],
  ["errors/FORBIDDEN", ["GET"], NONE],
  ["packages", ["GET"], ["POST"]],
  ["packages/tool", ["GET"], NONE],
  ["packages/tool/1.1.0", ["GET"], NONE],
  ["packages/tool/latest", ["GET"], NONE],
  ["packages/tool/1.1.0/tarball", ["GET"], NONE],
  ["packages/tool/1.1.0/tarball.vsa", ["GET"], NONE],
  ["packages/tool/1.1.0/signature", ["GET"], NONE],
  ["packages/tool/dist-tags", ["GET"], NONE],
  ["packages/tool/dist-tags/stable", NONE, ["PUT", "DELETE"]],
  ["packages/tool/1.1.0/deprecate", NONE, ["POST", "DELETE"]],
  ["packages/tool/1.1.0/yank", NONE, ["POST", "DELETE"]],
  ["packages/tool/audit-log", NONE, ["GET"]],
  ["approvals", NONE, ["GET"]],
  ["approvals/1/approve", NONE, ["POST"]],
  ["approvals/1/reject", NONE, ["POST"]],
  ["api/v1/packages", ["GET"], ["POST"]],
  ["api/v1/packages/tool", ["GET"], NONE],
  ["api/v1/packages/tool/versions", ["GET"], NONE],
  ["api/v1/packages/tool/1.1.0", ["GET"], ["DELETE"]],
  ["api/v1/packages/tool/1.1.0/download", ["GET"], NONE],
  ["api/v1/packages/tool/1.1.0/signature", ["GET"], NONE],
  ["api/v1/packages/tool/tags", ["GET"], NONE],
  ["api/v1/packages/tool/tags/stable", NONE, ["PUT", "DELETE"]],
  ["api/v1/packages/tool/1.1.0/approve", NONE, ["POST"]],
  ["api/v1/packages/tool/1.1.0/approvals", NONE, ["GET"]],
  ["api/v1/packages/tool/audit-log", NONE, ["GET"]],
  ["api/v1/audit-log", NONE, ["GET"]],
  // What the dialect cannot say, and we add in the other's words.
  ["api/v1/packages/tool/1.1.0/yank", NONE, ["POST", "DELETE"]],
  ["api/v1/packages/tool/1.1.0/deprecate", NONE, ["POST", "DELETE"]],
  // Left out: tokens are made by the operator's command, and what a package was tried for is nothing that a mirror can vouch for.
  ["api/v1/users/register", NONE, NONE],
  ["api/v1/users/login", NONE, NONE],
  ["api/v1/users/me", NONE, NONE],
  ["api/v1/users/tokens", NONE, NONE],
  ["api/v1/users/tokens/1", NONE, NONE],
  ["api/v1/packages/tool/1.1.0/eval-results", NONE, NONE],
  ["api/v1/packages/search", NONE, NONE],
  ["packages/tool/1.1.0/approvals", NONE, NONE],
  ["packages/tool/1.1.0/approve", NONE, NONE],
  ["audit-log", NONE, NONE],
];

test("every endpoint of both dialects answers the verbs that it has, and no others, with errors of its dialect", async () => {
  const bench = await start();
  for (const [path, open, guarded] of ENDPOINTS) {
    for (const verb of VERBS) {
      const asked = verb === "HEAD" ? "GET" : verb;
      const answer = await bench.mirror.get(`/skills/${path}`, { method: verb });
      const status = open.includes(asked) ? 200 : guarded.includes(asked) ? 401 : asked === "GET" ? 404 : 405;
      const about = `${verb} /${path}`;
      expect([about, answer.status]).toEqual([about, status]);
      const body = await answer.text();
      if (status === 405) expect(answer.headers.get("allow"), about).toBe("GET, HEAD");
      if (status === 200 || verb === "HEAD") continue;
      const flat = { error: expect.any(String), message: expect.any(String) };
      const nested = { error: { code: expect.any(String), message: expect.any(String) } };
      expect(JSON.parse(body), about).toMatchObject(path.startsWith("api/v1/") ? flat : nested);
    }
  }
});

interface Asked {
  readonly method?: string;
  /** Below the server. */
  readonly path: string;
  readonly token?: () => string;
  readonly body?: unknown;
  readonly accept?: string;
  readonly archive?: Buffer;
  readonly parts?: readonly (readonly [string, Part])[];
}

async function ask(bench: Bench, { method = "GET", path, token, body, accept, archive, parts }: Asked): Promise<Response> {
  const own = token?.();
  if (archive) return bench.publish(archive, { path, ...(parts ? { parts } : {}), ...(own === undefined ? {} : { token: own }) });
  if (accept !== undefined) return bench.mirror.get(path, { headers: { accept } });
  return bench.send(method, path, { body, ...(own === undefined ? {} : { token: own }) });
}

const CUT = archiveOf("9.0.0").subarray(0, 60);

/** How each code of either closed list comes about: in the specification's protocol, and in the AAM dialect where that can say it. The last shuts out who asks. */
const CODES: Readonly<Record<ProtocolCode, readonly [Asked, Asked | undefined]>> = {
  BAD_REQUEST: [{ path: `${UPLOAD}?limit=0` }, { path: `${FLAT_UPLOAD}?limit=0` }],
  UNAUTHORIZED: [
    { path: "/skills/approvals", token: () => "aam_nonsense" },
    { path: "/skills/api/v1/audit-log", token: () => "aam_nonsense" },
  ],
  FORBIDDEN: [
    { method: "POST", path: `${TOOL}/1.1.0/yank` },
    { method: "DELETE", path: `${FLAT_TOOL}/1.1.0` },
  ],
  SIGNATURE_INVALID: [
    { path: UPLOAD, archive: archiveOf("9.0.0"), parts: [["signature", "{}"]] },
    { path: FLAT_UPLOAD, archive: archiveOf("9.0.0"), parts: [["signature", "{}"]] },
  ],
  PACKAGE_NOT_FOUND: [{ path: `${UPLOAD}/nobody` }, { path: `${FLAT_UPLOAD}/nobody` }],
  VERSION_NOT_FOUND: [{ path: `${TOOL}/9.9.9` }, { path: `${FLAT_TOOL}/9.9.9` }],
  TAG_NOT_FOUND: [
    { method: "DELETE", path: `${TOOL}/dist-tags/nightly` },
    { method: "DELETE", path: `${FLAT_TOOL}/tags/nightly` },
  ],
  // The AAM dialect has one media type, and is never asked to choose a version.
  NOT_ACCEPTABLE: [{ path: TOOL, accept: "text/html" }, undefined],
  PACKAGE_YANKED: [{ path: `${TOOL}/stable` }, undefined],
  VERSION_CONFLICT: [
    { path: UPLOAD, archive: archiveOf("1.0.0", { "a.md": "other" }) },
    { path: FLAT_UPLOAD, archive: archiveOf("1.0.0", { "a.md": "other" }) },
  ],
  PAYLOAD_TOO_LARGE: [
    { method: "PUT", path: `${TOOL}/dist-tags/a`, body: "x".repeat(65_537) },
    { method: "PUT", path: `${FLAT_TOOL}/tags/a`, body: "x".repeat(65_537) },
  ],
  CHECKSUM_MISMATCH: [
    { path: UPLOAD, archive: archiveOf("9.0.0"), parts: [["checksum", "0".repeat(64)]] },
    { path: FLAT_UPLOAD, archive: archiveOf("9.0.0"), parts: [["checksum", "0".repeat(64)]] },
  ],
  MANIFEST_INVALID: [
    { path: UPLOAD, archive: NO_MANIFEST },
    { path: FLAT_UPLOAD, archive: NO_MANIFEST },
  ],
  INVALID_ARCHIVE: [
    { path: UPLOAD, archive: CUT },
    { path: FLAT_UPLOAD, archive: CUT },
  ],
  REGISTRY_UNAVAILABLE: [{ path: "/aam/packages/down" }, { path: "/aam/api/v1/packages/down" }],
  RATE_LIMITED: [
    { path: "/skills/approvals", token: newTokenSecret },
    { path: "/skills/api/v1/audit-log", token: newTokenSecret },
  ],
};

/** The page that an error leads to. */
async function explained(docs: string | undefined): Promise<string> {
  return (await fetch(docs ?? "")).text();
}

test("every code of both closed lists comes with its status, as plain JSON, and leads to a page that says what it means", async () => {
  const bench = await start();
  bench.upstream.fault("/aam/packages/down", { kind: "status", status: 500 });
  for (const [code, [uaaps, flat]] of Object.entries(CODES) as [ProtocolCode, readonly [Asked, Asked | undefined]][]) {
    if (code === "RATE_LIMITED") for (let time = 0; time < 20; time++) await ask(bench, uaaps);
    const known: { readonly status: number; readonly flat: string; readonly flatStatus?: number } = PROTOCOL_CODES[code];
    const answer = await ask(bench, uaaps);
    const { error } = (await answer.json()) as { error: Record<string, string> };
    expect([answer.status, error["code"], answer.headers.get("content-type")]).toEqual([known.status, code, "application/json"]);
    expect(await explained(error["docs"])).toContain(code);
    if (!flat) continue;
    const other = await ask(bench, flat);
    const body = (await other.json()) as Record<string, string>;
    const status = known.flatStatus ?? known.status;
    expect([other.status, body["error"], other.headers.get("content-type")]).toEqual([status, known.flat, "application/json"]);
    expect(await explained(body["docs"])).toContain(code);
  }
});

test("PACKAGE_DEPRECATED rides along with a good answer", async () => {
  const bench = await start();
  await bench.send("POST", `${TOOL}/1.1.0/deprecate`, { body: { message: "old" } });
  const answer = await bench.mirror.get(`${TOOL}/1.1.0`);
  expect([answer.status, await answer.json()]).toMatchObject([200, { warnings: [{ code: "PACKAGE_DEPRECATED", message: "old" }] }]);
  expect(await (await bench.mirror.get(`${FLAT_TOOL}/1.1.0`)).json()).toMatchObject({ deprecated: { message: "old" } });
});
