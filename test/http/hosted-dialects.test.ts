import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { AssayError } from "../../src/core/errors.ts";
import { toldInApiV1, toldInUaaps } from "../ecosystems/aam/told.ts";
import { buildAam } from "../support/archives.ts";
import { startHosted } from "../support/hosted-bench.ts";

const NAME = "@acme/review";
const sha256 = (version: string): string =>
  createHash("sha256")
    .update(buildAam({ name: NAME, version }).bytes)
    .digest("hex");

test("what was published, tagged, deprecated and yanked is told alike in both dialects, whichever it was done in", async () => {
  const bench = await startHosted();
  const token = await bench.token({ scopes: ["publish", "yank", "admin"] });
  for (const [version, path] of [
    ["1.0.0", "/skills/packages"],
    ["1.1.0", "/skills/api/v1/packages"],
    ["2.0.0", "/skills/packages"],
    ["3.0.0-rc.1", "/skills/api/v1/packages"],
  ] as const) {
    expect((await bench.publish(buildAam({ name: NAME, version }).bytes, { path })).status, version).toBe(201);
  }
  for (const [method, path, body] of [
    ["PUT", `/skills/packages/${NAME}/dist-tags/stable`, { version: "1.0.0" }],
    ["PUT", `/skills/api/v1/packages/${NAME}/tags/next`, { version: "3.0.0-rc.1" }],
    ["POST", `/skills/packages/${NAME}/1.0.0/deprecate`, { message: "old", replacement: `${NAME}@^1.1.0` }],
    ["DELETE", `/skills/api/v1/packages/${NAME}/2.0.0`, undefined],
  ] as const) {
    const done = await bench.send(method, path, { token, body });
    expect([path, done.status]).toEqual([path, 200]);
  }

  const asked = {
    json: async (path: string): Promise<Record<string, unknown>> => {
      const answer = await bench.mirror.get(`/skills/${path}`);
      if (answer.status === 404) throw new AssayError("NOT_FOUND", path);
      expect([path, answer.status]).toEqual([path, 200]);
      return (await answer.json()) as Record<string, unknown>;
    },
  };
  const told = await toldInUaaps(asked, NAME);
  expect(told).toMatchObject({
    versions: {
      "1.0.0": { sha256: sha256("1.0.0"), yanked: false, deprecated: { message: "old" } },
      "1.1.0": { sha256: sha256("1.1.0"), yanked: false },
      "2.0.0": { sha256: sha256("2.0.0"), yanked: true },
      "3.0.0-rc.1": { sha256: sha256("3.0.0-rc.1"), yanked: false },
    },
    tags: { latest: "1.1.0", stable: "1.0.0", next: "3.0.0-rc.1" },
  });
  expect(await toldInApiV1(asked, NAME)).toEqual(told);
  for (const path of [`packages/${NAME}/2.0.0/tarball`, `api/v1/packages/${NAME}/2.0.0/download`]) {
    const answer = await bench.mirror.get(`/skills/${path}`);
    expect([path, answer.headers.get("x-checksum-sha256")]).toEqual([path, sha256("2.0.0")]);
    await answer.arrayBuffer();
  }
  expect(await asked.json("packages")).toMatchObject({ packages: [{ name: NAME, latest: "1.1.0" }] });
  expect(await asked.json("api/v1/packages")).toMatchObject({ packages: [{ name: NAME, latest_version: "1.1.0" }], total: 1 });
});
