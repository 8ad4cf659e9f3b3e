import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClientName, findClient } from "../support/clients.ts";
import { expectOneDownloadEach, type LargeInstall, startLargeInstall } from "./install-large.ts";

/** The quick form of large-archive.slow.test.ts: three times what is withheld, so that most of it flows ahead of the verdict. */
const CLIENTS: readonly ClientName[] = ["pip", "uv", "npm", "pnpm"];

let large: LargeInstall;
beforeAll(async () => {
  large = await startLargeInstall(25_000_000);
});
afterAll(() => large.close());

for (const client of CLIENTS) {
  test.skipIf(!findClient(client))(
    `a cold archive of 25 MB from an upstream of 5 MB/s reaches ${client}`,
    { concurrent: true, timeout: 120_000 },
    async () => {
      expect(await large.install(client)).toMatchObject({ code: 0 });
      expectOneDownloadEach(large);
    },
  );
}
