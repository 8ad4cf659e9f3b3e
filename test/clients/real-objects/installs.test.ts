import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildNpmTarball } from "../../support/archives.ts";
import { type AssayProcess, startAssay } from "../../support/assay-process.ts";
import { publishDistributions, publishPackages } from "../../support/attested-registry.ts";
import { type ClientRun, findClient, Workspace } from "../../support/clients.ts";
import { type FakeUpstream, startFakeUpstream } from "../../support/fake-upstream.ts";
import { noArchives, RealArchives } from "../../support/real-archives.ts";
import { endpointKeys, NPM_DATA, NPM_OBJECTS, realPackages } from "./npm-objects.ts";
import { ALTERATIONS } from "./pypi-alterations.ts";
import { PYPI_DATA, PYPI_OBJECTS, realDistributions, STAGING_TRUST } from "./pypi-objects.ts";

/** Real clients before the real objects: what is right installs, what was altered does not, and its reason stands in the client's own output. */
const archives = PYPI_DATA && NPM_DATA ? await RealArchives.open() : undefined;
const distribution = archives ? await realDistributions(archives) : noArchives;
const packageOf = archives ? await realPackages(archives, (name, version) => buildNpmTarball({ name, version }).bytes) : noArchives;
const VICTIM = "abi3info-2024.10.8-py3-none-any.whl.provenance";
const OTHER = "abi3info-2024.10.3-py3-none-any.whl.provenance";

/** One alteration for each reason that there is. */
const alterations = [...new Map(ALTERATIONS.map((alteration) => [alteration.code, alteration])).values()];
const npmCases = NPM_OBJECTS.map((each, at) => ({ ...each, repository: `npm-${at}` }));
const pypiCases = PYPI_OBJECTS.map((each, at) => ({ ...each, repository: `pypi-${at}` }));
const alteredCases = alterations.map((each, at) => ({ ...each, repository: `altered-${at}` }));

describe.skipIf(!archives)("real clients and real objects", () => {
  let upstream: FakeUpstream;
  let assay: AssayProcess;
  let workspace = new Workspace();

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    for (const { repository, object } of pypiCases) publishDistributions(upstream, `/${repository}`, [distribution(object)]);
    for (const { repository, object } of npmCases) publishPackages(upstream, `/${repository}`, [packageOf(object)], endpointKeys());
    for (const { repository, alter } of alteredCases) {
      const provenance = JSON.parse(distribution(VICTIM).provenance.toString("utf8"));
      alter(provenance, JSON.parse(distribution(OTHER).provenance.toString("utf8")));
      publishDistributions(upstream, `/${repository}`, [{ ...distribution(VICTIM), provenance: Buffer.from(JSON.stringify(provenance)) }]);
    }
    // What source distributions are built with comes from a second upstream: another Assay.
    const pypi = (name: string, trust: string): string =>
      `  - {name: ${name}, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/${name}/simple/", trust: ${trust}}, {url: "${archives?.simpleIndex}"}]}`;
    assay = await startAssay({
      env: { ASSAY_TRUST: STAGING_TRUST },
      config: `
repositories:
${[
  ...pypiCases.map(({ repository, trust }) => pypi(repository, trust)),
  ...alteredCases.map(({ repository }) => pypi(repository, "public")),
  ...npmCases.map(({ repository }) => `  - {name: ${repository}, ecosystem: npm, upstreams: [{url: "${upstream.origin}/${repository}/"}]}`),
].join("\n")}
`,
    });
  }, 60_000);
  afterEach(() => {
    workspace.remove();
    workspace = new Workspace();
  });
  afterAll(async () => {
    workspace.remove();
    await assay?.discard();
    await upstream?.close();
    await archives?.close();
  });

  /** What the mirror says of a file, as far as every client shows it. */
  async function reasonFor(path: string): Promise<string> {
    const response = await fetch(`${assay.url}/${path}`, { method: "HEAD" });
    expect(response.status).toBe(403);
    return (response.headers.get("x-error-message") ?? "").replace("assay: ", "").slice(0, 60);
  }

  const pythonClients = [
    { client: "pip", install: (index: string, what: string) => workspace.pipInstall(index, "--no-deps", what) },
    { client: "uv", install: (index: string, what: string) => workspace.uvInstall(index, "--no-deps", what) },
  ] as const;
  describe.each(pythonClients)("$client", ({ client, install }) => {
    const found = findClient(client) !== undefined;
    if (!found) console.warn(`skipped: ${client} is not on this machine`);
    const installFrom = (repository: string, object: string): Promise<ClientRun> => {
      const { project, version } = distribution(object);
      return install(`${assay.url}/${repository}/simple/`, `${project}==${version}`);
    };

    test.skipIf(!found).each(pypiCases)(
      "installs the archive of $object",
      async ({ repository, object }) => {
        const run = await installFrom(repository, object);
        expect(run, run.output).toMatchObject({ code: 0 });
      },
      120_000,
    );

    test.skipIf(!found).each(alteredCases)(
      "shows why it gets no archive with $attack",
      async ({ repository, code }) => {
        const { project, file } = distribution(VICTIM);
        const reason = await reasonFor(`${repository}/files/${project}/${file}`);
        const { output, ...run } = await installFrom(repository, VICTIM);
        expect(run.code, output).not.toBe(0);
        expect(output.replace(/\s+/g, " "), code).toContain(reason);
      },
      120_000,
    );
  });

  test.each(npmCases)(
    "npm and $object",
    async ({ repository, name, version, outcome }) => {
      const run = await workspace.npmInstall(`${assay.url}/${repository}/`, `${name}@${version}`);
      expect(run.code === 0, run.output).toBe(outcome.kind === "admitted");
      if (outcome.kind === "admitted") return;
      const file = `${name.slice(name.lastIndexOf("/") + 1)}-${version}.tgz`;
      expect(run.output.replace(/\s+/g, " ")).toContain(await reasonFor(`${repository}/${name}/-/${file}`));
    },
    120_000,
  );
});
