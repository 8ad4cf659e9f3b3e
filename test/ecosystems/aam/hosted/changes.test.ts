import { describe, expect, test } from "vitest";
import { buildAam } from "../../../support/archives.ts";
import { type HostedBench, startHosted } from "../../../support/hosted-bench.ts";

const NAME = "@acme/tool";
const PACKAGE = `/skills/packages/${NAME}`;
const FLAT = `/skills/api/v1/packages/${NAME}`;
const archiveOf = (version: string): Buffer => buildAam({ name: NAME, version }).bytes;

/** With 1.0.0 and 1.1.0 published by alice. */
async function withTwo(): Promise<HostedBench> {
  const bench = await startHosted();
  for (const version of ["1.0.0", "1.1.0"]) expect((await bench.publish(archiveOf(version))).status).toBe(201);
  return bench;
}

async function json(response: Response | Promise<Response>): Promise<Record<string, unknown>> {
  return (await (await response).json()) as Record<string, unknown>;
}

describe("who may change what", () => {
  const CHANGES: readonly (readonly [string, string, unknown, "publish" | "yank"])[] = [
    ["PUT", `${PACKAGE}/dist-tags/stable`, { version: "1.0.0" }, "publish"],
    ["DELETE", `${PACKAGE}/dist-tags/stable`, undefined, "publish"],
    ["POST", `${PACKAGE}/1.0.0/yank`, undefined, "yank"],
    ["DELETE", `${PACKAGE}/1.0.0/yank`, undefined, "yank"],
    ["POST", `${PACKAGE}/1.0.0/deprecate`, { message: "old" }, "publish"],
    ["DELETE", `${PACKAGE}/1.0.0/deprecate`, undefined, "publish"],
    ["DELETE", `${FLAT}/1.0.0`, undefined, "yank"],
    ["PUT", `${FLAT}/tags/stable`, { version: "1.0.0" }, "publish"],
    ["POST", `${FLAT}/1.0.0/approve`, { status: "approved" }, "publish"],
    ["GET", `${FLAT}/1.0.0/approvals`, undefined, "publish"],
    ["GET", "/skills/api/v1/audit-log", undefined, "publish"],
    ["GET", "/skills/approvals", undefined, "publish"],
    ["POST", "/skills/approvals/1/approve", undefined, "publish"],
  ];

  test("nobody without a token, without the scope, or with another owner's", async () => {
    const bench = await withTwo();
    const adminOnly = (path: string): boolean => /appro|audit/.test(path);
    const mallory = await bench.token({ owner: "mallory", scopes: ["publish", "yank"] });
    for (const [method, path, body, scope] of CHANGES) {
      const about = `${method} ${path}`;
      expect((await fetch(`${bench.mirror.url}${path}`, { method })).status, about).toBe(401);
      const other = await bench.token({ scopes: [scope === "yank" ? "publish" : "yank"] });
      expect((await bench.send(method, path, { token: other, body })).status, about).toBe(403);
      expect((await bench.send(method, path, { token: mallory, body })).status, about).toBe(403);
      if (adminOnly(path))
        expect((await bench.send(method, path, { token: await bench.token({ scopes: ["publish", "yank"] }), body })).status, about).toBe(
          403,
        );
    }
    const admin = await bench.token({ owner: "root", scopes: ["admin"] });
    expect(await json(bench.send("GET", "/skills/api/v1/audit-log", { token: admin }))).toMatchObject({ total: 2 });
  });

  test.each([
    ["DELETE", `${PACKAGE}/1.0.0`],
    ["DELETE", PACKAGE],
    ["PUT", PACKAGE],
    ["PATCH", `${PACKAGE}/1.0.0`],
    ["DELETE", FLAT],
    ["POST", `${PACKAGE}/1.0.0/tarball`],
  ])("nothing is removed or replaced: %s %s is 405", async (method, path) => {
    const bench = await withTwo();
    const token = await bench.token({ scopes: ["admin"] });
    expect((await bench.send(method, path, { token })).status).toBe(405);
    expect((await bench.mirror.get(`${PACKAGE}/1.0.0/tarball`)).status).toBe(200);
  });
});

describe("tags", () => {
  test.each([
    ["latest", { version: "1.0.0" }, 400],
    ["1.0.0", { version: "1.0.0" }, 400],
    ["Stable", { version: "1.0.0" }, 400],
    ["stable", {}, 400],
    ["stable", { version: "1" }, 400],
    ["stable", "not json", 400],
    ["stable", { version: "9.9.9" }, 404],
    ["stable", { version: "1.0.0", more: "x".repeat(65_536) }, 413],
  ])("%s cannot be set with %j", async (tag, body, status) => {
    const bench = await withTwo();
    expect((await bench.send("PUT", `${PACKAGE}/dist-tags/${tag}`, { body })).status).toBe(status);
    expect(await json(bench.mirror.get(`${PACKAGE}/dist-tags`))).toEqual({ name: NAME, "dist-tags": { latest: "1.1.0" } });
  });

  test("are set, moved and removed, in both dialects", async () => {
    const bench = await withTwo();
    expect(await json(bench.send("PUT", `${PACKAGE}/dist-tags/stable`, { body: { version: "1.0.0" } }))).toEqual({
      name: NAME,
      tag: "stable",
      version: "1.0.0",
    });
    expect(await json(bench.send("PUT", `${FLAT}/tags/stable`, { body: { version: "1.1.0" } }))).toEqual({
      package: NAME,
      tag: "stable",
      version: "1.1.0",
    });
    expect(await json(bench.mirror.get(`${FLAT}/tags`))).toEqual({ package: NAME, tags: { latest: "1.1.0", stable: "1.1.0" } });
    expect((await bench.send("DELETE", `${FLAT}/tags/stable`)).status).toBe(204);
    const gone = await bench.send("DELETE", `${PACKAGE}/dist-tags/stable`);
    expect([gone.status, await gone.json()]).toMatchObject([404, { error: { code: "TAG_NOT_FOUND" } }]);
  });

  test("lead to no yanked version", async () => {
    const bench = await withTwo();
    await bench.send("POST", `${PACKAGE}/1.0.0/yank`, { token: await bench.token({ scopes: ["yank"] }) });
    expect((await bench.send("PUT", `${PACKAGE}/dist-tags/stable`, { body: { version: "1.0.0" } })).status).toBe(409);
  });
});

test("a yanked version leaves lists and latest at once, stays for who has it locked, and can be put back", async () => {
  const bench = await withTwo();
  const token = await bench.token({ scopes: ["yank"] });
  const yanked = await json(bench.send("DELETE", `${FLAT}/1.1.0`, { token }));
  expect(yanked).toEqual({ name: NAME, version: "1.1.0", yanked: true, yanked_at: expect.stringMatching(/^20/) });
  expect(await json(bench.send("POST", `${PACKAGE}/1.1.0/yank`, { token }))).toMatchObject({ yankedAt: yanked["yanked_at"] });
  expect(await json(bench.mirror.get(PACKAGE))).toMatchObject({
    "dist-tags": { latest: "1.0.0" },
    versions: { "1.1.0": { yanked: true } },
  });
  expect(await json(bench.mirror.get("/skills/packages"))).toMatchObject({ packages: [{ name: NAME, versions: ["1.0.0"] }] });
  expect((await bench.mirror.get(`${PACKAGE}/1.1.0/tarball`)).status).toBe(200);
  expect(await json(bench.send("DELETE", `${PACKAGE}/1.1.0/yank`, { token }))).toMatchObject({ yanked: false, yankedAt: null });
  expect(await json(bench.mirror.get(PACKAGE))).toMatchObject({ "dist-tags": { latest: "1.1.0" } });
});

describe("deprecating", () => {
  test.each([
    [{}, "message"],
    [{ message: "" }, "message"],
    [{ message: "x".repeat(281) }, "message"],
    [{ message: 7 }, "message"],
    [{ message: "old", replacement: "../evil" }, "replacement"],
    [{ message: "old", replacement: "other@not-a-range" }, "replacement"],
  ])("with %j is refused for its %s", async (body, field) => {
    const bench = await withTwo();
    const response = await bench.send("POST", `${PACKAGE}/1.0.0/deprecate`, { body });
    expect([response.status, await response.json()]).toMatchObject([422, { error: { code: "MANIFEST_INVALID", details: [{ field }] } }]);
  });

  test("shows on the pages, and is undone", async () => {
    const bench = await withTwo();
    const deprecated = { message: "x".repeat(280), replacement: "@acme/other@^2.0.0" };
    expect(await json(bench.send("POST", `${PACKAGE}/1.0.0/deprecate`, { body: deprecated }))).toMatchObject({ deprecated });
    expect(await json(bench.mirror.get(`${PACKAGE}/1.0.0`))).toMatchObject({ deprecated, yanked: false });
    await bench.send("DELETE", `${PACKAGE}/1.0.0/deprecate`);
    expect(await json(bench.mirror.get(`${PACKAGE}/1.0.0`))).not.toHaveProperty("deprecated");
  });
});

describe("approvals", () => {
  async function withPending(): Promise<{ readonly bench: HostedBench; readonly admin: string }> {
    const more = "  - {name: all, ecosystem: aam, type: virtual, members: [skills]}";
    const bench = await startHosted({ repository: ", require_approval: true", more });
    expect(await json(bench.publish(archiveOf("1.0.0"), { parts: [["tag", "stable"]] }))).toMatchObject({ approvalStatus: "pending" });
    return { bench, admin: await bench.token({ owner: "bob", scopes: ["admin"] }) };
  }

  /** By no way that there is to a version, its archive and what is known of it. */
  async function isInvisible({ mirror }: HostedBench): Promise<void> {
    for (const path of [
      PACKAGE,
      `${PACKAGE}/1.0.0`,
      `${PACKAGE}/stable`,
      `${PACKAGE}/latest`,
      `${PACKAGE}/dist-tags`,
      `${PACKAGE}/1.0.0/tarball`,
      `${PACKAGE}/1.0.0/tarball.vsa`,
      `${PACKAGE}/1.0.0/signature`,
      FLAT,
      `${FLAT}/1.0.0`,
      `${FLAT}/versions`,
      `${FLAT}/tags`,
      `${FLAT}/1.0.0/download`,
      `${FLAT}/1.0.0/download.vsa`,
      `${FLAT}/1.0.0/signature`,
      "/all/packages/%40acme%2Ftool/1.0.0/tarball",
      "/all/api/v1/packages/@acme/tool/1.0.0/download",
      "/api/v1/artifacts?purl=pkg:aam/%40acme/tool@1.0.0",
    ]) {
      for (const init of [{}, { method: "HEAD" }, { headers: { range: "bytes=0-9" } }, { headers: { "if-none-match": "*" } }]) {
        expect((await mirror.get(path, init)).status, `${path} ${JSON.stringify(init)}`).toBe(404);
      }
    }
    expect(await json(mirror.get("/skills/packages"))).toEqual({ packages: [] });
  }

  test("what is pending is on no page and cannot be downloaded, tagged or yanked", async () => {
    const { bench } = await withPending();
    await isInvisible(bench);
    expect((await bench.send("PUT", `${PACKAGE}/dist-tags/a`, { body: { version: "1.0.0" } })).status).toBe(404);
    const token = await bench.token({ scopes: ["yank"] });
    expect((await bench.send("POST", `${PACKAGE}/1.0.0/yank`, { token })).status).toBe(404);
    expect((await bench.publish(archiveOf("1.0.0"))).status).toBe(200);
  });

  test("an admin for some names hears of those alone, and decides about no others", async () => {
    const { bench, admin } = await withPending();
    expect((await bench.publish(buildAam({ name: "other", version: "1.0.0" }).bytes)).status).toBe(201);
    const [some, none] = [["@acme/*"], ["@elsewhere/*"]];
    const token = await bench.token({ owner: "carol", scopes: ["admin"], packages: some });
    const stranger = await bench.token({ owner: "dave", scopes: ["admin"], packages: none });
    const waiting = async (by: string): Promise<unknown> => {
      const { approvals } = await json(bench.send("GET", "/skills/approvals", { token: by }));
      return (approvals as { package: string }[]).map((one) => one.package);
    };
    expect([await waiting(stranger), await waiting(token), await waiting(admin)]).toEqual([[], [NAME], [NAME, "other"]]);
    const log = async (by: string, query: string): Promise<number> =>
      (await bench.send("GET", `/skills/api/v1/audit-log${query}`, { token: by })).status;
    expect([await log(stranger, `?package=${NAME}`), await log(token, ""), await log(token, "?package=other")]).toEqual([403, 403, 403]);
    expect([await log(token, `?package=${NAME}`), await log(admin, "")]).toEqual([200, 200]);
    for (const path of [`${FLAT}/1.0.0/approve`, "/skills/approvals/1/approve"]) {
      expect((await bench.send("POST", path, { token: stranger, body: { status: "approved" } })).status).toBe(403);
    }
    await isInvisible(bench);
  });

  test("nobody approves what they published themselves, nor with nonsense", async () => {
    const { bench, admin } = await withPending();
    const own = await bench.token({ scopes: ["admin"] });
    expect((await bench.send("POST", `${FLAT}/1.0.0/approve`, { token: own, body: { status: "approved" } })).status).toBe(403);
    expect((await bench.send("POST", `${FLAT}/1.0.0/approve`, { token: admin, body: { status: "yes" } })).status).toBe(400);
    expect((await bench.send("POST", "/skills/approvals/999/approve", { token: admin })).status).toBe(404);
    await isInvisible(bench);
  });

  test("an approved version is there at once, with its tag; it is decided once", async () => {
    const { bench, admin } = await withPending();
    const { approvals } = (await json(bench.send("GET", "/skills/approvals", { token: admin }))) as { approvals: { id: string }[] };
    expect(approvals).toMatchObject([{ package: NAME, version: "1.0.0", publishedBy: "alice", status: "pending" }]);
    const path = `/skills/approvals/${approvals[0]?.id}`;
    expect(await json(bench.send("POST", `${path}/approve`, { token: admin }))).toMatchObject({ status: "approved", approver: "bob" });
    expect((await bench.send("POST", `${path}/reject`, { token: admin })).status).toBe(409);
    expect(await json(bench.mirror.get(PACKAGE))).toMatchObject({ "dist-tags": { latest: "1.0.0", stable: "1.0.0" } });
    expect((await bench.mirror.get(`${PACKAGE}/1.0.0/tarball`)).status).toBe(200);
  });

  test("a tag stays with the version that has it while another waits for it, and who approves is told of it", async () => {
    const { bench, admin } = await withPending();
    await bench.send("POST", `${FLAT}/1.0.0/approve`, { token: admin, body: { status: "approved" } });
    await bench.publish(archiveOf("1.1.0"), { parts: [["tag", "stable"]] });
    expect(await json(bench.mirror.get(`${FLAT}/tags`))).toMatchObject({ tags: { latest: "1.0.0", stable: "1.0.0" } });
    expect(await json(bench.send("GET", "/skills/approvals", { token: admin }))).toMatchObject({
      approvals: [{ version: "1.1.0", tag: "stable" }],
    });
    await bench.send("POST", `${FLAT}/1.1.0/approve`, { token: admin, body: { status: "rejected" } });
    expect(await json(bench.mirror.get(`${PACKAGE}/stable`))).toMatchObject({ version: "1.0.0" });
  });

  test("of several who decide at once, one does", async () => {
    const { bench } = await withPending();
    const deciders = ["bob", "carol", "dave", "erin"];
    const answers = await Promise.all(
      deciders.map(async (owner, number) => {
        const token = await bench.token({ owner, scopes: ["admin"] });
        const status = number % 2 === 0 ? "approved" : "rejected";
        return bench.send("POST", `${FLAT}/1.0.0/approve`, { token, body: { status } });
      }),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409]);
    const { approvals } = await json(
      bench.send("GET", `${FLAT}/1.0.0/approvals`, { token: await bench.token({ owner: "root", scopes: ["admin"] }) }),
    );
    expect(approvals).toHaveLength(1);
  });

  test("a rejected version is never seen, and its number is used up", async () => {
    const { bench, admin } = await withPending();
    const response = await bench.send("POST", `${FLAT}/1.0.0/approve`, { token: admin, body: { status: "rejected", comment: "no" } });
    expect([response.status, await response.json()]).toMatchObject([201, { status: "rejected", approver: "bob", comment: "no" }]);
    await isInvisible(bench);
    expect((await bench.publish(buildAam({ name: NAME, version: "1.0.0", files: { a: "b" } }).bytes)).status).toBe(409);
    expect(await json(bench.send("GET", `${FLAT}/1.0.0/approvals`, { token: admin }))).toMatchObject({
      approval_status: "rejected",
      approvals: [{ approver: "bob", status: "rejected", comment: "no" }],
    });
  });
});

describe("the audit log", () => {
  test.each(["limit=0", "limit=x", "page=0", "page=-1", "from=yesterday", `actor=${"x".repeat(300)}`])("%s is refused", async (query) => {
    const bench = await startHosted();
    const token = await bench.token({ scopes: ["admin"] });
    expect((await bench.send("GET", `/skills/api/v1/audit-log?${query}`, { token })).status).toBe(400);
  });

  test("the next page is of what the first was asked for, and of nothing else", async () => {
    const bench = await withTwo();
    await bench.send("POST", `${PACKAGE}/1.0.0/yank`, { token: await bench.token({ scopes: ["yank"] }) });
    const query = "event=package.publish&actor=alice&from=2000-01-01&to=2100-01-01T00:00:00Z&limit=1&other=x";
    const first = await bench.send("GET", `${PACKAGE}/audit-log?${query}`);
    expect(await json(first)).toMatchObject({ entries: [{ target: { version: "1.1.0" } }] });
    const next = new URL(/<([^>]*)>/.exec(first.headers.get("link") ?? "")?.[1] ?? "");
    expect([...next.searchParams.keys()]).toEqual(["event", "actor", "from", "to", "limit", "cursor"]);
    const rest = await bench.send("GET", `${next.pathname}${next.search}`);
    expect(rest.headers.get("link")).toBeNull();
    expect(await json(rest)).toMatchObject({ entries: [{ event: "package.publish", target: { version: "1.0.0" } }] });
  });

  test("tells who changed what, by which token, newest first, in pages of both kinds", async () => {
    const bench = await withTwo();
    await bench.send("POST", `${PACKAGE}/1.0.0/yank`, { token: await bench.token({ scopes: ["yank"] }) });
    await bench.send("POST", `${PACKAGE}/1.0.0/yank`, { token: await bench.token({ scopes: ["yank"] }) });
    const first = await bench.send("GET", `${PACKAGE}/audit-log?limit=2`);
    expect(first.headers.get("x-total-count")).toBe("3");
    const { entries } = (await json(first)) as { entries: Record<string, unknown>[] };
    expect(entries).toMatchObject([
      {
        version: 1,
        event: "version.yank",
        actor: { identity: "alice", auth_method: "token" },
        target: { package: NAME, version: "1.0.0" },
      },
      { event: "package.publish", metadata: { archive_integrity: expect.stringMatching(/^sha256-/), provenance_level: "L0" } },
    ]);
    const [, next = ""] = /<[^>]*(\?[^>]*)>/.exec(first.headers.get("link") ?? "") ?? [];
    const rest = await bench.send("GET", `${PACKAGE}/audit-log${next}`);
    expect(rest.headers.get("link")).toBeNull();
    expect(await json(rest)).toMatchObject({ entries: [{ event: "package.publish", position: 0, previous: "" }] });
    const admin = await bench.token({ owner: "root", scopes: ["admin"] });
    expect(await json(bench.send("GET", "/skills/api/v1/audit-log?event=package.publish&limit=1&page=2", { token: admin }))).toMatchObject({
      entries: [{ id: "0", event: "package.publish", actor: "alice", package: NAME, version: "1.0.0" }],
      total: 2,
      page: 2,
      pages: 2,
    });
  });
});
