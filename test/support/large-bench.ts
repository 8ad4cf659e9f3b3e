import { type AssayProcess, startAssay } from "./assay-process.ts";
import { download } from "./download.ts";
import type { LargeArchive } from "./large-archives.ts";
import { type LargeUpstream, startLargeUpstream } from "./large-upstream.ts";

/** A real `assay serve` in front of an upstream of large archives. */
export interface LargeBench {
  readonly upstream: LargeUpstream;
  readonly assay: AssayProcess;
  /** Its address on Assay, once Assay has its index page. */
  link(archive: LargeArchive, from?: AssayProcess): Promise<string>;
  /** Another process on the same data folder, with the same configuration. */
  another(): Promise<AssayProcess>;
  close(): Promise<void>;
}

/** `more` is added to the configuration at the top level. */
export async function startLargeBench(options: { more?: string; dataDir?: string } = {}): Promise<LargeBench> {
  const upstream = await startLargeUpstream();
  const config = `
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/pypi/simple/", retries: 0}]}
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.origin}/npm/", retries: 0}]}
${options.more ?? ""}
`;
  const dataDir = options.dataDir === undefined ? {} : { dataDir: options.dataDir };
  const assay = await startAssay({ config, ...dataDir });
  return {
    upstream,
    assay,
    link: (archive, from = assay) => linkOf(archive, from.url),
    another: () => startAssay({ config, dataDir: assay.dataDir }),
    close: async () => {
      await assay.discard();
      await upstream.close();
    },
  };
}

async function linkOf({ name, version, file }: LargeArchive, assayUrl: string): Promise<string> {
  if (file.endsWith(".tgz")) {
    const { text } = await download(`${assayUrl}/npm/${name}`);
    return JSON.parse(text).versions[version].dist.tarball;
  }
  const page = `${assayUrl}/pypi/simple/${name}/`;
  const { text } = await download(page, { headers: { accept: "application/vnd.pypi.simple.v1+json" } });
  return new URL(JSON.parse(text).files[0].url, page).href;
}
