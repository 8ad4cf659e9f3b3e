import { createNpm } from "../../../src/ecosystems/npm/index.ts";
import { ecosystemContract } from "../../contract/ecosystem.ts";
import { NpmBench, REPOSITORY, UPSTREAM } from "./npm-bench.ts";
import { manifest, packument } from "./published.ts";

const LONG = "a".repeat(10_000);
const packed = (version: string) => [{ path: "package/package.json", body: Buffer.from(JSON.stringify({ name: "@demo/pkg", version })) }];

ecosystemContract("npm", () => {
  const bench = new NpmBench();
  bench.serveJson("@demo%2fpkg", packument("@demo/pkg", [manifest("@demo/pkg", "1.0.0")]));
  return {
    ecosystem: createNpm(bench.services()),
    repository: REPOSITORY,
    upstreamRequests: () => bench.requests.length + bench.passedOn.length,
    page: ["@demo/pkg"],
    archive: ["@demo", "pkg", "-", "pkg-1.0.0.tgz"],
    upstreamAddress: UPSTREAM.url.host,
    unlisted: ["@demo", "pkg", "-", "pkg-9.9.9.tgz"],
    hostile: [
      [""],
      [LONG],
      ["..demo"],
      [".demo"],
      ["demo\0"],
      ["demo\r\nSet-Cookie: a=b"],
      ["demo%2fpkg"],
      ["@demo/../pkg"],
      ["@demo/../../etc/passwd"],
      ["@demo//pkg"],
      ["démo"],
      ["\u212Aelvin"],
      ["demo pkg"],
      ["__proto__"],
      ["@demo", "pkg", "-"],
      ["@demo", "pkg", "-", ""],
      ["@demo", "pkg", "-", "../pkg-1.0.0.tgz"],
      ["@demo", "pkg", "-", "@other", "pkg-1.0.0.tgz"],
      ["@demo", "pkg", "-", "pkg-1.0.0\r\n.tgz"],
      ["@demo", "pkg", "-", "pkg-1.0.0\0.tgz"],
      ["@demo", "pkg", "-", `${LONG}.tgz`],
      ["@demo", "pkg", "-", "pkg-1.0.0.zip"],
      ["@demo", "pkg", "1.0.0", "more"],
      ["-", "npm", "v1", "attestations", "@demo/pkg@../1.0.0"],
      ["-", "npm", "v1", "attestations", `pkg@${LONG}`],
      ["-", "package", "..", "dist-tags"],
      ["-", "all"],
    ],
    manifests: packed("1.0.0"),
    otherVersion: packed("1.0.1"),
  };
});
