import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ArtifactRef } from "../../../src/core/artifact.ts";
import { AssayError } from "../../../src/core/errors.ts";
import type { SignedSource } from "../../../src/core/ports/ecosystem.ts";
import { sharedData } from "../../support/shared-data.ts";
import { demoPage, FILES, fileEntry, PypiBench, REPOSITORY, SDIST, WHEEL, WHEEL_BYTES } from "./pypi-fixture.ts";

const URL_OF_PROVENANCE = `${FILES}/provenance/${WHEEL}`;
const LABEL = `the provenance of ${WHEEL}`;
const EMPTY = JSON.stringify({ version: 1, attestation_bundles: [] });
const base64 = (text: string) => Buffer.from(text).toString("base64");
const PUBLISHER = { kind: "GitHub", repository: "acme/tool", workflow: "release.yml", environment: null };
const ATTESTATION = {
  version: 1,
  verification_material: {
    certificate: base64("certificate"),
    transparency_entries: [
      {
        logIndex: "1",
        logId: { keyId: base64("log") },
        kindVersion: { kind: "dsse", version: "0.0.1" },
        integratedTime: "1733354041",
        inclusionPromise: { signedEntryTimestamp: base64("promise") },
        canonicalizedBody: base64("{}"),
      },
    ],
  },
  envelope: { statement: base64("{}"), signature: base64("signature") },
};
const provenanceOf = (attestation: object): string =>
  JSON.stringify({ version: 1, attestation_bundles: [{ publisher: PUBLISHER, attestations: [attestation] }] });
const PROVENANCE = provenanceOf(ATTESTATION);

function bench(provenance?: string): PypiBench {
  const made = new PypiBench().publish("demo-pkg", demoPage());
  if (provenance !== undefined) made.memory.pages.set(URL_OF_PROVENANCE, { contentType: "application/json", body: provenance });
  return made;
}

const refOf = (file: string): ArtifactRef => ({ repository: "pypi", ecosystem: "pypi", name: "demo-pkg", version: "1.0", file });

async function published(made: PypiBench, file = WHEEL): Promise<readonly SignedSource[]> {
  const resolution = await made.ecosystem.resolve(REPOSITORY, refOf(file));
  return made.ecosystem.published(REPOSITORY, resolution);
}

describe("evidence that could not be had does not pass for evidence that is not there", () => {
  test.each([
    ["UPSTREAM_STATUS", "unavailable"],
    ["UPSTREAM_AUTH", "unavailable"],
    ["UPSTREAM_TIMEOUT", "unavailable"],
    ["OFFLINE", "unavailable"],
    ["UPSTREAM_CONTENT_TYPE", "malformed"],
    ["UPSTREAM_LIMIT", "malformed"],
  ] as const)("an upstream that fails with %s is %s", async (code, kind) => {
    const made = bench();
    const resolution = await made.ecosystem.resolve(REPOSITORY, refOf(WHEEL));
    made.memory.failure = new AssayError(code, "it failed");
    expect(await made.ecosystem.published(REPOSITORY, resolution)).toMatchObject([{ label: LABEL, kind, detail: "it failed" }]);
  });

  test.each([
    ["an error page", "<h1>error</h1>", "BUNDLE_MALFORMED"],
    ["another object", '{"version":1}', "BUNDLE_MALFORMED"],
    ["an attestation that is none", provenanceOf({}), "BUNDLE_MALFORMED"],
    ["an attestation of a newer version", provenanceOf({ ...ATTESTATION, version: 2 }), "BUNDLE_UNSUPPORTED"],
  ])("%s is malformed", async (_what, provenance, code) => {
    expect(await published(bench(provenance))).toMatchObject([{ label: LABEL, kind: "malformed", code }]);
  });
});

test.each([
  ["the page says that there is none", SDIST, PROVENANCE],
  ["it has no attestations", WHEEL, EMPTY],
  ["its bundles have no attestations", WHEEL, '{"version":1,"attestation_bundles":[{"publisher":null,"attestations":[]}]}'],
])("provenance is absent where %s", async (_what, file, provenance) => {
  expect(await published(bench(provenance), file)).toEqual([{ label: `the provenance of ${file}`, kind: "absent" }]);
});

test("provenance that the page names and upstream does not have could not be had", async () => {
  expect(await published(bench(undefined))).toMatchObject([
    { label: LABEL, kind: "unavailable", detail: expect.stringContaining("the simple index announces it") },
  ]);
});

test("nothing is asked of upstream where the page says that there is none", async () => {
  const made = bench(PROVENANCE);
  await published(made, SDIST);
  expect(made.memory.requests.filter((address) => address.includes("provenance"))).toEqual([]);
});

test("each attestation is an item, with the publisher that the index names", async () => {
  const [source] = await published(bench(PROVENANCE));
  expect(source).toMatchObject({
    label: LABEL,
    kind: "published",
    items: [{ kind: "sigstore", label: "PEP 740 attestation 1", context: { publisher: PUBLISHER } }],
  });
});

describe("what upstream lost, we still have", () => {
  const held = async (): Promise<PypiBench> => {
    const made = bench(PROVENANCE);
    await published(made);
    made.memory.pages.delete(URL_OF_PROVENANCE);
    return made;
  };
  const paths = [`files/demo-pkg/${WHEEL}.provenance`, `integrity/demo-pkg/1.0/${WHEEL}/provenance`];

  test("a provenance that is gone is still judged", async () => {
    expect(await published(await held())).toMatchObject([{ kind: "published" }]);
  });

  test.each(paths)("a provenance that is gone is still served at %s, marked stale", async (path) => {
    expect(await (await held()).get(path)).toMatchObject({
      kind: "page",
      body: Buffer.from(PROVENANCE),
      freshness: { stale: "upstream has it no more" },
    });
  });

  test.each(paths)("so is that of a file that its page lists no more, at %s", async (path) => {
    const made = (await held()).publish("demo-pkg", demoPage({ files: [] }));
    expect(await made.get(path)).toMatchObject({ kind: "page", body: Buffer.from(PROVENANCE) });
  });

  test("and that of a project that is gone, which the page of what was admitted names", async () => {
    const made = await held();
    made.memory.admit(refOf(WHEEL), WHEEL_BYTES);
    made.memory.pages.clear();
    const { provenance } = (await made.files("demo-pkg"))[WHEEL] ?? {};
    expect(provenance).toEqual(expect.stringContaining(`/pypi/integrity/demo-pkg/1.0/${WHEEL}/provenance`));
    expect(await made.get(paths[0] ?? "")).toMatchObject({ body: Buffer.from(PROVENANCE) });
  });

  test.each(paths)("so is it at %s where upstream cannot be reached, and nothing of it is held but this", async (path) => {
    const made = await held();
    made.memory.forget("simple/demo-pkg");
    made.memory.failure = new AssayError("UPSTREAM_UNREACHABLE", "no route");
    expect(await made.get(path)).toMatchObject({ body: Buffer.from(PROVENANCE), freshness: { stale: "no route" } });
  });

  test("a page of lost files names no provenance of bytes other than the admitted ones", async () => {
    const made = await held();
    made.memory.admit(refOf(WHEEL), "other bytes");
    made.memory.pages.clear();
    expect((await made.files("demo-pkg"))[WHEEL]).not.toHaveProperty("provenance");
  });

  test("a file that was never listed has none", async () => {
    const made = await held();
    await expect(made.get("files/demo-pkg/demo_pkg-9.0-py3-none-any.whl.provenance")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

const DATA = sharedData("pypi");

describe.skipIf(!DATA)("real provenance objects", () => {
  const folder = join(DATA ?? "", "valid");
  const files = DATA ? readdirSync(folder).filter((file) => file.endsWith(".provenance")) : [];

  test.each(files)("%s is published with every attestation", async (provenanceFile) => {
    const file = provenanceFile.slice(0, -".provenance".length);
    const [name = "", version = ""] = file.replace(/\.tar\.gz$/, "").split("-");
    const project = name.replaceAll("_", "-");
    const provenance = `${FILES}/${provenanceFile}`;
    const made = new PypiBench().publish(project, { meta: { "api-version": "1.3" }, files: [fileEntry(file, "x", { provenance })] });
    const body = readFileSync(join(folder, provenanceFile));
    made.memory.pages.set(provenance, { contentType: "application/vnd.pypi.integrity.v1+json", body });
    const ref: ArtifactRef = { repository: "pypi", ecosystem: "pypi", name: project, version, file };
    const sources = await made.ecosystem.published(REPOSITORY, await made.ecosystem.resolve(REPOSITORY, ref));
    const { attestation_bundles: bundles } = JSON.parse(body.toString()) as { attestation_bundles: { attestations: unknown[] }[] };
    expect(sources).toMatchObject([{ kind: "published", items: bundles.flatMap(({ attestations }) => attestations.map(() => ({}))) }]);
  });
});
