import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { type ClientRun, findClient, registriesReachable, Workspace } from "../support/clients.ts";

/** Real clients, real registries, a verifying cache between them: the README's first two minutes. */
const reachable = registriesReachable();
if (!reachable) console.warn("skipped: the registries that pip and npm are configured with do not answer");

describe.skipIf(!reachable)("the registries of this machine, through Assay", () => {
  let assay: AssayProcess;
  const workspaces: Workspace[] = [];
  const workspace = (): Workspace => {
    const made = new Workspace();
    workspaces.push(made);
    return made;
  };

  beforeAll(async () => {
    assay = await startAssay();
  });
  afterEach(() => {
    for (const made of workspaces.splice(0)) made.remove();
  });
  afterAll(async () => {
    await assay.discard();
  });

  const installs: readonly { client: "pip" | "uv" | "npm" | "pnpm"; install: (url: string) => Promise<ClientRun> }[] = [
    { client: "pip", install: (url) => workspace().pipInstall(`${url}/pypi/simple/`, "requests") },
    { client: "uv", install: (url) => workspace().uvInstall(`${url}/pypi/simple/`, "requests") },
    { client: "npm", install: (url) => workspace().npmInstall(`${url}/npm/`, "express") },
    { client: "pnpm", install: (url) => workspace().pnpmAdd(`${url}/npm/`, "express") },
  ];

  test.each(installs)(
    "$client installs; again in a fresh environment without an upstream archive; again offline",
    async ({ client, install }) => {
      if (!findClient(client)) return console.warn(`skipped: ${client} is not on this machine`);
      expect(await install(assay.url)).toMatchObject({ code: 0 });
      const admitted = (): number => assay.log().filter(({ msg }) => msg === "admitted").length;
      const before = admitted();
      expect(before).toBeGreaterThan(0);
      expect(await install(assay.url)).toMatchObject({ code: 0 });
      expect(admitted()).toBe(before);
      await assay.stop();
      const offline = await startAssay({ dataDir: assay.dataDir, args: ["--offline"] });
      expect(await install(offline.url)).toMatchObject({ code: 0 });
      await offline.stop();
      assay = await startAssay({ dataDir: assay.dataDir });
    },
    300_000,
  );

  test("npm ci works from a lock file that was made without Assay", async () => {
    const direct = workspace();
    direct.write("package.json", `{"name":"fresh","version":"1.0.0","dependencies":{"left-pad":"1.3.0","@types/node":"^20"}}`);
    expect(await direct.run("npm", ["install", "--package-lock-only", "--no-audit"])).toMatchObject({ code: 0 });
    expect(await direct.run("npm", ["ci", "--registry", `${assay.url}/npm/`, "--replace-registry-host=always"])).toMatchObject({ code: 0 });
    const view = await direct.run("npm", ["view", "left-pad@1.3.0", "dist.tarball", "--registry", `${assay.url}/npm/`]);
    expect(view.output).toContain(`${assay.url}/npm/left-pad/-/left-pad-1.3.0.tgz`);
    expect(await direct.run("npm", ["ping", "--registry", `${assay.url}/npm/`])).toMatchObject({ code: 0 });
  }, 120_000);
});
