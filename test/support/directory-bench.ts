import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { parse } from "yaml";
import type { DirectoryReport } from "../../src/mirror/directory/registry-directory.ts";
import { buildTar, gzip } from "./archives.ts";
import { type FakeUpstream, startFakeUpstream } from "./fake-upstream.ts";
import { type MirrorBench, startMirror } from "./mirror-bench.ts";
import type { SigstoreInstance } from "./sigstore-instance.ts";

/** A version as a test publishes it. */
export interface PublishedAam {
  readonly version: string;
  /** Fields of both manifests, or in place of them. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** The text of `aam.yaml`; null for an archive without one. */
  readonly aamYaml?: string | null;
  readonly yanked?: boolean;
}

/** An Assay with an AAM upstream that is asked again for everything, and a folder that it writes what it admits to. */
export interface DirectoryBench {
  readonly upstream: FakeUpstream;
  readonly mirror: MirrorBench;
  readonly policyFile: string;
  /** Where the directory is, or is to be. */
  readonly path: string;
  /** Puts a package upstream, with these versions and no others. */
  publish(name: string, versions: readonly PublishedAam[], tags?: Readonly<Record<string, string>>): void;
  /** Asks the mirror for archives; answers the statuses. */
  fetch(...specifiers: readonly string[]): Promise<readonly number[]>;
  sync(options?: { repository?: string }): Promise<DirectoryReport>;
  /** What is left out, as `NAME@VERSION CODE`. */
  leftOut(): readonly string[];
  /** Versions in `metadata.yaml` of a package, as the `aam` client reads them. */
  forClient(folder: string): readonly string[];
  /** Versions in `meta.json` of a package. */
  forAll(folder: string): readonly string[];
  /** Every file in the directory, as a path with its SHA-256. */
  files(): ReadonlyMap<string, string>;
  read(path: string): string;
}

export async function startDirectoryBench(
  options: { readonly policy?: string; readonly more?: string; readonly aam?: string; readonly signing?: SigstoreInstance } = {},
): Promise<DirectoryBench> {
  const folder = mkdtempSync(join(tmpdir(), "assay-directory-"));
  const path = join(folder, "registry");
  const policyFile = join(folder, "policy.yaml");
  writeFileSync(policyFile, options.policy ?? "version: 1\nmode: enforce\n");
  const upstream = await startFakeUpstream();
  const rootFile = join(folder, "root.json");
  if (options.signing) writeFileSync(rootFile, JSON.stringify(options.signing.trustedRoot()));
  const config = `
policy: ${policyFile}
${options.signing ? `trust: {internal: {sigstore: ${rootFile}}}` : ""}
metadata_ttl: 0s
negative_ttl: 0s
repositories:
  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.url("/aam/").href}", dialect: uaaps${options.signing ? ", trust: internal" : ""}}]}
${options.more ?? ""}
${options.aam === undefined ? "" : `aam: {directory: ${path}${options.aam}}`}
`;
  const mirror = await startMirror({ config });
  onTestFinished(async () => {
    await mirror.close();
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const directories = new Map<string, ReturnType<MirrorBench["assay"]["directory"]>>();
  const read = (file: string): string => readFileSync(join(path, file), "utf8");
  return {
    upstream,
    mirror,
    policyFile,
    path,
    publish: (name, versions, tags) => publish(upstream, name, versions, tags),
    fetch: async (...specifiers) => {
      const answers = specifiers.map(async (specifier) => {
        const at = specifier.lastIndexOf("@");
        const answer = await mirror.get(`/aam/packages/${specifier.slice(0, at)}/${specifier.slice(at + 1)}/tarball`);
        await answer.arrayBuffer();
        return answer.status;
      });
      return Promise.all(answers);
    },
    sync: ({ repository } = {}) => {
      const key = repository ?? "";
      const known = directories.get(key) ?? mirror.assay.directory({ path, repository, asker: { kind: "command", command: "export" } });
      directories.set(key, known);
      return known.sync();
    },
    leftOut: () => {
      const { leftOut } = JSON.parse(read("export-report.json")) as {
        leftOut: { package: string; version: string | null; code: string }[];
      };
      return leftOut.map(({ package: name, version, code }) => `${name}${version === null ? "" : `@${version}`} ${code}`);
    },
    forClient: (name) => {
      if (!existsSync(join(path, "packages", name, "metadata.yaml"))) return [];
      // YAML 1.1 is what the client's parser reads.
      const { versions } = parse(read(`packages/${name}/metadata.yaml`), { version: "1.1" }) as { versions: { version: string }[] };
      return versions.map(({ version }) => version);
    },
    forAll: (name) => {
      if (!existsSync(join(path, "packages", name, "meta.json"))) return [];
      return Object.keys((JSON.parse(read(`packages/${name}/meta.json`)) as { versions: object }).versions);
    },
    files: () => filesUnder(path),
    read,
  };
}

export function filesUnder(folder: string): ReadonlyMap<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(folder, path)).isFile());
  return new Map(
    paths.sort().map((path) => [
      path,
      createHash("sha256")
        .update(readFileSync(join(folder, path)))
        .digest("hex"),
    ]),
  );
}

/** An archive that the `aam` client takes, unless told otherwise. */
export function archiveOf(name: string, { version, manifest = {}, aamYaml }: PublishedAam): Buffer {
  const skills = [{ name: "demo", path: "skills/demo/", description: "a skill" }];
  const fields = { name, version, description: "made in a test", artifacts: { skills }, dependencies: {}, ...manifest };
  const yaml = aamYaml === undefined ? `${JSON.stringify(fields, undefined, 1)}\n` : aamYaml;
  return gzip(
    buildTar([
      ...(yaml === null ? [] : [{ path: "aam.yaml", body: yaml }]),
      { path: "package.agent.json", body: JSON.stringify(fields) },
      { path: "skills/demo/SKILL.md", body: "---\nname: demo\ndescription: a skill\n---\n" },
    ]),
  );
}

function publish(
  upstream: FakeUpstream,
  name: string,
  published: readonly PublishedAam[],
  tags: Readonly<Record<string, string>> = {},
): void {
  const versions = published.map((one) => {
    const bytes = archiveOf(name, one);
    upstream.serve(`/aam/packages/${name}/${one.version}/tarball`, { body: bytes });
    const integrity = `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
    const { version, yanked = false } = one;
    return [version, { version, publishedAt: "2026-01-01T00:00:00.000Z", integrity, yanked }] as const;
  });
  const document = { name, versions: Object.fromEntries(versions), "dist-tags": { latest: published.at(-1)?.version, ...tags } };
  upstream.serve(`/aam/packages/${name}`, { contentType: "application/json", body: JSON.stringify(document) });
}
