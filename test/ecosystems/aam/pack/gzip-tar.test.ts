import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { gzipTar } from "../../../../src/ecosystems/aam/pack/gzip-tar.ts";

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

test("one byte past the limit is an error, and nothing more is asked for than it takes to know", async () => {
  let given = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) {
      given += 65_536;
      yield randomBytes(65_536);
    }
  }
  await expect(gzipTar(endless(), { epochSeconds: 0, maxBytes: 1_000_000 })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  expect(given).toBeLessThan(4_000_000);
  const exact = (await gzipTar(inPieces(Buffer.from("a"), 1), { epochSeconds: 0, maxBytes: 100 })).length;
  await expect(gzipTar(inPieces(Buffer.from("a"), 1), { epochSeconds: 0, maxBytes: exact - 1 })).rejects.toMatchObject({
    code: "BAD_REQUEST",
  });
  await expect(gzipTar(inPieces(Buffer.from("a"), 1), { epochSeconds: 0, maxBytes: exact })).resolves.toHaveLength(exact);
});

test("the pieces that content comes in leave no trace", async () => {
  const words = Array.from({ length: 40_000 }, (_, index) => `entry ${index % 977} of ${index}\n`).join("");
  const packed = await Promise.all(
    [1_000_000, 65_536, 511, 7].map((size) => gzipTar(inPieces(Buffer.from(words), size), { epochSeconds: 7, maxBytes: 10_000_000 })),
  );
  expect(packed.every((each) => packed[0]?.equals(each))).toBe(true);
  expect(gunzipSync(packed[0] ?? Buffer.alloc(0)).toString()).toBe(words);
});
