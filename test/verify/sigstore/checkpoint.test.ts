import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { BundleFinding } from "../../../src/verify/sigstore/bundle-finding.ts";
import { readCheckpoint } from "../../../src/verify/sigstore/checkpoint.ts";

const root = randomBytes(32).toString("base64");
const signature = Buffer.concat([Buffer.from("abcd"), randomBytes(64)]).toString("base64");
const line = (name: string, encoded = signature): string => `\u2014 ${name} ${encoded}\n`;
const note = (body: string, signatures = line("log.example")): string => `${body}\n\n${signatures}`;

test("a checkpoint is read by its lines", () => {
  const read = readCheckpoint(note(`log.example - 42\n7\n${root}\nTimestamp: 1`, line("log.example") + line("witness.example/one")));
  expect(read).toEqual({
    origin: "log.example - 42",
    treeSize: 7,
    rootHash: Buffer.from(root, "base64"),
    signatures: [
      { name: "log.example", keyHint: Buffer.from("abcd") },
      { name: "witness.example/one", keyHint: Buffer.from("abcd") },
    ],
  });
});

test.each([
  { name: "no separator", text: `log.example\n7\n${root}\n` },
  { name: "no signature", text: note(`log.example\n7\n${root}`, "") },
  { name: "no final line break", text: note(`log.example\n7\n${root}`, line("log.example").trimEnd()) },
  { name: "no origin", text: note(`\n7\n${root}`) },
  { name: "an origin in other letters", text: note(`l\u043eg.example\n7\n${root}`) },
  { name: "no size", text: note(`log.example\n${root}`) },
  { name: "a size with a sign", text: note(`log.example\n-7\n${root}`) },
  { name: "a size in hexadecimal", text: note(`log.example\n0x7\n${root}`) },
  { name: "a size past 2^53", text: note(`log.example\n9999999999999999\n${root}`) },
  { name: "no root", text: note("log.example\n7") },
  { name: "a root of 31 bytes", text: note(`log.example\n7\n${randomBytes(31).toString("base64")}`) },
  { name: "text among the signatures", text: note(`log.example\n7\n${root}`, `${line("log.example")}text\n`) },
  { name: "a signature without a name", text: note(`log.example\n7\n${root}`, `\u2014 ${signature}\n`) },
  {
    name: "a signature of a key hint only",
    text: note(`log.example\n7\n${root}`, line("log.example", Buffer.from("abcd").toString("base64"))),
  },
  {
    name: "a signature in other base64",
    text: note(`log.example\n7\n${root}`, line("log.example", `${signature.slice(0, -4)}!${signature.slice(-4)}`)),
  },
  { name: "a third word in a signature line", text: note(`log.example\n7\n${root}`, `\u2014 log.example ${signature} more\n`) },
  { name: "33 signatures", text: note(`log.example\n7\n${root}`, line("log.example").repeat(33)) },
  { name: "more than 16 KiB", text: note(`log.example\n7\n${root}\n${"x".repeat(16 * 1024)}`) },
])("refused: $name", ({ text }) => {
  expect(() => readCheckpoint(text)).toThrow(BundleFinding);
});
