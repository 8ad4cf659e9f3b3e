import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/app/config.ts";
import { type ExportFlags, exportBundle } from "../../src/cli/export.ts";
import { type ImportFlags, importBundle } from "../../src/cli/import.ts";
import { AttestedIndex } from "./attested-index.ts";
import { type FakeUpstream, startFakeUpstream } from "./fake-upstream.ts";
import { type MirrorBench, startMirror } from "./mirror-bench.ts";
import { publishAams, publishTarballs } from "./releases.ts";
import { type Loose, SigstoreInstance } from "./sigstore-instance.ts";

/** What a command printed as JSON, and how it ended. */
export interface Ended {
  readonly code: number;
  readonly said: Loose;
}

/** One side that has a network, a store that was filled from it, and any number of other sides that have none. */
export class AirGap {
  readonly upstream: FakeUpstream;
  /** Signs what `index` publishes; `trust: private` is its root. */
  readonly signing = new SigstoreInstance();
  /** Its wheels are attested. */
  readonly index: AttestedIndex;
  readonly folder = mkdtempSync(join(tmpdir(), "assay-air-gap-"));
  readonly config: string;
  readonly #policy: string;
  #mirror: MirrorBench | undefined;

  private constructor(upstream: FakeUpstream) {
    this.upstream = upstream;
    this.index = new AttestedIndex(upstream, this.signing);
    this.#policy = join(this.folder, "policy.yaml");
    const root = join(this.folder, "root.json");
    writeFileSync(root, JSON.stringify(this.signing.trustedRoot()));
    this.setPolicy("version: 1\n");
    this.config = `
policy: ${this.#policy}
metadata_ttl: 1h
trust: {public: {tuf: off}, private: {sigstore: ${root}}}
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/pypi/simple/", retries: 0, trust: private}]}
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.origin}/npm/", retries: 0}]}
  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/", retries: 0, dialect: uaaps}]}
`;
  }

  /** With an attested wheel `tool`, a plain one `plain`, an npm package `left` of two versions and an AAM package `skill`, none of which is held yet. */
  static async open(): Promise<AirGap> {
    const gap = new AirGap(await startFakeUpstream());
    gap.index.publish({ name: "tool" });
    gap.index.publish({ name: "plain", sign: "none" });
    publishTarballs(gap.upstream, "left", [{ version: "1.0.0" }, { version: "1.1.0" }]);
    publishAams(gap.upstream, "skill", [{ version: "1.0.0" }]);
    return gap;
  }

  /** Of every Assay here, from its next command on. */
  setPolicy(text: string): void {
    writeFileSync(this.#policy, text);
  }

  /** A folder for one Assay's data, or for anything else. */
  folderFor(name: string): string {
    return mkdtempSync(join(this.folder, `${name}-`));
  }

  /** Fills the side with a network by asking it for archives, as clients do. */
  async fetch(paths: readonly string[] = ARCHIVES): Promise<void> {
    this.#mirror ??= await startMirror({ config: this.config });
    for (const path of paths) {
      const answer = await this.#mirror.get(path);
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  }

  /** Upstream takes `tool`, version 1.0.0 of `left` and version 1.0.0 of `skill` off its pages, with their archives and evidence, and the side with a network hears of it. */
  async lose(): Promise<void> {
    const empty = JSON.stringify({ meta: { "api-version": "1.1" }, name: "tool", versions: [], files: [] });
    this.upstream.serve("/pypi/simple/tool/", { contentType: "application/vnd.pypi.simple.v1+json", body: empty });
    publishTarballs(this.upstream, "left", [{ version: "1.1.0" }]);
    publishAams(this.upstream, "skill", [{ version: "2.0.0" }]);
    for (const gone of ["/npm/left/-/left-1.0.0.tgz", "/aam/packages/skill/1.0.0/tarball"])
      this.upstream.serve(gone, { status: 404, body: "gone" });
    const renewing = await startMirror({ config: this.config.replace("metadata_ttl: 1h", "metadata_ttl: 0s"), dataDir: this.sourceDir });
    try {
      for (const page of ["/pypi/simple/tool/", "/npm/left", "/aam/packages/skill"]) await renewing.get(page);
    } finally {
      await renewing.close();
    }
  }

  get sourceDir(): string {
    if (!this.#mirror) throw new Error("nothing was fetched yet");
    return this.#mirror.dataDir;
  }

  /** `assay export` of the side with a network, everything unless `purls` or flags say what. */
  async export(output: string, { purls = [], data = this.sourceDir, ...flags }: ExportOptions = {}): Promise<Ended> {
    const all = purls.length === 0 && !flags.lock ? { all: true as const } : {};
    return this.#run(data, (command) => exportBundle(command, purls, { ...all, ...flags, output, json: true }));
  }

  /** `assay import` into the data folder of a side without; of anybody's bundle unless flags say whose. */
  async import(data: string, bundle: string | readonly string[], { config, ...flags }: ImportOptions = {}): Promise<Ended> {
    const whose = flags.key ? {} : { trustOnImport: true as const };
    return this.#run(data, (command) => importBundle(command, [bundle].flat(), { ...whose, ...flags, json: true }), config);
  }

  async #run(data: string, work: (command: Parameters<typeof importBundle>[0]) => Promise<number>, text = this.config): Promise<Ended> {
    const file = join(data, "command-config.yaml");
    writeFileSync(file, text);
    let out = "";
    const print = (more: string): void => {
      out += more;
    };
    const code = await work({ config: loadConfig({ env: {}, flags: { config: file, data } }), env: {}, print });
    return { code, said: JSON.parse(out) };
  }

  async close(): Promise<void> {
    await this.#mirror?.close();
    await this.upstream.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface ExportOptions extends Partial<ExportFlags> {
  readonly purls?: readonly string[];
  readonly data?: string;
}

interface ImportOptions extends ImportFlags {
  readonly config?: string;
}

/** What `AirGap.open` publishes, as clients ask for it. */
export const ARCHIVES: readonly string[] = [
  "/pypi/files/tool/tool-1.0-py3-none-any.whl",
  "/pypi/files/plain/plain-1.0-py3-none-any.whl",
  "/npm/left/-/left-1.0.0.tgz",
  "/npm/left/-/left-1.1.0.tgz",
  "/aam/packages/skill/1.0.0/tarball",
];
