import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { type ClientName, findClient, Workspace } from "../support/clients.ts";
import { publishTarball, publishWheel } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { answerServices, BINDING, leaks, publishTool, twoUpstreamsConfig } from "../support/two-upstreams.ts";

/** Dependency confusion, as it was done: the outside registry has a higher version of every internal name, and is asked first. */
let outside: FakeUpstream;
let internal: FakeUpstream;
let assay: AssayProcess;
const settings = new Workspace();

beforeAll(async () => {
  [outside, internal] = [await startFakeUpstream(), await startFakeUpstream()];
  publishTool(outside, "9.9.9", "evil");
  answerServices(outside);
  publishTool(internal, "1.0.0", "ours");
  publishWheel(outside, { name: "free" });
  publishTarball(outside, { name: "free" });
  const policy = join(settings.folder, "policy.yaml");
  writeFileSync(policy, `version: 1\n${BINDING}\n`);
  assay = await startAssay({ config: twoUpstreamsConfig(outside, internal, `policy: ${policy}`) });
});

afterAll(async () => {
  await assay.discard();
  await Promise.all([outside.close(), internal.close()]);
  settings.remove();
});

const CLIENTS: readonly { client: ClientName; install: (workspace: Workspace) => ReturnType<Workspace["run"]> }[] = [
  { client: "pip", install: (workspace) => workspace.pipInstall(`${assay.url}/pypi/simple/`, "Acme_Tool", "free") },
  { client: "uv", install: (workspace) => workspace.uvInstall(`${assay.url}/pypi/simple/`, "acme.tool", "free") },
  { client: "npm", install: (workspace) => workspace.npmInstall(`${assay.url}/npm/`, "@acme/tool", "free") },
  { client: "pnpm", install: (workspace) => workspace.pnpmAdd(`${assay.url}/npm/`, "@acme/tool", "free") },
];

for (const { client, install } of CLIENTS) {
  test.skipIf(!findClient(client))(
    `${client} installs the internal version of a bound name, and the outside registry hears of the free one only`,
    async () => {
      const workspace = new Workspace();
      try {
        const { code, output } = await install(workspace);
        expect(code, output).toBe(0);
        expect(output).not.toContain("9.9.9");
        expect(leaks(outside).map(({ path }) => path)).toEqual([]);
        expect(outside.requests.some(({ path }) => path.includes("free"))).toBe(true);
      } finally {
        workspace.remove();
      }
    },
    300_000,
  );
}

for (const client of ["npm", "pnpm"] as const) {
  test.skipIf(!findClient(client))(
    `${client} audit tells the outside registry of the free packages only`,
    async () => {
      const workspace = new Workspace();
      try {
        const before = outside.requests.length;
        if (client === "npm") await workspace.npmInstall(`${assay.url}/npm/`, "@acme/tool", "free");
        else await workspace.pnpmAdd(`${assay.url}/npm/`, "@acme/tool", "free");
        await workspace.run(client, ["audit", "--registry", `${assay.url}/npm/`]);
        const audits = outside.requests.slice(before).filter(({ method }) => method === "POST");
        expect(audits.length).toBeGreaterThan(0);
        for (const { body } of audits) expect(body.toString()).toContain("free");
        expect(leaks(outside).map(({ path }) => path)).toEqual([]);
      } finally {
        workspace.remove();
      }
    },
    300_000,
  );
}
