import { describe, expect, test } from "vitest";
import { checkpointText, isSignedBy, MAX_CHECKPOINT_BYTES, parseCheckpoint, signedNote } from "../../../src/core/tlog/checkpoint.ts";
import { formatDecisionProofs, MAX_PROOFS_BYTES, MAX_PROVEN_ENTRIES, parseDecisionProofs } from "../../../src/core/tlog/decision-proofs.ts";
import { leafHash } from "../../../src/core/tlog/hashes.ts";
import { formatProof, parseProof } from "../../../src/core/tlog/inclusion-proof.ts";
import { formatVerifierKey, isLogName, noteKeyOf, parseVerifierKey } from "../../../src/core/tlog/note-key.ts";
import { parseTile } from "../../../src/core/tlog/tile.ts";
import { codeOf } from "../../contract/code-of.ts";
import { newSigningKey } from "../../support/signing-key.ts";

const NAME = "log.example/assay";
const { pem, sign } = newSigningKey();
const KEY = noteKeyOf(NAME, pem);
const ROOT = leafHash("entry");
const TEXT = checkpointText({ origin: NAME, size: 1, root: ROOT });
const NOTE = signedNote(TEXT, KEY, sign(TEXT));
const OTHER_TEXT = checkpointText({ origin: "another.example", size: 1, root: ROOT });
const ELSEWHERE = signedNote(OTHER_TEXT, KEY, sign(OTHER_TEXT));
const [LINE = ""] = NOTE.split("\n").slice(-2);

function checkpointOf(note: string) {
  const checkpoint = parseCheckpoint(note);
  if (!checkpoint) throw new Error("it can be read");
  return checkpoint;
}

describe("a verifier key", () => {
  // The key in the documentation of Go's note package.
  const EXAMPLE = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

  test.each([
    { name: "another hint", text: EXAMPLE.replace("c74f", "c74e") },
    { name: "another name", text: EXAMPLE.replace("Peter", "Petra") },
    { name: "another kind of key", text: EXAMPLE.replace("+AR", "+BR") },
    { name: "a key that is too short", text: EXAMPLE.slice(0, -4) },
    { name: "no name", text: EXAMPLE.slice("PeterNeumann".length) },
    { name: "a second spelling of its base64", text: `${EXAMPLE}\n` },
    { name: "no parts", text: "example.com" },
  ])("with $name is none", ({ text }) => {
    expect(parseVerifierKey(text)).toBeUndefined();
  });

  test("is read and written as others do", () => {
    for (const text of [EXAMPLE, formatVerifierKey(KEY)]) {
      const read = parseVerifierKey(text);
      expect(read && formatVerifierKey(read)).toBe(text);
    }
    const key = parseVerifierKey(formatVerifierKey(KEY));
    expect(key?.key.equals(KEY.key)).toBe(true);
  });
});

test.each([
  { name: "", is: false },
  { name: "a b", is: false },
  { name: "a+b", is: false },
  { name: "a\nb", is: false },
  { name: "lög", is: false },
  { name: "x".repeat(257), is: false },
  { name: "x".repeat(256), is: true },
  { name: "DSSEv1 28 application", is: false },
  { name: NAME, is: true },
])("$name names a log: $is", ({ name, is }) => {
  expect(isLogName(name)).toBe(is);
});

describe("a checkpoint", () => {
  test.each([
    { name: "no signature", note: TEXT },
    { name: "no line break at its end", note: NOTE.slice(0, -1) },
    { name: "a size with a zero in front", note: NOTE.replace("\n1\n", "\n01\n") },
    { name: "a size of 16 digits", note: NOTE.replace("\n1\n", `\n${"1".repeat(16)}\n`) },
    { name: "a negative size", note: NOTE.replace("\n1\n", "\n-1\n") },
    { name: "a root that is short", note: NOTE.replace(ROOT.toString("base64"), ROOT.subarray(1).toString("base64")) },
    { name: "an extension", note: NOTE.replace("\n\n", "\nmore\n\n") },
    { name: "a line that is no signature", note: `${NOTE}hello\n` },
    { name: "more signatures than 32", note: `${TEXT}\n${`${LINE}\n`.repeat(33)}` },
    { name: "more bytes than are read", note: NOTE.replace(NAME, "x".repeat(MAX_CHECKPOINT_BYTES)) },
  ])("with $name is none", ({ note }) => {
    expect(parseCheckpoint(note)).toBeUndefined();
  });

  test("may have the signatures of others beside that of its log", () => {
    const other = noteKeyOf("witness.example", newSigningKey().pem);
    const note = `${signedNote(TEXT, other, Buffer.alloc(64))}${LINE}\n`;
    expect(isSignedBy(checkpointOf(note), [KEY])).toBe(true);
    expect(checkpointOf(`${TEXT}\n${`${LINE}\n`.repeat(32)}`).signatures).toHaveLength(32);
  });

  test.each([
    { name: "signed by nobody that is known", note: NOTE, keys: [noteKeyOf(NAME, newSigningKey().pem)] },
    { name: "of another log, signed by a key of ours under our name", note: NOTE.replace(NAME, "another.example"), keys: [KEY] },
    { name: "of another log, rightly signed by a key under the name of ours", note: ELSEWHERE, keys: [KEY] },
    { name: "over another size", note: NOTE.replace("\n1\n", "\n2\n"), keys: [KEY] },
    { name: "by no keys at all", note: NOTE, keys: [] },
  ])("$name is not believed", ({ note, keys }) => {
    expect(isSignedBy(checkpointOf(note), keys)).toBe(false);
  });
});

describe("a proof", () => {
  const proof = { position: 0, path: Array.from({ length: 63 }, () => ROOT), checkpoint: checkpointOf(NOTE) };
  const text = formatProof(proof);

  test("is read as it was written", () => {
    expect(parseProof(text)).toEqual(proof);
  });

  test.each([
    { name: "another version", wrong: text.replace("@v1", "@v2") },
    { name: "extra data, which nothing signs", wrong: text.replace("index", "extra AAAA\nindex") },
    { name: "no index", wrong: text.replace("index 0\n", "") },
    { name: "an index with a zero in front", wrong: text.replace("index 0", "index 00") },
    { name: "a hash that is short", wrong: text.replace(`${ROOT.toString("base64")}\n`, "AAAA\n") },
    { name: "a path longer than any tree is high", wrong: text.replace("index 0\n", `index 0\n${ROOT.toString("base64")}\n`) },
    { name: "no checkpoint", wrong: text.slice(0, text.indexOf("\n\n") + 2) },
    { name: "nothing", wrong: "" },
  ])("with $name is none", ({ wrong }) => {
    expect(parseProof(wrong)).toBeUndefined();
  });
});

describe("a file of proofs", () => {
  const proven = { entry: "entry", proof: { position: 0, path: [], checkpoint: checkpointOf(NOTE) } };

  test("has as many entries as are read, and no more", async () => {
    const file = (count: number) => Buffer.from(formatDecisionProofs(Array.from({ length: count }, () => proven)));
    expect(parseDecisionProofs(file(MAX_PROVEN_ENTRIES))).toHaveLength(MAX_PROVEN_ENTRIES);
    expect(await codeOf(Promise.resolve().then(() => parseDecisionProofs(file(MAX_PROVEN_ENTRIES + 1))))).toBe("BAD_REQUEST");
  });

  test.each([
    { name: "has more bytes than are read", body: Buffer.alloc(MAX_PROOFS_BYTES + 1, " ") },
    {
      name: "says one thing twice",
      body: Buffer.from('{"format":"assay-decision-proofs@v1","format":"assay-decision-proofs@v1","entries":[]}'),
    },
    { name: "nests", body: Buffer.from('{"entries":[[[[[]]]]]}') },
    { name: "is a list", body: Buffer.from("[]") },
    { name: "has an entry that is none", body: Buffer.from('{"format":"assay-decision-proofs@v1","entries":[null]}') },
  ])("that $name is none", async ({ body }) => {
    expect(await codeOf(Promise.resolve().then(() => parseDecisionProofs(body)))).toBe("BAD_REQUEST");
  });
});

test.each([
  { path: "0/000", tile: { level: 0, number: 0, width: 256 } },
  { path: "5/x001/x234/067", tile: { level: 5, number: 1_234_067, width: 256 } },
  { path: "entries/x123/456.p/255", tile: { level: "entries", number: 123_456, width: 255 } },
  { path: "", tile: undefined },
  { path: "0", tile: undefined },
  { path: "0/.p/3", tile: undefined },
  { path: "0/000.p", tile: undefined },
  { path: "0/000.p/3/4", tile: undefined },
  { path: "0/001/x000", tile: undefined },
  { path: "data/000", tile: undefined },
])("$path is the address of the tile $tile", ({ path, tile }) => {
  expect(parseTile(path.split("/"))).toEqual(tile);
});
