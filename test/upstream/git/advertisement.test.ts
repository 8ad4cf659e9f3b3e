import { expect, test } from "vitest";
import { readAdvertisement } from "../../../src/upstream/git/advertisement.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const FLUSH = "0000";
const SERVICE = `${packet("# service=git-upload-pack\n")}${FLUSH}`;

function packet(text: string): string {
  return `${(text.length + 4).toString(16).padStart(4, "0")}${text}`;
}

const read = (text: string, maxRefs = 10) => readAdvertisement(Buffer.from(text, "latin1"), maxRefs);

test.each([
  { name: "a page", text: "<!doctype html>" },
  { name: "nothing", text: "" },
  { name: "another service", text: `${packet("# service=git-receive-pack\n")}${FLUSH}${FLUSH}` },
  { name: "protocol version 2", text: `${packet("version 2\n")}${FLUSH}` },
  { name: "no end", text: `${SERVICE}${packet(`${A} HEAD\0caps\n`)}` },
  { name: "a length past its end", text: `${SERVICE}00ff${A} HEAD` },
  { name: "a length below its own four digits", text: `${SERVICE}0003${FLUSH}` },
  { name: "a length that is no number", text: `${SERVICE}-001${FLUSH}` },
  { name: "a flush packet in the middle", text: `${SERVICE}${packet(`${A} HEAD\0\n`)}${FLUSH}${packet(`${A} refs/heads/main\n`)}${FLUSH}` },
  { name: "an object id that is none", text: `${SERVICE}${packet("--upload-pack=x refs/heads/main\0\n")}${FLUSH}` },
  { name: "SHA-256 object ids", text: `${SERVICE}${packet(`${"c".repeat(64)} HEAD\0object-format=sha256\n`)}${FLUSH}` },
  { name: "a shallow repository", text: `${SERVICE}${packet(`${A} HEAD\0caps\n`)}${packet(`shallow ${A}\n`)}${FLUSH}` },
])("$name is malformed", ({ text }) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ code: "UPSTREAM_MALFORMED" }));
});

test("one ref too many is past the limit", () => {
  const two = `${SERVICE}${packet(`${A} refs/heads/a\0\n`)}${packet(`${A} refs/heads/b\n`)}${FLUSH}`;
  expect(read(two, 2).refs.size).toBe(2);
  expect(() => read(two, 1)).toThrow(expect.objectContaining({ code: "UPSTREAM_LIMIT" }));
});

test("branches and tags are read, and nothing else", () => {
  const lines = [
    `${A} HEAD\0multi_ack symref=HEAD:refs/heads/main agent=git/2\n`,
    `${A} refs/heads/main\n`,
    `${A} refs/heads/../../config\n`,
    `${A} refs/heads/a b\n`,
    `${A} refs/heads/-x\n`,
    `${A} refs/pull/1/head\n`,
    `${B} refs/tags/v1\n`,
    `${A} refs/tags/v1^{}\n`,
  ];
  const { head, refs } = read(`${SERVICE}${lines.map(packet).join("")}${FLUSH}`);
  expect(head).toBe("refs/heads/main");
  expect([...refs]).toEqual([
    ["refs/heads/main", A],
    ["refs/heads/-x", A],
    ["refs/tags/v1", B],
  ]);
});

test.each([
  { name: "that is not there", capabilities: "symref=HEAD:refs/heads/gone" },
  { name: "that is no branch", capabilities: "symref=HEAD:../../secret" },
  { name: "that nobody names", capabilities: "agent=git/2" },
])("a head $name is none", ({ capabilities }) => {
  expect(read(`${SERVICE}${packet(`${A} refs/heads/main\0${capabilities}\n`)}${FLUSH}`).head).toBeUndefined();
});

test("an empty repository has no refs", () => {
  expect(read(`${SERVICE}${packet(`${"0".repeat(40)} capabilities^{}\0caps\n`)}${FLUSH}`).refs.size).toBe(0);
});
