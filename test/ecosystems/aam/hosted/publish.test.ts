import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { buildAam, buildTar, gzip } from "../../../support/archives.ts";
import { type HostedBench, type PublishOptions, startHosted } from "../../../support/hosted-bench.ts";

const NAME = "@acme/tool";
const TOOL = buildAam({ name: NAME, version: "1.0.0" });
const OTHER = buildAam({ name: NAME, version: "1.0.0", files: { "skills/demo/more.md": "other bytes" } });
const DAY_MS = 86_400_000;

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Nothing was published, and no byte was kept. */
async function nothingIsThere(bench: HostedBench): Promise<void> {
  expect((await bench.mirror.get(`/skills/packages/${NAME}`)).status).toBe(404);
  expect(blobs(bench)).toEqual([]);
  expect(quarantined(bench)).toEqual([]);
}

function blobs({ mirror }: HostedBench): readonly string[] {
  return readdirSync(join(mirror.dataDir, "blobs-v1"), { recursive: true, encoding: "utf8" }).filter((path) => path.includes("/"));
}

function quarantined({ mirror }: HostedBench): readonly string[] {
  return readdirSync(join(mirror.dataDir, "tmp"), { recursive: true, encoding: "utf8" }).filter(
    (path) => path.includes("/") && !path.endsWith("/heartbeat"),
  );
}

describe("who may publish", () => {
  test.each<[string, string | undefined, number, string]>([
    ["no token", undefined, 401, "UNAUTHORIZED"],
    ["another scheme", "Basic YWxpY2U6c2VjcmV0", 401, "UNAUTHORIZED"],
    ["text that is no token", "Bearer nonsense", 401, "UNAUTHORIZED"],
    ["a token that nobody made", `Bearer aam_${"A".repeat(43)}`, 401, "UNAUTHORIZED"],
  ])("%s is %s: %d", async (_, authorization, status, code) => {
    const bench = await startHosted();
    const body = new FormData();
    body.append("archive", new Blob([new Uint8Array(TOOL.bytes)]), "package.aam");
    const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
    const response = await fetch(`${bench.mirror.url}/skills/packages`, { method: "POST", body, headers });
    expect(response.status).toBe(status);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    expect(await response.json()).toMatchObject({ error: { code } });
    await nothingIsThere(bench);
  });

  test.each([
    ["without the scope", { scopes: ["yank"] as const }, 403],
    ["for another repository", { repositories: ["other"] }, 403],
    ["for other names", { packages: ["@other/*"] }, 403],
    ["that has expired", { expiresAt: 1 }, 401],
    ["that was revoked", { revokedAt: 1 }, 401],
  ])("a token %s publishes nothing, and stands in no log", async (_, change, status) => {
    const bench = await startHosted();
    const token = await bench.token(change);
    const response = await bench.publish(TOOL.bytes, { token });
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain(token.slice(12));
    expect(JSON.stringify(bench.mirror.logged)).not.toContain(token.slice(12));
    await nothingIsThere(bench);
  });

  test("a name belongs to who published it first, unless a token was made for it", async () => {
    const bench = await startHosted();
    expect((await bench.publish(TOOL.bytes)).status).toBe(201);
    const next = buildAam({ name: NAME, version: "1.1.0" }).bytes;
    const mallory = await bench.publish(next, { token: await bench.token({ owner: "mallory" }) });
    expect(mallory.status).toBe(403);
    expect(await mallory.json()).toMatchObject({ error: { code: "FORBIDDEN", message: expect.stringContaining("belongs to alice") } });
    expect((await bench.publish(next, { token: await bench.token({ owner: "bob", packages: ["@acme/*"] }) })).status).toBe(201);
  });
});

test("of several owners who publish a name at once, it is one's, and the others are told whose", async () => {
  const bench = await startHosted();
  const owners = ["ann", "bob", "carol", "dave"];
  const tokens = await Promise.all(owners.map((owner) => bench.token({ owner })));
  const answers = await Promise.all(
    tokens.map((token, number) => bench.publish(buildAam({ name: NAME, version: `1.${number}.0` }).bytes, { token })),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 403, 403, 403]);
  const { owners: kept, versions } = (await (await bench.mirror.get(`/skills/packages/${NAME}`)).json()) as Record<string, object>;
  const winner = answers.findIndex(({ status }) => status === 201);
  expect([kept, Object.keys(versions ?? {})]).toEqual([[owners[winner]], [`1.${winner}.0`]]);
});

const JUNK = Buffer.from("not an archive");
const manifest = (more: object): Buffer =>
  gzip(buildTar([{ path: "package.agent.json", body: JSON.stringify({ name: NAME, version: "1.0.0", ...more }) }]));

describe("what cannot be published", () => {
  test.each<[string, Buffer, PublishOptions["parts"], number, string, string]>([
    ["bytes that are no archive", JUNK, [], 422, "INVALID_ARCHIVE", "invalid_archive"],
    ["an archive that was cut", TOOL.bytes.subarray(0, -20), [], 422, "INVALID_ARCHIVE", "invalid_archive"],
    [
      "a path out of the package",
      gzip(
        buildTar([
          { path: "../evil", body: "x" },
          { path: "package.agent.json", body: "{}" },
        ]),
      ),
      [],
      422,
      "INVALID_ARCHIVE",
      "invalid_archive",
    ],
    ["an absolute path", gzip(buildTar([{ path: "/etc/evil", body: "x" }])), [], 422, "INVALID_ARCHIVE", "invalid_archive"],
    [
      "a bomb",
      gzip(
        buildTar([
          { path: "a", body: Buffer.alloc(64 * 1024 * 1024) },
          { path: "package.agent.json", body: "{}" },
        ]),
      ),
      [],
      422,
      "INVALID_ARCHIVE",
      "invalid_archive",
    ],
    ["no manifest", gzip(buildTar([{ path: "README.md", body: "x" }])), [], 422, "MANIFEST_INVALID", "invalid_manifest"],
    [
      "a bundle",
      gzip(
        buildTar([
          { path: "bundle.json", body: "{}" },
          { path: "package.agent.json", body: "{}" },
        ]),
      ),
      [],
      422,
      "MANIFEST_INVALID",
      "invalid_manifest",
    ],
    [
      "a manifest that is no JSON",
      gzip(buildTar([{ path: "package.agent.json", body: "{" }])),
      [],
      422,
      "MANIFEST_INVALID",
      "invalid_manifest",
    ],
    ["a version that is not SemVer", manifest({ version: "1.0" }), [], 422, "MANIFEST_INVALID", "invalid_manifest"],
    ["a name that stands for another", manifest({ name: "acme--tool" }), [], 422, "MANIFEST_INVALID", "invalid_manifest"],
    ["a dependency on no package", manifest({ dependencies: { "../x": "^1.0.0" } }), [], 422, "MANIFEST_INVALID", "invalid_manifest"],
    ["a resolver that is not known", manifest({ resolverVersion: 2 }), [], 422, "MANIFEST_INVALID", "invalid_manifest"],
    [
      "two manifests that disagree",
      gzip(
        buildTar([
          { path: "aam.yaml", body: `name: "${NAME}"\nversion: 2.0.0\n` },
          { path: "package.agent.json", body: JSON.stringify({ name: NAME, version: "1.0.0" }) },
        ]),
      ),
      [],
      422,
      "MANIFEST_INVALID",
      "invalid_manifest",
    ],
    [
      "other bytes than the form says",
      TOOL.bytes,
      [["checksum", `sha256:${"0".repeat(64)}`]],
      400,
      "CHECKSUM_MISMATCH",
      "checksum_mismatch",
    ],
    ["a checksum that is none", TOOL.bytes, [["checksum", "abc"]], 400, "BAD_REQUEST", "bad_request"],
    ["a tag that reads as a version", TOOL.bytes, [["tag", "1.0.0"]], 400, "BAD_REQUEST", "bad_request"],
    ["the tag that nobody sets", TOOL.bytes, [["tag", "latest"]], 400, "BAD_REQUEST", "bad_request"],
    [
      "two tags",
      TOOL.bytes,
      [
        ["tag", "a"],
        ["tag", "b"],
      ],
      400,
      "BAD_REQUEST",
      "bad_request",
    ],
    ["a part that there is not", TOOL.bytes, [["file", "x"]], 400, "BAD_REQUEST", "bad_request"],
    ["two archives", TOOL.bytes, [["archive", new Blob(["x"])]], 400, "BAD_REQUEST", "bad_request"],
    ["a signature that is none", TOOL.bytes, [["signature", "x"]], 403, "SIGNATURE_INVALID", "signature_invalid"],
    [
      "a signature of another type than it says",
      TOOL.bytes,
      [
        ["signature", "{}"],
        ["signature_type", "gpg"],
      ],
      403,
      "SIGNATURE_INVALID",
      "signature_invalid",
    ],
    [
      "a signature type that there is not",
      TOOL.bytes,
      [
        ["signature", "{}"],
        ["signature_type", "pgp"],
      ],
      400,
      "BAD_REQUEST",
      "bad_request",
    ],
    [
      "a bundle that says nothing",
      TOOL.bytes,
      [
        ["signature", "{}"],
        ["signature_type", "sigstore"],
      ],
      403,
      "SIGNATURE_INVALID",
      "signature_invalid",
    ],
    [
      "a bundle in the dialect's own form",
      TOOL.bytes,
      [["signature", JSON.stringify({ type: "sigstore", version: "1.0" })]],
      403,
      "SIGNATURE_INVALID",
      "signature_invalid",
    ],
    ["an attestation that is none", TOOL.bytes, [["attestation", "[]"]], 403, "SIGNATURE_INVALID", "signature_invalid"],
    [
      "an OpenPGP signature by nobody that the policy names",
      TOOL.bytes,
      [
        ["signature", "-----BEGIN PGP SIGNATURE-----\n\nnonsense\n-----END PGP SIGNATURE-----\n"],
        ["signature_type", "gpg"],
      ],
      403,
      "SIGNATURE_INVALID",
      "signature_invalid",
    ],
    ["a field past its bound", TOOL.bytes, [["signature", "x".repeat(2 * 1024 * 1024)]], 413, "PAYLOAD_TOO_LARGE", "payload_too_large"],
    [
      "a file past its bound",
      TOOL.bytes,
      [["signature", new Blob(["x".repeat(2 * 1024 * 1024)])]],
      413,
      "PAYLOAD_TOO_LARGE",
      "payload_too_large",
    ],
    [
      "parts that are well one by one, and too much together",
      TOOL.bytes,
      Array.from({ length: 5 }, () => ["attestation", `{}${" ".repeat(1024 * 1024 - 2)}`] as const),
      413,
      "PAYLOAD_TOO_LARGE",
      "payload_too_large",
    ],
    [
      "more parts than there may be",
      TOOL.bytes,
      Array.from({ length: 70 }, () => ["attestation", "{}"] as const),
      413,
      "PAYLOAD_TOO_LARGE",
      "payload_too_large",
    ],
  ])("%s", async (_, archive, parts = [], status, code, flat) => {
    const bench = await startHosted();
    const response = await bench.publish(archive, { parts });
    expect([response.status, await response.json()]).toMatchObject([status, { error: { code } }]);
    const other = await bench.publish(archive, { parts, path: "/skills/api/v1/packages" });
    expect(await other.json()).toMatchObject({ error: flat });
    await nothingIsThere(bench);
  });

  test("each field that is wrong is told", async () => {
    const bench = await startHosted();
    const archive = manifest({ description: 7, keywords: ["a", "a"], dependencies: { other: "not a range" }, "x-acme": true });
    const response = await bench.publish(archive, { path: "/skills/api/v1/packages" });
    const { details } = (await response.json()) as { details: { field: string }[] };
    expect(details.map(({ field }) => field)).toEqual(["description", "keywords", "dependencies.other", "x-acme"]);
  });

  test("an archive past the limit, announced or not", async () => {
    const bench = await startHosted({ config: "limits: {publish: 64KiB}" });
    const archive = gzipSync(Buffer.from(Array.from({ length: 200_000 }, () => Math.floor(Math.random() * 256))));
    const response = await bench.publish(archive);
    expect(response.status).toBe(413);
    await nothingIsThere(bench);
  });

  test("a body that is no form, or ends in its middle", async () => {
    const bench = await startHosted();
    const plain = await bench.send("POST", "/skills/packages", { body: "archive" });
    expect(plain.status).toBe(400);
    const token = await bench.token();
    const head = `POST /skills/packages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\nContent-Type: multipart/form-data; boundary=b\r\n`;
    const body = '--b\r\nContent-Disposition: form-data; name="archive"; filename="a"\r\n\r\nabc';
    expect(await bench.mirror.raw(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)).toContain("400 ");
    await nothingIsThere(bench);
  });

  test("a sender that leaves in the middle leaves nothing", async () => {
    const bench = await startHosted();
    const token = await bench.token();
    const head = `POST /skills/packages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: multipart/form-data; boundary=b\r\n`;
    const body = '--b\r\nContent-Disposition: form-data; name="archive"; filename="a"\r\n\r\nabc';
    const socket = connect(bench.mirror.port, "127.0.0.1");
    socket.write(`${head}Content-Length: 100000\r\n\r\n${body}`);
    await expect.poll(() => quarantined(bench).length, { timeout: 10_000 }).toBe(1);
    socket.destroy();
    await expect.poll(() => quarantined(bench), { timeout: 10_000 }).toEqual([]);
    await nothingIsThere(bench);
  });
});

describe("what was published", () => {
  test("is served at once, in both dialects, down the same road, with its verdict known", async () => {
    const bench = await startHosted();
    const response = await bench.publish(TOOL.bytes, {
      parts: [
        ["checksum", `sha256:${sha256(TOOL.bytes)}`],
        ["tag", "stable"],
      ],
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ name: NAME, version: "1.0.0", approvalStatus: "approved", size: TOOL.bytes.length });
    const page = (await (await bench.mirror.get(`/skills/packages/${NAME}`)).json()) as Record<string, unknown>;
    expect(page).toMatchObject({ name: NAME, "dist-tags": { latest: "1.0.0", stable: "1.0.0" } });
    const archive = await bench.mirror.get(`/skills/packages/${NAME}/1.0.0/tarball`);
    expect(Buffer.from(await archive.arrayBuffer()).equals(TOOL.bytes)).toBe(true);
    const explained = await bench.mirror.get(`/api/v1/artifacts?purl=pkg:aam/%40acme/tool@1.0.0`);
    expect(explained.status).toBe(200);
  });

  test("in the other dialect's form", async () => {
    const bench = await startHosted();
    const response = await bench.publish(TOOL.bytes, { path: "/skills/api/v1/packages" });
    expect([response.status, await response.json()]).toMatchObject([
      201,
      { name: NAME, version: "1.0.0", checksum: { sha256: sha256(TOOL.bytes) }, approval_status: "approved" },
    ]);
  });

  test("never changes: the same bytes again are the same version, others a conflict", async () => {
    const bench = await startHosted();
    const first = (await (await bench.publish(TOOL.bytes)).json()) as { publishedAt: string };
    bench.mirror.advance(DAY_MS);
    const again = await bench.publish(TOOL.bytes);
    expect([again.status, await again.json()]).toMatchObject([200, { publishedAt: first.publishedAt }]);
    const conflict = await bench.publish(OTHER.bytes);
    expect(conflict.status).toBe(409);
    const { error } = (await conflict.json()) as { error: { code: string; message: string } };
    expect(error.code).toBe("VERSION_CONFLICT");
    for (const digest of [sha256(TOOL.bytes), sha256(OTHER.bytes)]) expect(error.message).toContain(digest);
    const build = await bench.publish(buildAam({ name: NAME, version: "1.0.0+2" }).bytes);
    expect(build.status).toBe(409);
    const archive = await bench.mirror.get(`/skills/packages/${NAME}/1.0.0/tarball`);
    expect(Buffer.from(await archive.arrayBuffer()).equals(TOOL.bytes)).toBe(true);
  });

  test("of twenty at once with other bytes, one wins, and is what is served", async () => {
    const bench = await startHosted();
    const archives = Array.from(
      { length: 20 },
      (_, number) => buildAam({ name: NAME, version: "1.0.0", files: { "a.txt": String(number) } }).bytes,
    );
    const responses = await Promise.all(archives.map((archive) => bench.publish(archive)));
    const winners = responses.flatMap(({ status }, number) => (status === 201 ? [number] : []));
    expect(winners).toHaveLength(1);
    expect(responses.filter(({ status }) => status === 409)).toHaveLength(19);
    const served = await bench.mirror.get(`/skills/packages/${NAME}/1.0.0/tarball`);
    expect(Buffer.from(await served.arrayBuffer()).equals(archives[winners[0] ?? 0] as Buffer)).toBe(true);
  });

  test("latest is the highest stable version, whatever came last", async () => {
    const bench = await startHosted();
    for (const version of ["2.0.0-beta.1", "1.1.0", "1.0.5"]) await bench.publish(buildAam({ name: NAME, version }).bytes);
    const page = await (await bench.mirror.get(`/skills/packages/${NAME}`)).json();
    expect(page).toMatchObject({ "dist-tags": { latest: "1.1.0" } });
  });

  test("is listed and found", async () => {
    const bench = await startHosted();
    for (const name of ["c", "a", "b"]) await bench.publish(buildAam({ name, version: "1.0.0" }).bytes);
    const list = async (query: string): Promise<readonly string[]> => {
      const { packages } = (await (await bench.mirror.get(`/skills/packages${query}`)).json()) as { packages: { name: string }[] };
      return packages.map(({ name }) => name);
    };
    expect(await list("")).toEqual(["a", "b", "c"]);
    expect(await list("?q=b")).toEqual(["b"]);
    const page = await bench.mirror.get("/skills/packages?limit=2");
    expect(page.headers.get("x-total-count")).toBe("3");
    const [, next = ""] = /<[^>]*(\?[^>]*)>/.exec(page.headers.get("link") ?? "") ?? [];
    expect(await list(next)).toEqual(["c"]);
  });

  test("is younger than the policy's age: taken, and refused to readers until it is older", async () => {
    const bench = await startHosted({ policy: "version: 1\nmode: enforce\ndefaults: {min_age: 72h}\n" });
    expect((await bench.publish(TOOL.bytes)).status).toBe(201);
    expect((await bench.mirror.get(`/skills/packages/${NAME}/1.0.0/tarball`)).status).toBe(403);
    bench.mirror.advance(4 * DAY_MS);
    expect((await bench.mirror.get(`/skills/packages/${NAME}/1.0.0/tarball`)).status).toBe(200);
  });

  test.each([
    ["denied", 'version: 1\nmode: enforce\ndeny: [{purl: "pkg:aam/%40acme/tool", reason: "no"}]\n', "FORBIDDEN"],
    ["blocked", 'version: 1\nmode: enforce\ngovernance: {install_policy: {blocked_packages: ["@acme/*"]}}\n', "FORBIDDEN"],
    [
      "unsigned where installs need a signature",
      "version: 1\nmode: enforce\ndefaults: {signature: {require: true, on_missing: error}}\n",
      "SIGNATURE_INVALID",
    ],
    [
      "unsigned where publishing needs one",
      "version: 1\nmode: enforce\ngovernance: {publish_policy: {require_signature: true}}\n",
      "SIGNATURE_INVALID",
    ],
  ])("what is %s by policy is not taken", async (_, policy, code) => {
    const bench = await startHosted({ policy });
    const response = await bench.publish(TOOL.bytes);
    expect([response.status, await response.json()]).toMatchObject([403, { error: { code } }]);
    await nothingIsThere(bench);
  });

  test("a mirrored repository takes nothing, nor does any other ecosystem's", async () => {
    const bench = await startHosted({
      more: "  - {name: aam, ecosystem: aam, upstreams: []}\n  - {name: npm, ecosystem: npm, upstreams: []}",
    });
    for (const [method, path] of [
      ["POST", "/aam/packages"],
      ["PUT", "/aam/packages/a/dist-tags/b"],
      ["DELETE", "/aam/packages/a/1.0.0"],
      ["PUT", "/npm/a"],
    ] as const) {
      expect((await bench.send(method, path)).status, `${method} ${path}`).toBe(405);
    }
  });
});
