import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ArtifactReport } from "../../src/mirror/explain/report.ts";
import { findClient, registriesReachable, Workspace } from "../support/clients.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";
import { paste } from "../support/paste.ts";
import { sharedData } from "../support/shared-data.ts";

/** Real archives with their real attestations, from an index that publishes them, through the whole mirror. */
const PROJECT = "abi3info";
const WHEEL = "abi3info-2024.10.8-py3-none-any.whl";
const OTHER_WHEEL = "abi3info-2024.10.3-py3-none-any.whl";

const folder = sharedData("pypi");
const reachable = folder !== undefined && registriesReachable();
if (folder && !reachable) console.warn("skipped: the archives of the real attestations cannot be downloaded here");

describe.skipIf(!reachable)("a wheel with a real attestation", () => {
  let upstream: FakeUpstream;
  let mirror: MirrorBench;
  let wheel: Buffer;
  const scratch = mkdtempSync(join(tmpdir(), "assay-attested-"));
  const policyFile = join(scratch, "policy.yaml");
  const filePath = `/pypi/files/${PROJECT}/${WHEEL}`;

  beforeAll(async () => {
    const download = [
      "-m",
      "pip",
      "download",
      "--no-deps",
      "--no-cache-dir",
      "--only-binary=:all:",
      "--dest",
      scratch,
      `${PROJECT}==2024.10.8`,
    ];
    execFileSync("python3", download, { stdio: "ignore", timeout: 60_000 });
    wheel = readFileSync(join(scratch, readdirSync(scratch).find((name) => name === WHEEL) ?? WHEEL));
    upstream = await startFakeUpstream();
    writeFileSync(policyFile, "version: 1\n");
  }, 90_000);
  afterAll(async () => {
    await upstream?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  function provenance(file: string): Buffer {
    return readFileSync(join(folder ?? "", "valid", `${file}.provenance`));
  }

  /** A mirror with nothing in it, of an index whose page names this provenance. */
  async function mirrorOf(published: Buffer | undefined, bytes = wheel): Promise<MirrorBench> {
    await mirror?.close();
    upstream.heal();
    upstream.serve(`/files/${WHEEL}`, { body: bytes });
    if (published) upstream.serve(`/provenance/${WHEEL}`, { body: published, contentType: "application/vnd.pypi.integrity.v1+json" });
    else upstream.remove(`/provenance/${WHEEL}`);
    upstream.serve(`/simple/${PROJECT}/`, {
      contentType: "application/vnd.pypi.simple.v1+json",
      body: JSON.stringify({
        meta: { "api-version": "1.3" },
        name: PROJECT,
        versions: ["2024.10.8"],
        files: [
          {
            filename: WHEEL,
            url: upstream.url(`/files/${WHEEL}`).href,
            hashes: { sha256: createHash("sha256").update(bytes).digest("hex") },
            size: bytes.length,
            "upload-time": "2024-10-08T12:00:00.000000Z",
            provenance: published === undefined ? null : upstream.url(`/provenance/${WHEEL}`).href,
          },
        ],
      }),
    });
    mirror = await startMirror({
      config: `
policy: ${policyFile}
metadata_ttl: 1h
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/simple/", retries: 0}]}
`,
    });
    return mirror;
  }

  const refused = async (code: string): Promise<void> => {
    for (const [method, headers] of [
      ["GET", {}],
      ["HEAD", {}],
      ["GET", { Range: "bytes=0-10" }],
    ] as const) {
      const response = await mirror.get(filePath, { method, headers });
      expect(response.status).toBe(403);
      if (method === "GET") expect(await response.json()).toMatchObject({ code });
    }
  };

  test("whose attestation is another archive's is refused", async () => {
    await mirrorOf(provenance(OTHER_WHEEL));
    await refused("SUBJECT_MISMATCH");
  });

  test("whose attestation has a changed signature is refused", async () => {
    const document = JSON.parse(provenance(WHEEL).toString("utf8"));
    const { envelope } = document.attestation_bundles[0].attestations[0];
    const signature = Buffer.from(envelope.signature, "base64");
    signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1);
    envelope.signature = signature.toString("base64");
    await mirrorOf(Buffer.from(JSON.stringify(document)));
    // The log recorded another signature, which is found before this one is computed.
    await refused("LOG_ENTRY_INVALID");
  });

  test("whose index names another publisher than the certificate is refused", async () => {
    const document = JSON.parse(provenance(WHEEL).toString("utf8"));
    document.attestation_bundles[0].publisher.repository = "mallory/abi3info";
    await mirrorOf(Buffer.from(JSON.stringify(document)));
    await refused("PUBLISHER_MISMATCH");
  });

  test("whose provenance cannot be fetched is neither served nor refused, and served once it can", async () => {
    await mirrorOf(provenance(WHEEL));
    upstream.fault(`/provenance/${WHEEL}`, { kind: "status", status: 500 });
    const response = await mirror.get(filePath);
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    upstream.heal();
    expect((await mirror.get(filePath)).status).toBe(200);
  });

  test("that nobody attested is served", async () => {
    await mirrorOf(undefined);
    expect((await mirror.get(filePath)).status).toBe(200);
  });

  test("is served with its signer on record, its provenance outlives upstream, and a policy change counts at once, both ways", async () => {
    await mirrorOf(provenance(WHEEL));
    const response = await mirror.get(filePath);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(wheel)).toBe(true);
    const { artifacts } = (await (await mirror.get(`/api/v1/artifacts?purl=pkg:pypi/${PROJECT}@2024.10.8`)).json()) as {
      artifacts: { evidence: { verifier: string; outcome: Record<string, unknown> }[] }[];
    };
    const evidence = artifacts[0]?.evidence.find(({ verifier }) => verifier === "sigstore");
    expect(evidence?.outcome).toMatchObject({
      kind: "pass",
      signer: { kind: "sigstore", trust: "public", source: { repository: expect.stringMatching(/\/abi3info$/) } },
    });

    upstream.remove(`/provenance/${WHEEL}`);
    mirror.advance(2 * 3_600_000);
    const kept = await mirror.get(`${filePath}.provenance`);
    expect(kept.status).toBe(200);
    expect(Buffer.from(await kept.arrayBuffer()).equals(provenance(WHEEL))).toBe(true);

    const before = upstream.requests.length;
    const statusBecomes = (status: number): Promise<void> =>
      expect.poll(async () => (await mirror.get(filePath)).status, { timeout: 10_000 }).toBe(status);
    writeFileSync(
      policyFile,
      `version: 1
signers:
  mallory: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: mallory/abi3info}}
rules:
  - {name: only-mallory, match: ["pkg:pypi/abi3info"], signed_by: {any: [mallory]}}
`,
    );
    await statusBecomes(403);
    const refusal = (await (await mirror.get(filePath)).json()) as { code: string; why: string };
    expect(refusal.code).toBe("SIGNER_UNTRUSTED");
    // Where the refusal leads to stands what lets it in: the real signer, by the repository's number.
    const why = (await (await fetch(refusal.why)).json()) as { artifacts: ArtifactReport[] };
    const suggestion = why.artifacts[0]?.suggestions.find(({ kind }) => kind === "signer");
    expect(suggestion?.edits[0]?.yaml).toMatch(/repository: [\w-]+\/abi3info\n +repository_id: "\d+"\n +workflow: [\w.-]+\n/);
    writeFileSync(policyFile, paste(readFileSync(policyFile, "utf8"), suggestion?.edits ?? []));
    await statusBecomes(200);
    expect(upstream.requests.length).toBe(before);
  }, 60_000);

  test("installs with pip and uv", async () => {
    await mirrorOf(provenance(WHEEL));
    const workspace = new Workspace();
    try {
      expect(await workspace.pipInstall(`${mirror.url}/pypi/simple/`, "--no-deps", PROJECT)).toMatchObject({ code: 0 });
      if (findClient("uv"))
        expect(await workspace.uvInstall(`${mirror.url}/pypi/simple/`, "--no-deps", PROJECT)).toMatchObject({ code: 0 });
    } finally {
      workspace.remove();
      await mirror.close();
    }
  }, 60_000);
});
