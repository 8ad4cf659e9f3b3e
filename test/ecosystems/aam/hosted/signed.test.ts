import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../../store/temporary-folder.ts";
import { buildAam } from "../../../support/archives.ts";
import { type HostedBench, type Part, startHosted } from "../../../support/hosted-bench.ts";
import { ISSUER, REPOSITORY, SigstoreInstance } from "../../../support/sigstore-instance.ts";

const signing = new SigstoreInstance();
const NAME = "@acme/tool";
const TOOL = buildAam({ name: NAME, version: "1.0.0" }).bytes;
const SOURCE = { uri: `git+${REPOSITORY}@refs/tags/v1.0.0`, digest: { sha1: "a".repeat(40) } };

const sigstore = (bytes: Buffer, by = signing): string => JSON.stringify(by.signMessage(bytes));

function attestation(bytes: Buffer, name = `${NAME}-1.0.0.aam`): string {
  const bundle = signing.signStatement({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name, digest: { sha256: createHash("sha256").update(bytes).digest("hex") } }],
    predicateType: "https://uaaps.github.io/provenance/v1",
    predicate: {
      builder: { id: "https://github.com/actions/runner" },
      buildType: "https://uaaps.github.io/build/aam-pack/v1",
      invocation: { configSource: { ...SOURCE, entryPoint: ".github/workflows/release.yml" } },
      metadata: { reproducible: false },
      materials: [SOURCE],
    },
  });
  return JSON.stringify(bundle);
}

function start(policy = "version: 1\nmode: enforce\n"): Promise<HostedBench> {
  const root = join(temporaryFolder(), "root.json");
  writeFileSync(root, JSON.stringify(signing.trustedRoot()));
  return startHosted({ repository: ", trust: internal", config: `trust: {internal: {sigstore: ${root}}}`, policy });
}

const ACME = `{sigstore: {trust: internal, issuer: "${ISSUER}", repository: acme/tool}}`;
const BY = (signer: string, mode = "enforce"): string =>
  `version: 1\nmode: ${mode}\nsigners: {release: ${signer}}\nrules: [{match: ["pkg:aam/*", "pkg:aam/%40acme/*"], signed_by: {any: [release]}}]\n`;

describe("a signature that comes with an upload is verified at the door", () => {
  test.each<[string, readonly (readonly [string, Part])[], string?]>([
    ["over other bytes", [["signature", sigstore(Buffer.from("other"))]]],
    ["by an instance that nobody here trusts", [["signature", sigstore(TOOL, new SigstoreInstance())]]],
    [
      "beside one that is well",
      [
        ["signature", sigstore(TOOL)],
        ["signature", sigstore(Buffer.from("other"))],
      ],
    ],
    ["of a statement about another archive", [["attestation", attestation(Buffer.from("other"))]]],
    ["of a statement about another package", [["attestation", attestation(TOOL, "@acme/other-1.0.0.aam")]]],
    ["by somebody whom the policy does not name", [["signature", sigstore(TOOL)]], BY(ACME.replace("acme/tool", "acme/other"))],
    ["the same in audit mode", [["signature", sigstore(TOOL)]], BY(ACME.replace("acme/tool", "acme/other"), "audit")],
    ["over other bytes, in audit mode", [["signature", sigstore(Buffer.from("other"))]], "version: 1\nmode: audit\n"],
  ])("%s: SIGNATURE_INVALID, and nothing is kept", async (_, parts, policy) => {
    const bench = await start(policy);
    const response = await bench.publish(TOOL, { parts });
    expect([response.status, await response.json()]).toMatchObject([403, { error: { code: "SIGNATURE_INVALID" } }]);
    const flat = await bench.publish(TOOL, { parts, path: "/skills/api/v1/packages" });
    expect([flat.status, await flat.json()]).toMatchObject([400, { error: "signature_invalid" }]);
    expect((await bench.mirror.get(`/skills/packages/${NAME}`)).status).toBe(404);
  });

  test.each<[string, Part]>([
    ["a field", sigstore(TOOL)],
    ["a file", new Blob([sigstore(TOOL)])],
  ])("as %s, it is kept, served as it came, and counts for readers", async (_, part) => {
    const bench = await start(BY(ACME));
    const response = await bench.publish(TOOL, {
      parts: [
        ["signature", part],
        ["signature_type", "sigstore"],
        ["attestation", attestation(TOOL)],
      ],
    });
    expect(response.status).toBe(201);
    const { signatures, attestations } = (await (await bench.mirror.get(`/skills/packages/${NAME}/1.0.0/signature`)).json()) as Record<
      string,
      unknown[]
    >;
    expect(signatures).toMatchObject([
      { type: "sigstore", bundle: { mediaType: expect.stringContaining("sigstore.bundle") } },
      { type: "registry-attestation" },
    ]);
    expect(attestations).toHaveLength(1);
    expect((await bench.mirror.get(`/skills/packages/${NAME}/1.0.0/tarball`)).status).toBe(200);
    const admin = await bench.token({ owner: "root", scopes: ["admin"] });
    const log = await bench.send("GET", "/skills/api/v1/audit-log", { token: admin });
    expect(await log.json()).toMatchObject({
      entries: [{ metadata: { signature_method: "sigstore", source_commit: expect.stringMatching(/^[0-9a-f]{40}$/) } }],
    });
  });

  test("where one is required, it lets the archive in", async () => {
    const bench = await start("version: 1\nmode: enforce\ngovernance: {publish_policy: {require_signature: true}}\n");
    expect((await bench.publish(TOOL)).status).toBe(403);
    expect((await bench.publish(TOOL, { parts: [["signature", sigstore(TOOL)]] })).status).toBe(201);
  });

  test("a package keeps the signer it had: the next version by nobody is not taken", async () => {
    const bench = await start();
    expect((await bench.publish(TOOL, { parts: [["signature", sigstore(TOOL)]] })).status).toBe(201);
    const response = await bench.publish(buildAam({ name: NAME, version: "1.0.1" }).bytes);
    expect([response.status, await response.json()]).toMatchObject([403, { error: { code: "SIGNATURE_INVALID" } }]);
  });
});
