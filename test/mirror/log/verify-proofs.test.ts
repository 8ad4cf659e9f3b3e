import { describe, expect, test } from "vitest";
import { type Checkpoint, checkpointText, parseCheckpoint, signedNote } from "../../../src/core/tlog/checkpoint.ts";
import { leafHash, nodeHash } from "../../../src/core/tlog/hashes.ts";
import { noteKeyOf } from "../../../src/core/tlog/note-key.ts";
import { proveDecisions } from "../../../src/mirror/log/prove-decisions.ts";
import { verifyProofs } from "../../../src/mirror/log/verify-proofs.ts";
import { codeOf } from "../../contract/code-of.ts";
import { newSigningKey } from "../../support/signing-key.ts";

const ORIGIN = "log.example";
const { pem, sign } = newSigningKey();
const KEY = noteKeyOf(ORIGIN, pem);
const OTHER = '{"position":1}';

/** A log of two entries, signed by its key. */
function logOf(first: string): { checkpoint: Checkpoint; path: readonly Buffer[] } {
  const text = checkpointText({ origin: ORIGIN, size: 2, root: nodeHash(leafHash(first), leafHash(OTHER)) });
  const checkpoint = parseCheckpoint(signedNote(text, KEY, sign(text)));
  if (!checkpoint) throw new Error("it can be read");
  return { checkpoint, path: [leafHash(OTHER)] };
}

describe("a proof of an entry", () => {
  test("that the log itself put in another place is not taken", () => {
    for (const entry of ['{"position":5}', "{}", "[0]", "no JSON"]) {
      const { checkpoint, path } = logOf(entry);
      expect(verifyProofs([{ entry, proof: { position: 0, path, checkpoint } }], [KEY])).toEqual([
        { position: 0, text: "the entry itself says that it is at another position" },
      ]);
    }
  });

  test("holds with the key of its log, and with no other", () => {
    const entry = '{"position":0}';
    const proven = { entry, proof: { position: 0, ...logOf(entry) } };
    expect(verifyProofs([proven], [KEY])).toEqual([]);
    expect(verifyProofs([proven], [noteKeyOf(ORIGIN, newSigningKey().pem)])).toHaveLength(1);
    expect(verifyProofs([proven], [noteKeyOf("another.example", pem)])).toHaveLength(1);
    expect(verifyProofs([proven, { ...proven, entry: '{"position": 0}' }], [KEY])).toHaveLength(1);
  });
});

test("nothing is proven of an entry that is not what was signed", async () => {
  const { checkpoint, path } = logOf('{"position":0}');
  const tree = { path: async () => path };
  const logged = (text: string) => [{ position: 0, text, entry: {} as never }];
  expect(await proveDecisions(logged('{"position":0}'), checkpoint, tree)).toHaveLength(1);
  expect(await codeOf(proveDecisions(logged('{"position":0,"outcome":"admit"}'), checkpoint, tree))).toBe("STORE_CORRUPT");
});
