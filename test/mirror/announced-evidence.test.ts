import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { buildAam, buildNpmTarball, buildWheel } from "../support/archives.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

/** One archive of each ecosystem whose index announces evidence, at an upstream that has none of it. */
const ARCHIVES = {
  pypi: "/pypi/files/demo/demo-1.0.0-py3-none-any.whl",
  npm: "/npm/demo/-/demo-1.0.0.tgz",
  aam: "/aam/packages/demo/1.0.0/tarball",
} as const;
type Kind = keyof typeof ARCHIVES;
const KINDS = Object.keys(ARCHIVES) as readonly Kind[];

/** Where the evidence should be. */
const EVIDENCE: Readonly<Record<Kind, string>> = {
  pypi: "/provenance",
  npm: "/npm/-/npm/v1/attestations/demo@1.0.0",
  aam: "/aam/packages/demo/1.0.0/signature",
};
/** That there is none after all. */
const NONE: Readonly<Record<Kind, string>> = {
  pypi: '{"version":1,"attestation_bundles":[]}',
  npm: "",
  aam: '{"formatVersion":1,"signatures":[],"attestations":[]}',
};

function publish(upstream: FakeUpstream): void {
  const json = (value: unknown) => ({ contentType: "application/json", body: JSON.stringify(value) });
  const digest = (bytes: Buffer) => createHash("sha256").update(bytes);
  const options = { name: "demo", version: "1.0.0" };
  const [wheel, tarball, aam] = [buildWheel(options), buildNpmTarball(options), buildAam(options)];
  upstream.serve("/wheel", { body: wheel.bytes });
  const file = { filename: wheel.file, url: `${upstream.origin}/wheel`, hashes: { sha256: digest(wheel.bytes).digest("hex") } };
  const page = { meta: { "api-version": "1.3" }, name: "demo", files: [{ ...file, provenance: `${upstream.origin}${EVIDENCE.pypi}` }] };
  upstream.serve("/pypi/simple/demo/", { ...json(page), contentType: "application/vnd.pypi.simple.v1+json" });
  upstream.serve("/npm/demo/-/demo-1.0.0.tgz", { body: tarball.bytes });
  const dist = {
    tarball: `${upstream.origin}/npm/demo/-/demo-1.0.0.tgz`,
    integrity: `sha256-${digest(tarball.bytes).digest("base64")}`,
    attestations: { url: `${upstream.origin}${EVIDENCE.npm}` },
  };
  upstream.serve("/npm/demo", json({ name: "demo", "dist-tags": {}, versions: { "1.0.0": { ...options, dist } } }));
  upstream.serve("/aam/packages/demo/1.0.0/tarball", { body: aam.bytes });
  const version = { integrity: `sha256-${digest(aam.bytes).digest("base64")}`, signatures: [{ type: "sigstore" }] };
  upstream.serve("/aam/packages/demo", json({ name: "demo", versions: { "1.0.0": version } }));
}

interface Options {
  readonly repository?: string;
  readonly upstream?: string;
  readonly policy?: string;
}

async function bench({ repository = "", upstream: key = "", policy = "mode: enforce" }: Options = {}) {
  const upstream = await startFakeUpstream();
  publish(upstream);
  const dataDir = mkdtempSync(join(tmpdir(), "assay-announced-"));
  const start = (policyText: string): Promise<MirrorBench> => {
    writeFileSync(join(dataDir, "policy.yaml"), `version: 1\n${policyText}\n`);
    const line = (kind: Kind, path: string): string =>
      `  - {name: ${kind}, ecosystem: ${kind}, ${repository} upstreams: [{${key} url: "${upstream.origin}${path}", retries: 0}]}`;
    const repositories = [line("pypi", "/pypi/simple/"), line("npm", "/npm/"), line("aam", "/aam/")].join("\n");
    return startMirror({ dataDir, config: `policy: ${join(dataDir, "policy.yaml")}\nrepositories:\n${repositories}\nnegative_ttl: 0s\n` });
  };
  let mirror = await start(policy);
  onTestFinished(async () => {
    await mirror.close();
    await upstream.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    upstream,
    mirror,
    restart: async (policyText: string): Promise<MirrorBench> => {
      await mirror.close();
      mirror = await start(policyText);
      return mirror;
    },
  };
}

describe.each(KINDS)("evidence that an index of %s announces and its upstream does not have", (kind) => {
  const path = ARCHIVES[kind];

  test("could not be had: 503 with the way out in it, nothing kept", async () => {
    const { mirror, upstream } = await bench();
    for (const method of ["GET", "HEAD"]) {
      const response = await mirror.get(path, { method });
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("30");
    }
    expect(await (await mirror.get(path)).text()).toContain("evidence: as_served");
    // The strict answer is no refusal for good: evidence that turns up decides.
    if (NONE[kind] === "") return;
    upstream.serve(EVIDENCE[kind], { contentType: "application/json", body: NONE[kind] });
    expect((await mirror.get(path)).status).toBe(200);
  });

  test.each<Options>([{ repository: "evidence: as_served," }, { upstream: "evidence: as_served," }])(
    "is absent where the configuration says so, and shows why (%o)",
    async (options) => {
      const { mirror } = await bench(options);
      expect((await mirror.get(path)).status).toBe(200);
      const shown = await (await mirror.get(`/api/v1/artifacts?purl=pkg:${kind}/demo@1.0.0`)).text();
      expect(shown).toContain("counts as absent by `evidence: as_served`");
    },
  );

  test("is missed by a policy that needs it, which says that it counts as absent", async () => {
    const policy = "defaults: {signature: {require: true, on_missing: error}}";
    const { mirror } = await bench({ repository: "evidence: as_served,", policy });
    const response = await mirror.get(path);
    expect(response.status).toBe(403);
    expect(await response.text()).toMatch(/expected a verified signature, got none: .*as_served/);
  });

  test("is never absent while the upstream fails", async () => {
    const { mirror, upstream } = await bench({ repository: "evidence: as_served," });
    upstream.fault(EVIDENCE[kind], { kind: "status", status: 500 });
    expect((await mirror.get(path)).status).toBe(503);
  });

  test("stops nothing in audit mode, and is asked for again once the policy is enforced", async () => {
    const { mirror, upstream, restart } = await bench({ policy: "mode: audit" });
    const response = await mirror.get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get("x-assay-warning")).toContain("EVIDENCE_UNAVAILABLE");
    const enforcing = await restart("mode: enforce");
    expect((await enforcing.get(path)).status).toBe(503);
    if (NONE[kind] === "") return;
    upstream.serve(EVIDENCE[kind], { contentType: "application/json", body: NONE[kind] });
    enforcing.advance(120_000);
    expect((await enforcing.get(path)).status).toBe(200);
    const asked = upstream.requests.length;
    expect((await enforcing.get(path)).status).toBe(200);
    expect(upstream.requests).toHaveLength(asked);
  });
});
