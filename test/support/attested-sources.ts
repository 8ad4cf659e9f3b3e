import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/app/config.ts";
import { npmPack } from "../../src/app/rebuild/npm-pack.ts";
import { auditReproducible, type CodeAsked } from "../../src/cli/audit-reproducible.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { attestationOf, SLSA_TYPE, slsaPredicate } from "./attested-index.ts";
import { publishDistributions, publishPackages } from "./attested-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "./fake-upstream.ts";
import { type GitServer, startGitServer, type UpstreamRepository } from "./git-server.ts";
import { type MirrorBench, startMirror } from "./mirror-bench.ts";
import { folderOf } from "./package-folder.ts";
import { githubClaims, type Loose, SigstoreInstance } from "./sigstore-instance.ts";

type Files = Readonly<Record<string, string>>;

/** Packages of npm and PyPI, attested as GitHub's runners attest them for commits of `acme/tool`, an Assay that mirrors them, and a git host on loopback that has the commits. */
export class AttestedSources {
  readonly scratch: string;
  /** The trust root of those who sign. */
  readonly rootFile: string;
  readonly upstream: FakeUpstream;
  readonly hosts: GitServer;
  readonly repository: UpstreamRepository;
  readonly mirror: MirrorBench;
  readonly #instance: SigstoreInstance;

  private constructor(
    started: Pick<AttestedSources, "scratch" | "upstream" | "hosts" | "repository" | "mirror">,
    instance: SigstoreInstance,
  ) {
    this.scratch = started.scratch;
    this.rootFile = join(this.scratch, "root.json");
    this.upstream = started.upstream;
    this.hosts = started.hosts;
    this.repository = started.repository;
    this.mirror = started.mirror;
    this.#instance = instance;
  }

  static async start(policy = "version: 1\n"): Promise<AttestedSources> {
    const scratch = mkdtempSync(join(tmpdir(), "assay-attested-sources-"));
    const instance = new SigstoreInstance();
    const rootFile = join(scratch, "root.json");
    writeFileSync(rootFile, JSON.stringify(instance.trustedRoot()));
    writeFileSync(join(scratch, "policy.yaml"), policy);
    const [upstream, hosts] = [await startFakeUpstream(), await startGitServer()];
    const config = `
policy: ${join(scratch, "policy.yaml")}
trust: {private: {sigstore: ${rootFile}}}
git: {hosts: [{host: github.com, url: "${hosts.origin}/"}]}
repositories:
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.url("/npm/")}", trust: private}]}
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.url("/pypi/simple/")}", trust: private}]}
`;
    const mirror = await startMirror({ config });
    return new AttestedSources({ scratch, upstream, hosts, repository: hosts.repository("acme/tool"), mirror }, instance);
  }

  /** Adds these files to the repository. Answers the commit that has them all. */
  commit(files: Files): string {
    return Object.entries(files).reduce((_, [file, text]) => this.repository.commit(text, { file }), "");
  }

  /** What `npm pack` makes of these files, without any script. */
  async npmArchive(files: Files): Promise<Buffer> {
    const scratch = mkdtempSync(join(this.scratch, "npm-"));
    const { path } = await npmPack({ folder: folderOf(files), scratch, searchPath: process.env["PATH"] });
    return readFileSync(path);
  }

  /** Answers its purl. */
  publishNpm(name: string, bytes: Buffer, commit: string): string {
    const bundle = this.#attested(`pkg:npm/${name}@1.0.0`, { sha512: hash("sha512", bytes) }, commit);
    const attestations = { attestations: [{ predicateType: SLSA_TYPE, bundle }] };
    publishPackages(this.upstream, "/npm", [{ name, version: "1.0.0", bytes, attestations }], []);
    return `pkg:npm/${name}@1.0.0`;
  }

  /** Version 1.0 of `project`. Answers its purl. */
  publishSdist(project: string, { file, bytes }: { readonly file: string; readonly bytes: Buffer }, commit: string): string {
    const attestation = attestationOf(this.#attested(file, { sha256: hash("sha256", bytes) }, commit));
    const provenance = Buffer.from(JSON.stringify({ version: 1, attestation_bundles: [{ publisher: null, attestations: [attestation] }] }));
    publishDistributions(this.upstream, "/pypi", [{ project, version: "1.0", file, bytes, provenance }]);
    return `pkg:pypi/${project}@1.0`;
  }

  /** `assay audit --reproducible PURL --json`, in this process. */
  async rebuild(purl: string, asked?: CodeAsked): Promise<{ readonly exit: number; readonly said: Loose }> {
    const env = { ASSAY_TRUST: "{public: {tuf: off}}", PATH: process.env["PATH"] };
    const config = loadConfig({ env, flags: { config: join(this.mirror.dataDir, "test-config.yaml"), data: this.mirror.dataDir } });
    const printed: string[] = [];
    const print = (text: string): void => void printed.push(text);
    const exit = await auditReproducible({ config, env, print, json: true, repository: undefined }, [purl], asked);
    return { exit, said: JSON.parse(printed.join("")) };
  }

  async close(): Promise<void> {
    await this.mirror.close();
    await Promise.all([this.upstream.close(), this.hosts.close()]);
    rmSync(this.scratch, { recursive: true, force: true });
  }

  /** A bundle by the release workflow of `acme/tool`, run for this commit. */
  #attested(name: string, digest: Files, commit: string): Loose {
    const statement: JsonObject = {
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name, digest }],
      predicateType: SLSA_TYPE,
      predicate: slsaPredicate(undefined, commit),
    };
    return this.#instance.signStatement(statement, { leaf: { claims: githubClaims(commit) } });
  }
}

function hash(algorithm: string, bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest("hex");
}
