import { ecosystemContract } from "../../contract/ecosystem.ts";
import { AamBench, FOLDER, packageObject, REGISTRY } from "./aam-bench.ts";

const NAME = "@myorg/code-review";
const LONG = "a".repeat(10_000);

const HOSTILE: readonly (readonly string[])[] = [
  ["etc", "passwd"],
  ["packages", ".."],
  ["packages", "@a", "..", "b"],
  ["packages", "@a/../b"],
  ["packages", "@a/b/../../c"],
  ["packages", "@a%2fb"],
  ["packages", "a\\b"],
  ["packages", "a\0"],
  ["packages", "a\r\nSet-Cookie: b=c"],
  ["packages", "přehled"],
  ["packages", "myorg--code-review"],
  ["packages", "@myorg--x/code-review"],
  ["packages", LONG],
  ["packages", "", "1.0.0"],
  ["packages", "@myorg"],
  ["packages", "@myorg", ""],
  ["packages", "@myorg", "code-review", "LATEST"],
  ["packages", "@myorg", "code-review", "approvals"],
  ["packages", "@myorg", "code-review", "latest", "tarball"],
  ["packages", "@myorg", "code-review", "__proto__"],
  ["packages", "@myorg", "code-review", "1.0.0/../2.0.0"],
  ["packages", "@myorg", "code-review", "1.0.0\0"],
  ["packages", "@myorg", "code-review", "1.0.0 build"],
  ["packages", "@myorg", "code-review", LONG],
  ["packages", "@myorg", "code-review", "1.0.0", "tarball", "x"],
  ["packages", "@myorg", "code-review", "1.0.0", "deprecate"],
  ["packages", "@myorg", "code-review", "audit-log"],
  ["packages", "@myorg", "code-review", "dist-tags", "latest"],
  ["packages", "@myorg", "code-review", "dist-tags", "tarball"],
  ["packages", "@myorg", "code-review", "v1.0.0", "tarball"],
  ["approvals"],
  ["approvals", "1", "approve"],
  ["errors"],
  ["errors", "constructor"],
  ["errors", "NOTHING"],
  ["api"],
  ["api", "v1"],
  ["api", "v2", "packages"],
  ["api", "v1", "audit-log"],
  ["api", "v1", "packages", "myorg--code-review"],
  ["api", "v1", "packages", "@a/../b"],
  ["api", "v1", "packages", "@myorg", "code-review", "latest"],
  ["api", "v1", "packages", "@myorg", "code-review", "dist-tags"],
  ["api", "v1", "packages", "@myorg", "code-review", "audit-log"],
  ["api", "v1", "packages", "@myorg", "code-review", "tags", "latest"],
  ["api", "v1", "packages", "@myorg", "code-review", "1.0.0", "tarball"],
  ["api", "v1", "packages", "@myorg", "code-review", "1.0.0", "download", "x"],
  ["api", "v1", "packages", "@myorg", "code-review", "1.0.0", "approvals"],
];

const manifest = (version: string) => [{ path: "package.agent.json", body: Buffer.from(JSON.stringify({ name: NAME, version })) }];

const common = {
  page: ["packages", "@myorg", "code-review"],
  archive: ["packages", "@myorg", "code-review", "1.3.0", "tarball"],
  unlisted: ["packages", "@myorg", "code-review", "9.9.9", "tarball"],
  hostile: HOSTILE,
  manifests: manifest("1.3.0"),
  otherVersion: manifest("2.0.0"),
};

ecosystemContract("AAM from a registry", () => {
  const bench = new AamBench([REGISTRY]);
  const document = packageObject(NAME, ["1.3.0"]);
  bench.put(`${REGISTRY}packages/${NAME}`, document);
  return {
    ...common,
    ecosystem: bench.ecosystem,
    repository: bench.repository,
    upstreamRequests: () => bench.memory.requests.length,
    upstreamAddress: "registry.example",
  };
});

ecosystemContract("AAM from a folder", () => {
  const bench = new AamBench([FOLDER]);
  bench.put(`${FOLDER}packages/myorg--code-review/meta.json`, packageObject(NAME, ["1.3.0"]));
  return {
    ...common,
    ecosystem: bench.ecosystem,
    repository: bench.repository,
    upstreamRequests: () => bench.memory.requests.length,
    upstreamAddress: "/srv/aam-registry",
  };
});
