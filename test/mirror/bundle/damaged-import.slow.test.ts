import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PlacedFile } from "../../../src/mirror/bundle/tar-layout.ts";
import { AirGap } from "../../support/air-gap.ts";
import { ENVELOPE, laidOut } from "../../support/laid-out-bundle.ts";
import { Random } from "../../support/random.ts";

/** Each is a whole import into an empty store: minutes, so it runs in CI and where ASSAY_SLOW_TESTS is set. */
const POSITIONS = 500;
const wanted = process.env["CI"] !== undefined || process.env["ASSAY_SLOW_TESTS"] !== undefined;
if (!wanted) console.warn(`skipped: ${POSITIONS} imports take minutes; set ASSAY_SLOW_TESTS to run them`);
const END = "the end of the archive";

let gap: AirGap;
let bytes: Buffer;
let places: readonly PlacedFile[];
let end: number;

beforeAll(async () => {
  gap = await AirGap.open();
  await gap.fetch();
  await gap.lose();
  const bundle = join(gap.folder, "all.tar");
  await gap.export(bundle);
  ({ bytes, places, end } = await laidOut(bundle));
}, 60_000);
afterAll(() => gap.close());

interface Row {
  readonly purl: string;
  readonly kind: string;
  readonly reason?: string;
  readonly incomplete?: readonly string[];
}

test.runIf(wanted)(
  `whichever one byte of a bundle is changed, an import leaves out what needs that entry, and says so: ${POSITIONS} imports`,
  async () => {
    const chance = new Random(20_261_123);
    const changedBundle = join(gap.folder, "changed.tar");
    const starts = [...places.map(({ headerAt }) => headerAt), end, bytes.length];
    const left = new Map<string, number>();
    for (let index = 0; index < POSITIONS; index++) {
      // Every entry as often as any other: by chance alone nearly all would fall into the largest.
      const entry = index % (starts.length - 1);
      const [from = 0, to = 0] = starts.slice(entry, entry + 2);
      const position = from + chance.below(to - from);
      const touched = places[entry]?.path ?? END;
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(position) ^ (1 + chance.below(255)), position);
      writeFileSync(changedBundle, changed);
      const data = gap.folderFor("store");
      const where = `byte ${position}, in ${touched}`;
      if (touched === ENVELOPE) {
        await expect(gap.import(data, changedBundle), where).rejects.toMatchObject({ code: "BAD_REQUEST" });
      } else {
        const { code, said } = await gap.import(data, changedBundle);
        expect(code, where).toBe(65);
        expect(
          said.damage.map((damage: { entry: string }) => damage.entry),
          where,
        ).toEqual([touched]);
        const rows: readonly Row[] = said.artifacts;
        const [admitted, others] = [rows.filter(({ kind }) => kind === "admitted"), rows.filter(({ kind }) => kind !== "admitted")];
        expect(admitted.length + others.length, where).toBe(said.summary.admitted + said.summary.failed + said.summary.refused);
        for (const { reason = "", purl } of others) expect(reason, `${purl}: ${where}`).toContain(touched);
        for (const { incomplete = [], purl } of admitted) {
          for (const missing of incomplete) expect(missing, `${purl}: ${where}`).toContain(touched);
        }
        left.set(touched, Math.max(left.get(touched) ?? 0, others.length));
      }
      rmSync(data, { recursive: true });
    }
    // An archive's own bytes are needed by it alone, and by nothing less.
    const blobs = [...left].filter(([path]) => path.startsWith("blobs/"));
    expect(blobs.length).toBeGreaterThan(3);
    expect(blobs.filter(([, count]) => count !== 1)).toEqual([]);
    expect(left.get(END)).toBe(0);
  },
  900_000,
);
