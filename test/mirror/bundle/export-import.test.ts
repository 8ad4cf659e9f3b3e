import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../../src/app/config.ts";
import { showStats } from "../../../src/cli/stats.ts";
import { AirGap, ARCHIVES } from "../../support/air-gap.ts";
import { startMirror } from "../../support/mirror-bench.ts";

let gap: AirGap;
let bundle: string;

beforeAll(async () => {
  gap = await AirGap.open();
  await gap.fetch();
  bundle = join(gap.folder, "all.tar");
  const { code, said } = await gap.export(bundle);
  expect({ code, said }).toMatchObject({ code: 0, said: { artifacts: ARCHIVES.length } });
});
afterAll(() => gap.close());

test("what was exported is imported into an empty Assay, and served there with nobody to ask", async () => {
  const data = gap.folderFor("far");
  const { code, said } = await gap.import(data, bundle);
  expect(said.artifacts.filter(({ kind }: { kind: string }) => kind !== "admitted")).toEqual([]);
  expect(said).toMatchObject({ damage: [], summary: { admitted: ARCHIVES.length, refused: 0, failed: 0 } });
  expect(code).toBe(0);

  const asked = gap.upstream.connections;
  const far = await startMirror({ config: `${gap.config}\noffline: true\n`, dataDir: data });
  try {
    const pages = [
      "/pypi/simple/tool/",
      "/npm/left",
      "/aam/packages/skill",
      "/aam/api/v1/packages/skill",
      "/pypi/files/tool/tool-1.0-py3-none-any.whl.provenance",
    ];
    for (const path of [...ARCHIVES, ...pages]) {
      const answer = await far.get(path);
      expect([path, answer.status], await answer.clone().text()).toEqual([path, 200]);
    }
    // What only the exporter says is told as that.
    const explained = await far.get("/api/v1/artifacts?purl=pkg:npm/left@1.0.0");
    expect(await explained.text()).toContain(`the bundle that ${said.keyId} signed`);
  } finally {
    await far.close();
  }
  expect(gap.upstream.connections).toBe(asked);
});

test("a second import tells what is here already, and asks for nothing anew", async () => {
  const data = gap.folderFor("twice");
  await gap.import(data, bundle);
  const { code, said } = await gap.import(data, bundle);
  expect({ code, summary: said.summary }).toEqual({
    code: 0,
    summary: { admitted: 0, "already-here": ARCHIVES.length, refused: 0, failed: 0 },
  });
});

test("an import is no traffic with the upstreams that the bundle speaks for", async () => {
  const data = gap.folderFor("far");
  await gap.import(data, bundle);
  const printed: string[] = [];
  const config = loadConfig({ env: {}, flags: { data } });
  await showStats({ config, now: Date.now(), print: (text) => void printed.push(text) }, { json: true });
  expect(JSON.parse(printed.join(""))).toMatchObject({ total: { fetched: ARCHIVES.length }, upstreams: [] });
});

test("two exports of one store are the same bytes, whatever was exported or asked for in between", async () => {
  const again = join(gap.folder, "again.tar");
  await gap.export(join(gap.folder, "other.tar"), { purls: ["pkg:npm/left@1.0.0"] });
  await gap.export(again);
  expect(readFileSync(again).equals(readFileSync(bundle))).toBe(true);
});
