import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../../support/assay-process.ts";
import { publishDistributions } from "../../support/attested-registry.ts";
import { type ClientRun, findClient, Workspace } from "../../support/clients.ts";
import { type FakeUpstream, startFakeUpstream } from "../../support/fake-upstream.ts";
import { noArchives, RealArchives } from "../../support/real-archives.ts";
import { PYPI_DATA, realDistributions } from "./pypi-objects.ts";

/**
 * `pypi-attestations verify pypi`, the reference tool, with nothing but what a mirror answers whose index is gone: the archive, and its provenance from the
 * Integrity API. The tool asks an index of its own where it is given no files, so it is given them.
 */
const archives = PYPI_DATA ? await RealArchives.open() : undefined;
const distribution = archives ? await realDistributions(archives) : noArchives;
const workspace = new Workspace();
const tool = archives && (await installTool(archives));
await archives?.close();
if (archives && !tool) console.warn("skipped: pypi-attestations cannot be installed here");

/** The folder that it is in. It comes through a mirror too. */
async function installTool({ simpleIndex }: RealArchives): Promise<string | undefined> {
  const folder = join(workspace.folder, "tool");
  const install = ["install", "--quiet", "--no-cache-dir", "--only-binary=:all:", "--target", folder, "--index-url", simpleIndex];
  const { code } = await workspace.run("pip", [...install, "pypi-attestations==0.0.28"]);
  return code === 0 ? folder : undefined;
}

const CASES = [
  { object: "abi3info-2024.10.8-py3-none-any.whl.provenance", repository: "https://github.com/woodruffw/abi3info" },
  { object: "abi3info-2024.10.8.tar.gz.provenance", repository: "https://github.com/woodruffw/abi3info" },
  { object: "sampleproject-4.0.0.tar.gz.provenance", repository: "https://github.com/pypa/sampleproject" },
  { object: "pypi_attestations-0.0.19.tar.gz.slsa.attestation", repository: "https://github.com/trailofbits/pypi-attestations" },
] as const;

describe.skipIf(!tool)("pypi-attestations, through a mirror whose index is gone", () => {
  let upstream: FakeUpstream;
  let assay: AssayProcess;

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    publishDistributions(
      upstream,
      "",
      CASES.map(({ object }) => distribution(object)),
    );
    assay = await startAssay({
      config: `
metadata_ttl: 1s
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/simple/", retries: 0}]}
`,
    });
    for (const { object } of CASES) expect((await fetch(archiveUrl(object))).status).toBe(200);
  }, 60_000);
  afterAll(async () => {
    workspace.remove();
    await assay?.discard();
    await upstream?.close();
  });

  function archiveUrl(object: string): string {
    const { project, file } = distribution(object);
    return `${assay.url}/pypi/files/${project}/${file}`;
  }

  /** Saves what the mirror answers. Answers the file's path. */
  async function save(url: string, name: string): Promise<string> {
    const response = await fetch(url);
    expect(response.status, url).toBe(200);
    const path = join(workspace.folder, name);
    writeFileSync(path, await response.bytes());
    return path;
  }

  function verify(archive: string, provenance: string, repository: string): Promise<ClientRun> {
    const args = [
      "-m",
      "pypi_attestations",
      "verify",
      "pypi",
      "--offline",
      "--repository",
      repository,
      "--provenance-file",
      provenance,
      archive,
    ];
    return new Promise((resolve) =>
      execFile(
        findClient("pip") ?? "python3",
        args,
        { env: { PATH: process.env["PATH"], HOME: workspace.folder, PYTHONPATH: tool }, timeout: 60_000 },
        (error, stdout, stderr) => resolve({ code: error ? 1 : 0, output: `${stdout}\n${stderr}` }),
      ),
    );
  }

  async function expectVerified(): Promise<void> {
    for (const { object, repository } of CASES) {
      const { project, version, file, provenance } = distribution(object);
      const archive = await save(archiveUrl(object), file);
      const published = `${assay.url}/pypi/integrity/${project}/${version}/${file}/provenance`;
      const paths = [await save(published, `${file}.integrity`), await save(`${archiveUrl(object)}.provenance`, `${file}.provenance`)];
      for (const path of paths) {
        const run = await verify(archive, path, repository);
        expect(run, run.output).toMatchObject({ code: 0, output: expect.stringContaining(`OK: ${file}`) });
      }
      expect(Buffer.from(await (await fetch(published)).arrayBuffer()).equals(provenance), object).toBe(true);
    }
  }

  test("is not content with the provenance of another archive, nor with another repository", async () => {
    const [{ object, repository }, { object: other }] = CASES;
    const archive = await save(archiveUrl(object), distribution(object).file);
    const own = await save(`${archiveUrl(object)}.provenance`, "own");
    const foreign = await save(`${archiveUrl(other)}.provenance`, "foreign");
    expect(await verify(archive, own, repository)).toMatchObject({ code: 0 });
    expect(await verify(archive, foreign, repository)).toMatchObject({ code: 1 });
    expect(await verify(archive, own, "https://github.com/mallory/abi3info")).toMatchObject({ code: 1 });
  }, 60_000);

  test.each([
    { how: "has deleted it all", lose: () => upstream.fault("*", { kind: "status", status: 404 }) },
    { how: "fails", lose: () => upstream.fault("*", { kind: "status", status: 500 }) },
    { how: "is down", lose: () => upstream.close() },
  ])(
    "verifies when the index $how, in a mirror that has been started again",
    async ({ lose }) => {
      await lose();
      await assay.stop();
      assay = await startAssay({ dataDir: assay.dataDir, args: ["--config", join(assay.dataDir, "test-config.yaml")] });
      await expectVerified();
    },
    120_000,
  );

  test("verifies from a mirror without a network", async () => {
    await assay.stop();
    assay = await startAssay({ dataDir: assay.dataDir, args: ["--config", join(assay.dataDir, "test-config.yaml"), "--offline"] });
    await expectVerified();
  }, 120_000);
});
