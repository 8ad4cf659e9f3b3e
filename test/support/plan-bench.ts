import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../src/cli/index.ts";
import { AttestedIndex } from "./attested-index.ts";
import { type FakeUpstream, startFakeUpstream } from "./fake-upstream.ts";
import { type Loose, SigstoreInstance } from "./sigstore-instance.ts";

/** What a command ended with and printed to standard output. */
export interface Ran {
  readonly code: number;
  readonly text: string;
}

/** A project's folder with policies, locks and a data folder, and an upstream whose packages a Sigstore instance signs. Commands run as from a shell. */
export interface PlanBench {
  readonly upstream: FakeUpstream;
  readonly instance: SigstoreInstance;
  readonly pypi: AttestedIndex;
  readonly folder: string;
  readonly configFile: string;
  readonly dataDir: string;
  /** Writes a file of the folder and answers its path. */
  write(name: string, content: string | Buffer): string;
  /** Runs `assay` with this configuration; `--json` output is parsed by `json`. */
  assay(...args: readonly string[]): Promise<Ran>;
  json(...args: readonly string[]): Promise<{ readonly code: number; readonly out: Loose }>;
  close(): Promise<void>;
}

export async function startPlanBench(): Promise<PlanBench> {
  const folder = mkdtempSync(join(tmpdir(), "assay-plan-"));
  const upstream = await startFakeUpstream();
  const instance = new SigstoreInstance();
  const write = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const policy = write("policy.yaml", "version: 1\n");
  const root = write("root.json", JSON.stringify(instance.trustedRoot()));
  const dataDir = join(folder, "data");
  const configFile = write(
    "assay.yaml",
    `policy: ${policy}
data: ${dataDir}
metadata_ttl: 1h
limits: {verify_bundle: 30s}
trust: {private: {sigstore: ${root}}, public: {tuf: off}}
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/pypi/simple/", retries: 0, trust: private}]}
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.origin}/npm/", retries: 0, trust: private}]}
  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/", retries: 0, trust: private}]}
`,
  );
  const assay = (...args: readonly string[]): Promise<Ran> => captured(() => run([...args, "--config", configFile], {}));
  return {
    upstream,
    instance,
    pypi: new AttestedIndex(upstream, instance),
    folder,
    configFile,
    dataDir,
    write,
    assay,
    json: async (...args) => {
      const { code, text } = await assay(...args, "--json");
      return { code, out: JSON.parse(text) };
    },
    close: async () => {
      await upstream.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A `package.agent.lock` of packages without dependencies. */
export function agentLock(packages: readonly { readonly name: string; readonly version: string; readonly bytes: Buffer }[]): string {
  const resolved = packages.map(({ name, version, bytes }) => [
    name,
    {
      version,
      source: { type: "registry", registry: "https://registry.example/", name, version },
      integrity: `sha256-${createHash("sha256").update(bytes).digest("hex")}`,
    },
  ]);
  return JSON.stringify({ lockVersion: 2, resolved: Object.fromEntries(resolved) });
}

async function captured(work: () => Promise<number>): Promise<Ran> {
  const write = process.stdout.write;
  let text = "";
  process.stdout.write = ((chunk: string | Uint8Array, ...more: readonly unknown[]): boolean => {
    text += chunk.toString();
    for (const written of more) if (typeof written === "function") written();
    return true;
  }) as typeof process.stdout.write;
  try {
    return { code: await work(), text };
  } finally {
    process.stdout.write = write;
  }
}
