import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClientName, findClient } from "../support/clients.ts";
import { expectOneDownloadEach, type LargeInstall, startLargeInstall } from "./install-large.ts";

/** Takes over a minute, as long as the download does, so it runs in CI and where ASSAY_SLOW_TESTS is set. */
const wanted = process.env["CI"] !== undefined || process.env["ASSAY_SLOW_TESTS"] !== undefined;
if (!wanted) console.warn("skipped: 300 MB at 5 MB/s takes a minute; set ASSAY_SLOW_TESTS to run it");

const CLIENTS: readonly ClientName[] = ["pip", "uv", "npm", "pnpm"];

describe.skipIf(!wanted)("a cold archive of 300 MB from an upstream of 5 MB/s", () => {
  let large: LargeInstall;
  beforeAll(async () => {
    large = await startLargeInstall(300_000_000);
  }, 60_000);
  afterAll(async () => {
    expectOneDownloadEach(large);
    await large.close();
  });

  for (const client of CLIENTS) {
    test.skipIf(!findClient(client))(`reaches ${client} with its default time-outs`, { concurrent: true, timeout: 300_000 }, async () => {
      expect(await large.install(client)).toMatchObject({ code: 0 });
    });
  }
});
