import { describe, expect, test } from "vitest";
import { AssayError } from "../../../src/core/errors.ts";
import type { HeldItem } from "../../../src/core/ports/ecosystem.ts";
import { evidenceFiles, type SoundDocument } from "../../../src/mirror/directory/evidence-source.ts";
import { archiveOf, type DirectoryBench, startDirectoryBench } from "../../support/directory-bench.ts";
import { emailName, type Loose, SigstoreInstance } from "../../support/sigstore-instance.ts";

const FILE = "packages/tool/versions/1.0.0.aam.sigstore.json";
const CI = `version: 1
signers:
  ci: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool, trust: internal}}
`;

/** A mirror that trusts `signing`, of a registry with a package that has these bundles. */
async function start(signing: SigstoreInstance, policy: string): Promise<DirectoryBench & { sign(...bundles: readonly Loose[]): void }> {
  const bench = await startDirectoryBench({ signing, policy });
  bench.publish("tool", [{ version: "1.0.0" }]);
  const sign = (...bundles: readonly Loose[]): void => {
    const signatures = bundles.map((bundle) => ({ type: "sigstore", bundle }));
    const body = JSON.stringify({ name: "tool", version: "1.0.0", signatures, attestations: [] });
    bench.upstream.serve("/aam/packages/tool/1.0.0/signature", { contentType: "application/json", body });
  };
  return { ...bench, sign };
}

const ARCHIVE = archiveOf("tool", { version: "1.0.0" });

describe("beside an archive is never", { timeout: 60_000 }, () => {
  test("what upstream says now, in the place of what was verified", async () => {
    const signing = new SigstoreInstance();
    const bench = await start(signing, CI);
    const verified = signing.signMessage(ARCHIVE);
    bench.sign(verified);
    expect(await bench.fetch("tool@1.0.0")).toEqual([200]);
    bench.sign(new SigstoreInstance().signMessage(ARCHIVE));
    bench.mirror.advance(86_400_000);
    await bench.sync();
    expect(JSON.parse(bench.read(FILE))).toEqual(verified);
  });

  test("what did not verify, though a policy that only observes let the archive in", async () => {
    const bench = await start(new SigstoreInstance(), "version: 1\nmode: audit\n");
    bench.sign(new SigstoreInstance().signMessage(ARCHIVE));
    expect(await bench.fetch("tool@1.0.0")).toEqual([200]);
    await bench.sync();
    expect(bench.forClient("tool")).toEqual(["1.0.0"]);
    expect(bench.files().has(FILE)).toBe(false);
  });

  test("the word of one whom the policy distrusts, beside that of one whom it names", async () => {
    const signing = new SigstoreInstance();
    const rule = '{match: ["pkg:aam/**"], signed_by: {any: [ci]}}';
    const bench = await start(signing, `${CI}defaults: {signature: {on_untrusted: warn}}\nrules: [${rule}]\n`);
    const named = signing.signMessage(ARCHIVE);
    const claims = { 1: "https://accounts.google.com", 8: "https://accounts.google.com" };
    bench.sign(signing.signMessage(ARCHIVE, { leaf: { names: [emailName("eve@evil.example")], claims } }), named);
    expect(await bench.fetch("tool@1.0.0")).toEqual([200]);
    await bench.sync();
    expect(JSON.parse(bench.read(FILE))).toEqual(named);
  });
});

describe("of what is held", () => {
  const CHECKED_AT = 1_000;
  const armored = Buffer.from("-----BEGIN PGP SIGNATURE-----\n\nwsA=\n-----END PGP SIGNATURE-----\n");
  const signature = (label: string, body = armored, fetchedAt = CHECKED_AT): HeldItem => ({
    item: { kind: "openpgp", label, signature: body },
    fetchedAt,
  });
  const sound: SoundDocument = { kind: "openpgp", label: "OpenPGP signature 1", isStatement: false, checkedAt: CHECKED_AT };

  async function filesOf(heldItems: () => Promise<readonly HeldItem[]>, warned: string[] = []): Promise<readonly string[]> {
    const upstream = { id: "aam", url: new URL("https://registry.example/") };
    const repository = { name: "aam", ecosystem: "aam", upstreams: [upstream] } as const;
    const ref = { repository: "aam", ecosystem: "aam", name: "tool", version: "1.0.0", file: "tool-1.0.0.aam" } as const;
    const log = { warn: (_: unknown, message: string) => void warned.push(message) };
    const archive = { repository, ref, upstream: "aam", url: "https://registry.example/tool.aam", sound: [sound] };
    return [...(await evidenceFiles(archive, { ecosystem: { heldItems }, log })).keys()];
  }

  test.each<{ name: string; held: HeldItem; files: readonly string[] }>([
    { name: "the document that was checked is taken", held: signature("OpenPGP signature 1"), files: [".asc"] },
    { name: "one that was fetched after the check is not", held: signature("OpenPGP signature 1", armored, CHECKED_AT + 1), files: [] },
    { name: "another one is not", held: signature("OpenPGP signature 2"), files: [] },
    {
      name: "a binary signature is not: no reader of the folder takes it",
      held: signature("OpenPGP signature 1", Buffer.of(0xc2)),
      files: [],
    },
  ])("$name", async ({ held, files }) => {
    expect(await filesOf(async () => [held])).toEqual(files);
  });

  test("what cannot be had is told, and nothing is taken for it", async () => {
    const warned: string[] = [];
    const lost = async (): Promise<never> => {
      throw new AssayError("UPSTREAM_UNREACHABLE", "nobody answers");
    };
    expect(await filesOf(lost, warned)).toEqual([]);
    expect(warned).toHaveLength(1);
  });
});
