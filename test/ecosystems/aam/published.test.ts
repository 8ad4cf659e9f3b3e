import { describe, expect, test } from "vitest";
import { AssayError } from "../../../src/core/errors.ts";
import type { SignedSource } from "../../../src/core/ports/ecosystem.ts";
import { AamBench, FOLDER, packageObject, REGISTRY, versionEntry } from "./aam-bench.ts";

const ENDPOINT = `${REGISTRY}packages/git-utils/1.0.0/signature`;
const ARCHIVE = `${FOLDER}packages/git-utils/versions/1.0.0.aam`;
const ARMOR = "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n";
const BUNDLE = { mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", dsseEnvelope: { payload: "e30=" } };
/** What the AAM dialect calls a Sigstore bundle. */
const HOME_MADE = { type: "sigstore", version: "1.0", certificate: { pem: "x" }, transparency_log: { log_index: 1 } };
const LABEL = "the signatures of git-utils@1.0.0";

const registry = (): AamBench => new AamBench([REGISTRY]).put(`${REGISTRY}packages/git-utils`, packageObject("git-utils", ["1.0.0"]));
const folder = (): AamBench => new AamBench([FOLDER]).put(`${FOLDER}packages/git-utils/meta.json`, packageObject("git-utils", ["1.0.0"]));

async function published(bench: AamBench): Promise<readonly SignedSource[]> {
  return bench.ecosystem.published(bench.repository, await bench.resolve("git-utils", "1.0.0"));
}

describe("a registry's signatures", () => {
  const answered = (body: object | string) => published(registry().put(ENDPOINT, body));
  const signatures = (...list: unknown[]) => answered({ signatures: list });
  const malformed = (code: string) => [{ label: LABEL, kind: "malformed", code }];

  test.each<[string, object | string, string]>([
    ["no JSON", "oops", "BUNDLE_MALFORMED"],
    ["another version's", { version: "2.0.0" }, "BUNDLE_MALFORMED"],
    ["another package's", { name: "evil" }, "BUNDLE_MALFORMED"],
    ["two answers in one", '{"signatures":[],"signatures":[]}', "BUNDLE_MALFORMED"],
    ["no list", { signatures: {} }, "BUNDLE_MALFORMED"],
    ["an entry that is no object", { signatures: ["x"] }, "BUNDLE_MALFORMED"],
    ["a Sigstore bundle that is a text", { signatures: [{ type: "sigstore", bundle: "x" }] }, "BUNDLE_MALFORMED"],
    ["a registry attestation that is a text", { signatures: [{ type: "registry-attestation", envelope: "x" }] }, "BUNDLE_MALFORMED"],
    ["a gpg signature without its text", { signatures: [{ type: "gpg", fingerprint: "AB" }] }, "BUNDLE_MALFORMED"],
    ["an attestation without bundle", { attestations: [{ predicateType: "x" }] }, "BUNDLE_MALFORMED"],
    ["attestations that are no list", { attestations: "x" }, "BUNDLE_MALFORMED"],
    ["65 signatures", { signatures: Array(65).fill({ type: "gpg", signature: ARMOR }) }, "BUNDLE_LIMIT"],
    ["more than 4 MiB", { signatures: [], padding: "x".repeat(4 * 1024 * 1024) }, "BUNDLE_LIMIT"],
  ])("that are %s are malformed", async (_what, body, code) => {
    expect(await answered(body)).toMatchObject(malformed(code));
  });

  test("that cannot be fetched are unavailable", async () => {
    const bench = registry();
    const resolution = await bench.resolve("git-utils", "1.0.0");
    bench.memory.failure = new AssayError("UPSTREAM_STATUS", "upstream answered 500");
    expect(await bench.ecosystem.published(bench.repository, resolution)).toEqual([
      { label: LABEL, kind: "unavailable", detail: "upstream answered 500" },
    ]);
  });

  test("that the version's metadata names, and that are not there, are unavailable", async () => {
    const versions = { "1.0.0": versionEntry("git-utils", "1.0.0", { signatures: [{ type: "sigstore" }] }) };
    const bench = new AamBench([REGISTRY]).put(`${REGISTRY}packages/git-utils`, packageObject("git-utils", [], { versions }));
    expect(await published(bench)).toMatchObject([{ label: LABEL, kind: "unavailable" }]);
  });

  test.each<[string, Promise<readonly SignedSource[]>]>([
    ["the registry has no such address", published(registry())],
    ["there are none", answered({ signatures: [], attestations: null })],
    ["they are of unknown types", signatures({ type: "future" }, { type: "registry-attestation", signature: "ab" })],
    ["they are in the dialect's own form", signatures(HOME_MADE, { type: "sigstore", bundle: HOME_MADE })],
  ])("are absent where %s", async (_what, sources) => {
    expect(await sources).toEqual([{ label: LABEL, kind: "absent" }]);
  });

  test("are items of their kinds, beside what is left out", async () => {
    const predicateType = "https://uaaps.github.io/provenance/v1";
    const sources = await answered({
      signatures: [
        HOME_MADE,
        { type: "sigstore", bundle: BUNDLE },
        { type: "gpg", signature: ARMOR },
        { type: "registry-attestation", envelope: { payload: "e30=" } },
      ],
      attestations: [{ predicateType, bundle: BUNDLE }, { bundle: BUNDLE }],
    });
    const bundle = Buffer.from(JSON.stringify(BUNDLE));
    expect(sources).toEqual([
      {
        label: LABEL,
        kind: "published",
        items: [
          { kind: "sigstore", label: "Sigstore bundle 2", bundle, context: {} },
          { kind: "openpgp", label: "OpenPGP signature 3", signature: Buffer.from(ARMOR) },
          { kind: "vsa", label: "registry attestation 4", envelope: Buffer.from('{"payload":"e30="}') },
          { kind: "sigstore", label: "attestation 1", bundle, context: { predicateType } },
          { kind: "sigstore", label: "attestation 2", bundle, context: {} },
        ],
      },
    ]);
  });

  test("that upstream lost are still judged and still served, also when the package is gone", async () => {
    const bench = registry().put(ENDPOINT, { signatures: [{ type: "gpg", signature: ARMOR }] });
    await published(bench);
    bench.memory.pages.delete(ENDPOINT);
    expect(await published(bench)).toMatchObject([{ kind: "published" }]);
    const served = { signatures: [{ type: "gpg", signature: ARMOR }] };
    expect(await bench.json("packages/git-utils/1.0.0/signature")).toMatchObject(served);

    const { ref, upstream } = await bench.resolve("git-utils", "1.0.0");
    bench.memory.admit(ref, "git-utils 1.0.0", { upstream: upstream.id });
    bench.memory.pages.clear();
    expect(await bench.json("packages/git-utils/1.0.0/signature")).toMatchObject(served);
  });
});

describe("the files beside an archive", () => {
  const file = (ending: string) => `the ${ending} file of git-utils@1.0.0`;
  const ENDINGS = [".sigstore.json", ".asc", ".provenance.json"];

  test("are three places, and what is wrong with one says nothing of the others", async () => {
    const bench = folder().put(`${ARCHIVE}.sigstore.json`, "oops").put(`${ARCHIVE}.asc`, ARMOR);
    expect(await published(bench)).toMatchObject([
      { label: file(".sigstore.json"), kind: "malformed", code: "BUNDLE_MALFORMED" },
      { label: file(".asc"), kind: "published", items: [{ kind: "openpgp", signature: Buffer.from(ARMOR) }] },
      { label: file(".provenance.json"), kind: "absent" },
    ]);
  });

  test("that cannot be read are unavailable", async () => {
    const bench = folder();
    const resolution = await bench.resolve("git-utils", "1.0.0");
    bench.memory.failure = new AssayError("UPSTREAM_UNREACHABLE", "the folder is not there");
    const detail = "the folder is not there";
    expect(await bench.ecosystem.published(bench.repository, resolution)).toEqual(
      ENDINGS.map((ending) => ({ label: file(ending), kind: "unavailable", detail })),
    );
  });

  test.each<[string, string, object | string, string]>([
    [".asc", "no armor", "AAAA", "malformed"],
    [".provenance.json", "a key twice", '{"mediaType":"a","mediaType":"b"}', "malformed"],
    [".sigstore.json", "the dialect's own form", HOME_MADE, "absent"],
  ])("%s with %s", async (ending, _what, body, kind) => {
    const sources = await published(folder().put(`${ARCHIVE}${ending}`, body));
    expect(sources.find(({ label }) => label === file(ending))).toMatchObject({ kind });
  });

  test("are bundles byte for byte, and are kept", async () => {
    const text = `${JSON.stringify(BUNDLE)}\n`;
    const bench = folder().put(`${ARCHIVE}.sigstore.json`, text).put(`${ARCHIVE}.provenance.json`, text);
    const expected = [
      { kind: "published", items: [{ kind: "sigstore", label: "Sigstore bundle", bundle: Buffer.from(text) }] },
      { kind: "absent" },
      { kind: "published", items: [{ kind: "sigstore", label: "attestation", bundle: Buffer.from(text) }] },
    ];
    expect(await published(bench)).toMatchObject(expected);
    for (const ending of ENDINGS) bench.memory.pages.delete(`${ARCHIVE}${ending}`);
    expect(await published(bench)).toMatchObject(expected);
  });
});
