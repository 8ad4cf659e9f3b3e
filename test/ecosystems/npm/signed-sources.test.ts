import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ArtifactRef } from "../../../src/core/artifact.ts";
import { AssayError } from "../../../src/core/errors.ts";
import type { EcosystemServices, SignedItem, SignedSource } from "../../../src/core/ports/ecosystem.ts";
import { createNpm } from "../../../src/ecosystems/npm/index.ts";
import { sharedData } from "../../support/shared-data.ts";
import { NpmBench, REPOSITORY, request, UPSTREAM } from "./npm-bench.ts";
import { INTEGRITY, manifest, packument } from "./published.ts";

const NAME = "@demo/pkg";
const REF: ArtifactRef = { repository: "npm", ecosystem: "npm", name: NAME, version: "1.0.0", file: "pkg-1.0.0.tgz" };
const AT = "-/npm/v1/attestations/@demo%2fpkg@1.0.0";
const TYPE = "https://slsa.dev/provenance/v1";
const SIGNATURES = [{ keyid: "SHA256:k", sig: "c2ln" }];
const ATTESTATIONS = { url: `https://other.example/-/npm/v1/attestations/@demo%2fpkg@1.0.0`, provenance: { predicateType: TYPE } };
const DOCUMENT = {
  attestations: [
    {
      predicateType: TYPE,
      bundle: {
        mediaType: "m",
        verificationMaterial: {},
        dsseEnvelope: {
          payload: Buffer.from(JSON.stringify({ predicateType: TYPE })).toString("base64"),
          payloadType: "application/vnd.in-toto+json",
          signatures: [{ sig: "eA==", keyid: "" }],
        },
      },
    },
  ],
};

function bench(dist: Record<string, unknown>, document?: object | string): NpmBench {
  const made = new NpmBench();
  made.serveJson("@demo%2fpkg", packument(NAME, [manifest(NAME, "1.0.0", {}, dist)]));
  if (document !== undefined)
    made.serve(AT, { contentType: "application/json", body: typeof document === "string" ? document : JSON.stringify(document) });
  return made;
}

async function published(made: NpmBench, more: Partial<EcosystemServices> = {}): Promise<readonly SignedSource[]> {
  const npm = createNpm({ ...made.services(), ...more });
  return npm.published(REPOSITORY, await npm.resolve(REPOSITORY, REF));
}

const SIGNATURES_LABEL = "the registry's signatures of @demo/pkg@1.0.0";
const ATTESTATIONS_LABEL = "the attestations of @demo/pkg@1.0.0";

test("a version whose packument says nothing has nothing, and nobody is asked", async () => {
  const made = bench({}, DOCUMENT);
  expect(await published(made)).toEqual([
    { label: SIGNATURES_LABEL, kind: "absent" },
    { label: ATTESTATIONS_LABEL, kind: "absent" },
  ]);
  expect(made.requests.filter((address) => address.includes("attestations"))).toEqual([]);
});

describe("the registry's keys, which clients verify with", () => {
  const KEYS = "-/npm/v1/keys";
  test.each<[string, Record<string, unknown>]>([
    ["signatures", { signatures: SIGNATURES }],
    ["attestations", { attestations: ATTESTATIONS }],
  ])("are kept with %s, and answered when upstream has them no more", async (_what, dist) => {
    const made = bench(dist, DOCUMENT);
    made.serveJson(KEYS, { keys: [] });
    await published(made);
    expect(made.requests.filter((address) => address.endsWith(KEYS))).toHaveLength(1);
    made.serve(KEYS, undefined);
    expect(await createNpm(made.services()).handle(REPOSITORY, request(KEYS))).toMatchObject({
      kind: "page",
      body: Buffer.from('{"keys":[]}'),
    });
  });

  test("hold nothing up where there are none", async () => {
    expect(await published(bench({ signatures: SIGNATURES }))).toMatchObject([{ kind: "published" }, { kind: "absent" }]);
  });
});

describe("registry signatures", () => {
  test.each<[string, unknown]>([
    ["no list", {}],
    ["a text", "sig"],
    ["an entry that is no object", ["x"]],
    ["an entry without keyid", [{ sig: "c2ln" }]],
    ["an entry without sig", [{ keyid: "SHA256:k" }]],
    ["one good entry and a bad one", [...SIGNATURES, {}]],
    ["a keyid of 257 characters", [{ keyid: "k".repeat(257), sig: "c2ln" }]],
    ["a sig of 1025 characters", [{ keyid: "k", sig: "c".repeat(1025) }]],
    ["9 entries", Array(9).fill(SIGNATURES[0])],
  ])("that are %s are malformed", async (_what, signatures) => {
    expect((await published(bench({ signatures })))[0]).toMatchObject({ label: SIGNATURES_LABEL, kind: "malformed" });
  });

  test("over an integrity that is not given are malformed", async () => {
    const [source] = await published(bench({ signatures: SIGNATURES, integrity: undefined }));
    expect(source).toMatchObject({ kind: "malformed", detail: expect.stringContaining("integrity") });
  });

  test.each([[undefined], [null], [[]]])("that are %j are absent", async (signatures) => {
    expect((await published(bench({ signatures })))[0]).toEqual({ label: SIGNATURES_LABEL, kind: "absent" });
  });

  test("are over name, version and the listed integrity, and have the listed time", async () => {
    expect((await published(bench({ signatures: SIGNATURES })))[0]).toEqual({
      label: SIGNATURES_LABEL,
      kind: "published",
      items: [
        {
          kind: "registry-signature",
          label: "registry signature 1",
          keyId: "SHA256:k",
          signature: "c2ln",
          message: `${NAME}@1.0.0:${INTEGRITY}`,
          publishedAt: Date.UTC(2024, 0, 1),
        },
      ],
    });
  });
});

describe("attestations that the packument names", () => {
  const dist = { attestations: ATTESTATIONS };

  test.each<[string, object | string | undefined]>([
    ["are not there", undefined],
    ["are an empty list", { attestations: [] }],
  ])("and that %s are unavailable, not absent", async (_what, document) => {
    expect((await published(bench(dist, document)))[1]).toMatchObject({ label: ATTESTATIONS_LABEL, kind: "unavailable" });
  });

  test("and that cannot be fetched are unavailable", async () => {
    const made = bench(dist);
    const npm = createNpm(made.services());
    const resolution = await npm.resolve(REPOSITORY, REF);
    made.failure = new AssayError("UPSTREAM_STATUS", "upstream answered 403");
    expect((await npm.published(REPOSITORY, resolution))[1]).toMatchObject({ kind: "unavailable", detail: "upstream answered 403" });
  });

  test.each<[string, object | string, string]>([
    ["no JSON", "<html>", "BUNDLE_MALFORMED"],
    ["another document", {}, "BUNDLE_MALFORMED"],
    ["under another type than is signed", { attestations: [{ ...DOCUMENT.attestations[0], predicateType: "x" }] }, "PREDICATE_MISMATCH"],
  ])("and that are %s are malformed", async (_what, document, code) => {
    expect((await published(bench(dist, document)))[1]).toMatchObject({ label: ATTESTATIONS_LABEL, kind: "malformed", code });
  });

  test.each<unknown>([true, "yes", {}, { url: 7 }, { url: "::" }])("as %j are asked for", async (attestations) => {
    expect((await published(bench({ attestations }, DOCUMENT)))[1]).toMatchObject({ kind: "published" });
  });

  test("are items with their type and the registries that may have published the version", async () => {
    const knownRegistries = [new URL("https://mirrored.example/")];
    const [, source] = await published(bench(dist, DOCUMENT), { knownRegistries });
    expect(source).toMatchObject({ label: ATTESTATIONS_LABEL, kind: "published" });
    expect(source?.kind === "published" ? source.items : []).toMatchObject([
      {
        kind: "sigstore",
        label: "npm attestation 1",
        context: { predicateType: TYPE, registries: [UPSTREAM.url.href, "https://other.example", "https://mirrored.example/"] },
      },
    ]);
  });

  test("are not asked of another upstream than the one whose package it is", async () => {
    const other = { id: "npm#1", url: new URL("https://second.example/") };
    const made = bench(dist);
    made.pages.set(new URL(AT, other.url).href, { contentType: "application/json", body: JSON.stringify(DOCUMENT) });
    const npm = createNpm(made.services());
    const repository = { ...REPOSITORY, upstreams: [UPSTREAM, other] };
    const [, source] = await npm.published(repository, await npm.resolve(repository, REF));
    expect(source).toMatchObject({ kind: "unavailable" });
    expect(made.requests.filter((address) => address.startsWith(other.url.href))).toEqual([]);
  });
});

describe("what upstream lost, we still have", () => {
  test("attestations that are gone are still judged and still served, as are keys", async () => {
    const made = bench({ attestations: ATTESTATIONS }, DOCUMENT);
    made.serveJson("-/npm/v1/keys", { keys: [] });
    const npm = createNpm(made.services());
    await published(made);
    await npm.handle(REPOSITORY, request("-/npm/v1/keys"));
    made.serve(AT, undefined);
    made.serve("-/npm/v1/keys", undefined);
    expect((await published(made))[1]).toMatchObject({ kind: "published" });
    for (const path of ["-/npm/v1/attestations/@demo/pkg@1.0.0", "-/npm/v1/keys"]) {
      expect(await npm.handle(REPOSITORY, request(path))).toMatchObject({ kind: "page", freshness: { stale: "upstream has it no more" } });
    }
  });

  test("a package that is gone is listed with what clients verify themselves", async () => {
    const made = bench({ attestations: ATTESTATIONS, signatures: SIGNATURES }, DOCUMENT);
    await published(made);
    made.admitClaimed(REF, Buffer.from("an archive"));
    made.pages.clear();
    const page = await createNpm(made.services()).handle(REPOSITORY, request(NAME));
    const { versions } = JSON.parse(page.kind === "page" ? page.body.toString() : "{}") as { versions: Record<string, { dist: object }> };
    expect(versions["1.0.0"]?.dist).toMatchObject({
      integrity: INTEGRITY,
      signatures: SIGNATURES,
      attestations: { url: "http://mirror.example/npm/-/npm/v1/attestations/@demo%2fpkg@1.0.0" },
    });
  });
});

const DATA = sharedData("npm");

describe.skipIf(!DATA)("real registry signatures", () => {
  interface RealSignature {
    readonly name: string;
    readonly version: string;
    readonly integrity: string;
    readonly keyid: string;
    readonly sig: string;
    readonly message: string;
  }
  const real = DATA
    ? (JSON.parse(readFileSync(join(DATA, "manifest.json"), "utf8")) as { registrySignatures: readonly RealSignature[] }).registrySignatures
    : [];

  test.each(real)("$name@$version: the text that was signed", async ({ name, version, integrity, keyid, sig, message }) => {
    const made = new NpmBench();
    const dist = { integrity, shasum: undefined, signatures: [{ keyid, sig }] };
    made.serveJson(name.replace("/", "%2f"), packument(name, [manifest(name, version, {}, dist)]));
    const npm = createNpm(made.services());
    const ref: ArtifactRef = {
      repository: "npm",
      ecosystem: "npm",
      name,
      version,
      file: `${name.slice(name.indexOf("/") + 1)}-${version}.tgz`,
    };
    const [source] = await npm.published(REPOSITORY, await npm.resolve(REPOSITORY, ref));
    const expected: Partial<SignedItem> = { kind: "registry-signature", keyId: keyid, signature: sig, message };
    expect(source).toMatchObject({ kind: "published", items: [expected] });
  });
});
