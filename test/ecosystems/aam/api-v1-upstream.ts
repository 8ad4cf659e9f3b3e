import { type AamBench, sha256 } from "./aam-bench.ts";

/** Below an upstream's base address, what a registry of the AAM dialect answers for its list when it is asked whether it is one. */
const PROBE = "api/v1/packages?limit=1";

interface ApiV1Version {
  readonly version: string;
  readonly yanked?: boolean;
  /** What else its document says, or says otherwise; undefined leaves a field out. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Lets an upstream of a bench say that it speaks the AAM dialect. */
export function speakApiV1(bench: AamBench, upstream: string): AamBench {
  return bench.put(`${upstream}${PROBE}`, { packages: [], total: 0, page: 1, pages: 0 });
}

/** Publishes a package in the AAM dialect as its specification has it: its own document, one for each version, and the tags. */
export function putApiV1(
  bench: AamBench,
  upstream: string,
  name: string,
  versions: readonly ApiV1Version[],
  { tags = {}, ...more }: Readonly<Record<string, unknown>> = {},
): AamBench {
  const base = `${upstream}api/v1/packages/${name}`;
  const listed = versions.map(({ version, yanked = false }) => ({ version, published_at: "2026-02-20T10:00:00Z", yanked }));
  bench.put(base, { ...packageFields(name), latest_version: versions.at(-1)?.version, versions: listed.toReversed(), ...more });
  bench.put(`${base}/tags`, { package: name, tags });
  for (const each of versions) bench.put(`${base}/${each.version}`, versionObject(name, each));
  return bench;
}

/** The archive's bytes are the text `<name> <version>`, as in the other dialect's test packages. */
function versionObject(name: string, { version, yanked = false, more = {} }: ApiV1Version): Record<string, unknown> {
  return {
    ...packageFields(name),
    version,
    published_at: "2026-02-20T10:00:00Z",
    yanked,
    checksum: { sha256: sha256(`${name} ${version}`) },
    signature: null,
    dependencies: { "git-utils": "^1.0.0" },
    artifacts: { agents: [], skills: [{ name: "review", description: "reviews" }], prompts: [], instructions: [] },
    download_url: `/api/v1/packages/${name}/${version}/download`,
    archive_size: `${name} ${version}`.length,
    approval_status: "approved",
    dist_tags: [],
    eval_results: [],
    ...more,
  };
}

function packageFields(name: string): Record<string, unknown> {
  const scope = name.startsWith("@") ? name.slice(1).split("/")[0] : "";
  return { name, scope, description: `about ${name}`, author: "maker", license: "MIT", repository: null, homepage: null, keywords: ["k"] };
}
