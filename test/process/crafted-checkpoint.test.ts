import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildNpmTarball } from "../support/archives.ts";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { publishPackages } from "../support/attested-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type Loose, REPOSITORY, SigstoreInstance } from "../support/sigstore-instance.ts";

/**
 * A checkpoint's signature line names its signer, and older verifiers took that name for a pattern: one that backtracks held them for minutes. Anybody who can
 * serve a bundle can write such a name, since no key signs it.
 */
const NAMES = ["(.*)*!", "(.+)+!", "((.*)*)*!"];
/** Each name is tried on as many packages, and the fastest counts: what is measured is Assay, not what else this machine does. */
const TRIES = 3;

/** What the certificate confirms: the sources, by the workflow that signs. */
const BUILD = {
  buildDefinition: {
    buildType: "https://actions.github.io/buildtypes/workflow/v1",
    externalParameters: { workflow: { repository: REPOSITORY, ref: "refs/tags/v1.0.0", path: ".github/workflows/release.yml" } },
    resolvedDependencies: [{ uri: `git+${REPOSITORY}@refs/tags/v1.0.0`, digest: { gitCommit: "a".repeat(40) } }],
  },
  runDetails: { builder: { id: "https://github.com/actions/runner/github-hosted" } },
};

const scratch = mkdtempSync(join(tmpdir(), "assay-crafted-"));
const instance = new SigstoreInstance(Date.now());
let upstream: FakeUpstream;
let assay: AssayProcess;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  writeFileSync(join(scratch, "trusted_root.json"), JSON.stringify(instance.trustedRoot()));
  assay = await startAssay({
    env: { ASSAY_TRUST: `{public: {tuf: off}, private: {sigstore: "${join(scratch, "trusted_root.json")}"}}` },
    config: `
repositories:
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.origin}/npm/", retries: 0, trust: private}]}
`,
  });
});
afterAll(async () => {
  await assay?.discard();
  await upstream?.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** Publishes a package with its provenance. Answers the archive's address on the mirror. */
function publish(name: string, change: (bundle: Loose) => void = () => {}): string {
  const predicateType = "https://slsa.dev/provenance/v1";
  const { bytes } = buildNpmTarball({ name, version: "1.0.0" });
  const sha512 = createHash("sha512").update(bytes).digest("hex");
  const bundle = instance.signStatement({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: `pkg:npm/${name}@1.0.0`, digest: { sha512 } }],
    predicateType,
    predicate: BUILD,
  });
  change(bundle);
  publishPackages(upstream, "/npm", [{ name, version: "1.0.0", bytes, attestations: { attestations: [{ predicateType, bundle }] } }], []);
  return `${assay.url}/npm/${name}/-/${name}-1.0.0.tgz`;
}

test.each(NAMES)(
  "a checkpoint signed by %s is refused in under a second, while other requests are served",
  async (signer) => {
    const held = publish(`held-${NAMES.indexOf(signer)}`);
    expect((await fetch(held)).status).toBe(200);
    const crafted = Array.from({ length: TRIES }, (_, at) =>
      publish(`crafted-${NAMES.indexOf(signer)}-${at}`, (bundle) => {
        const { checkpoint } = bundle.verificationMaterial.tlogEntries[0].inclusionProof;
        checkpoint.envelope = checkpoint.envelope.replace("\u2014 rekor.example", `\u2014 ${signer}`);
      }),
    );
    const times: number[] = [];
    for (const [at, url] of crafted.entries()) {
      const honest = publish(`honest-${NAMES.indexOf(signer)}-${at}`);
      const startedAt = performance.now();
      const refusal = fetch(url).then(async (response) => {
        times.push(performance.now() - startedAt);
        return { status: response.status, ...((await response.json()) as { code: string }) };
      });
      // Asked for after it and answered whatever becomes of it: what is held, and what has to be verified too.
      const others = await Promise.all([...Array.from({ length: 10 }, () => fetch(held)), fetch(`${assay.url}/healthz`), fetch(honest)]);
      expect(others.map(({ status }) => status)).toEqual(others.map(() => 200));
      expect(await refusal).toMatchObject({ status: 403, code: "LOG_ENTRY_INVALID" });
    }
    expect(Math.min(...times)).toBeLessThan(1_000);
  },
  120_000,
);
