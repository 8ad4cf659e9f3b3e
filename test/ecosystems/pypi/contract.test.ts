import { ecosystemContract } from "../../contract/ecosystem.ts";
import { demoPage, FILES, METADATA, PypiBench, REPOSITORY, WHEEL } from "./pypi-fixture.ts";

const LONG = "a".repeat(10_000);

ecosystemContract("PyPI", () => {
  const bench = new PypiBench().publish("demo-pkg", demoPage());
  return {
    ecosystem: bench.ecosystem,
    repository: REPOSITORY,
    upstreamRequests: () => bench.memory.requests.length,
    page: ["simple", "demo-pkg", ""],
    archive: ["files", "demo-pkg", WHEEL],
    upstreamAddress: FILES,
    unlisted: ["files", "demo-pkg", "demo_pkg-9.9-py3-none-any.whl"],
    hostile: [
      [""],
      ["etc", "passwd"],
      ["simple", "..demo", ""],
      ["simple", "demo/../../etc", ""],
      ["simple", "demo\0", ""],
      ["simple", "demo\r\nSet-Cookie: a=b", ""],
      ["simple", "démo", ""],
      ["simple", "\u212Aelvin", ""],
      ["simple", "demo%2fpkg", ""],
      ["simple", "-demo", ""],
      ["simple", "demo_", ""],
      ["simple", LONG, ""],
      ["simple", "demo-pkg", "index.html"],
      ["simple", "demo-pkg", "", ""],
      ["files"],
      ["files", "demo-pkg"],
      ["files", "demo-pkg", ""],
      ["files", "demo-pkg", WHEEL, ""],
      ["files", "demo-pkg", "../demo_pkg-1.0.tar.gz"],
      ["files", "demo-pkg", "demo_pkg-1.0/../../x.tar.gz"],
      ["files", "demo-pkg", "demo_pkg-1.0%2f.tar.gz"],
      ["files", "demo-pkg", "demo_pkg-1.0\0.tar.gz"],
      ["files", "demo-pkg", "demo_pkg-1.0\r\n.tar.gz"],
      ["files", "demo-pkg", 'demo_pkg-1.0"><script>.tar.gz'],
      ["files", "demo-pkg", "demo_pkg-1.0é.tar.gz"],
      ["files", "demo-pkg", `demo_pkg-${LONG}.tar.gz`],
      ["files", "demo-pkg", "other-1.0.tar.gz"],
      ["files", "demo-pkg", `${WHEEL}.asc`],
      ["files", "demo-pkg", `${WHEEL}.metadata.metadata`],
      ["files", "demo-pkg", ".metadata"],
      ["integrity", "demo-pkg", "1.0", WHEEL],
      ["integrity", "demo-pkg", "2.0", WHEEL, "provenance"],
      ["integrity", "demo-pkg", "1.0\r\n", WHEEL, "provenance"],
      ["integrity", "demo-pkg", LONG, WHEEL, "provenance"],
      ["integrity", "other", "1.0", WHEEL, "provenance"],
    ],
    manifests: [{ path: "demo_pkg-1.0.dist-info/METADATA", body: Buffer.from(METADATA) }],
    otherVersion: [{ path: "demo_pkg-2.0.dist-info/METADATA", body: Buffer.from(METADATA.replace("1.0", "2.0")) }],
  };
});
