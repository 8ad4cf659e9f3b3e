import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startFakeUpstream } from "../support/fake-upstream.ts";
import { startMirror } from "../support/mirror-bench.ts";
import { publishAams } from "../support/releases.ts";

async function bench() {
  const upstream = await startFakeUpstream();
  const dataDir = mkdtempSync(join(tmpdir(), "assay-held-list-"));
  onTestFinished(async () => {
    await upstream.close();
    rmSync(dataDir, { recursive: true });
  });
  for (const name of ["git-utils", "testing-utils", "unheld"]) publishAams(upstream, name, [{ version: "1.0.0" }, { version: "1.1.0" }]);
  const start = async (offline: boolean) => {
    const registry = `repositories: [{name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/", dialect: uaaps, retries: 0}]}]`;
    const mirror = await startMirror({ config: `offline: ${offline}\n${registry}\n`, dataDir });
    onTestFinished(() => mirror.close());
    return mirror;
  };
  const online = await start(false);
  for (const path of ["git-utils/1.0.0", "git-utils/1.1.0", "testing-utils/1.0.0"]) {
    expect((await online.get(`/aam/packages/${path}/tarball`)).status).toBe(200);
  }
  expect((await online.get("/aam/packages/unheld")).status).toBe(200);
  return { upstream, offline: await start(true) };
}

const names = (list: unknown): readonly unknown[] => (list as { packages: { name: unknown }[] }).packages.map(({ name }) => name);

test("offline, both dialects list the packages of which something is held, with the versions that can be had, and ask nobody", async () => {
  const { upstream, offline } = await bench();
  const asked = upstream.requests.length;
  const answer = await offline.get("/aam/packages");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("X-Total-Count")).toBe("2");
  expect(await answer.json()).toMatchObject({
    packages: [
      { name: "git-utils", latest: "1.1.0", versions: ["1.0.0", "1.1.0"] },
      { name: "testing-utils", latest: "1.0.0", versions: ["1.0.0"] },
    ],
  });
  expect(await (await offline.get("/aam/api/v1/packages")).json()).toMatchObject({
    packages: [
      { name: "git-utils", latest_version: "1.1.0" },
      { name: "testing-utils", latest_version: "1.0.0" },
    ],
    total: 2,
  });
  expect(upstream.requests.length).toBe(asked);
});

test("offline, a search goes by what is held, and pages have no gap", async () => {
  const { offline } = await bench();
  const list = async (query: string) => names(await (await offline.get(`/aam/packages?${query}`)).json());
  expect(await list("q=git")).toEqual(["git-utils"]);
  expect(await list("q=unheld")).toEqual([]);
  const first = await offline.get("/aam/packages?limit=1");
  expect(names(await first.json())).toEqual(["git-utils"]);
  const next = /<([^>]*)>; rel="next"/.exec(first.headers.get("Link") ?? "")?.[1] ?? "";
  expect(await list(new URL(next, "http://localhost/").search.slice(1))).toEqual(["testing-utils"]);
});
