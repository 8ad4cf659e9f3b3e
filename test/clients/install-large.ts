import { expect } from "vitest";
import { type ClientName, type ClientRun, Workspace } from "../support/clients.ts";
import { noise } from "../support/fake-registry.ts";
import { type LargeArchive, largeTarball, largeWheel } from "../support/large-archives.ts";
import { type LargeBench, startLargeBench } from "../support/large-bench.ts";

/** An upstream of 5 MB/s with one wheel and one tarball of `sizeBytes` and a cold Assay before it. */
export interface LargeInstall {
  readonly wheel: LargeArchive;
  readonly tarball: LargeArchive;
  readonly bench: LargeBench;
  /** Installs with the client's own time-outs into a fresh place; what `client` fails with is in the answer. */
  install(client: ClientName): Promise<ClientRun>;
  close(): Promise<void>;
}

const BYTES_PER_SECOND = 5_000_000;

export async function startLargeInstall(sizeBytes: number): Promise<LargeInstall> {
  const bench = await startLargeBench();
  bench.upstream.limit(BYTES_PER_SECOND);
  const payload = noise(sizeBytes);
  const wheel = largeWheel("heavy", payload);
  const tarball = largeTarball("heavy", payload);
  bench.upstream.publish(wheel);
  bench.upstream.publish(tarball);
  return {
    wheel,
    tarball,
    bench,
    install: (client) => install(client, bench.assay.url),
    close: () => bench.close(),
  };
}

async function install(client: ClientName, url: string): Promise<ClientRun> {
  const workspace = new Workspace();
  try {
    switch (client) {
      case "pip":
        return await workspace.pipInstall(`${url}/pypi/simple/`, "heavy");
      case "uv":
        return await workspace.uvInstall(`${url}/pypi/simple/`, "heavy");
      case "npm":
        return await workspace.npmInstall(`${url}/npm/`, "heavy");
      case "pnpm":
        return await workspace.pnpmAdd(`${url}/npm/`, "heavy");
      default:
        return client satisfies never;
    }
  } finally {
    workspace.remove();
  }
}

/** All clients that ask for one archive, however often each does, share one download. */
export function expectOneDownloadEach({ bench, wheel, tarball }: LargeInstall): void {
  for (const archive of [wheel, tarball]) expect(bench.upstream.requestsFor(archive).archive).toBeLessThanOrEqual(1);
}
