import { expect, test } from "vitest";
import { findForeignNames, machineFolders, publicHosts } from "../../config/tooling/foreign-text.ts";

const HOST = ["registry", "example", "test"].join(".");

test("hosts are taken from what clients print, without those that stand for nobody in particular", () => {
  const printed = `https://${HOST}/simple\nhttps://files.${HOST}\nhttp://127.0.0.1:8740/npm/\nhttp://localhost/\nhttps://registry.example/\nundefined`;
  expect(publicHosts(printed)).toEqual([HOST, `files.${HOST}`]);
});

test.each([
  { root: "/builds/assay", home: "/home/ann", folders: ["/builds/assay/", "/home/ann/", "/builds/"] },
  { root: "/tmp/x/", home: "/root", folders: ["/tmp/x/"] },
  { root: "/app", home: "/", folders: ["/app/"] },
])("folders of a machine with its clone in $root", ({ root, home, folders }) => {
  expect(machineFolders(root, home)).toEqual(folders);
});

test.each([
  { name: "a host in a url", text: `fetch("https://${HOST}/")`, found: 1 },
  { name: "a host alone", text: HOST, found: 1 },
  { name: "a subdomain is another host", text: `cdn.${HOST}`, found: 0 },
  { name: "a longer word", text: `my-${HOST}`, found: 0 },
  { name: "the second of two", text: `my-${HOST} ${HOST}`, found: 1 },
  { name: "a path of the machine", text: 'read("/builds/assay/a.ts")', found: 1 },
  { name: "the end of another path", text: "src/builds/a.ts", found: 0 },
])("$name", ({ text, found }) => {
  const lines = findForeignNames("a.ts", `\n${text}`, { hosts: [HOST], folders: ["/builds/"] });
  expect(lines).toHaveLength(found);
  for (const line of lines) expect(line).toMatch(/^a\.ts:2: names /);
});

test("the lock file is npm's to write", () => {
  expect(findForeignNames("package-lock.json", HOST, { hosts: [HOST], folders: [] })).toEqual([]);
});
