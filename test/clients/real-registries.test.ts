import { afterEach, describe, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { type ClientName, type ClientRun, findClient, registriesReachable, Workspace } from "../support/clients.ts";

/** Real clients, real registries, a verifying cache between them: the README's first two minutes. */
const reachable = registriesReachable();
if (!reachable) console.warn("skipped: the registries that pip and npm are configured with do not answer");

describe.skipIf(!reachable)("the registries of this machine, through Assay", () => {
  const workspaces: Workspace[] = [];
  const running: AssayProcess[] = [];
  const workspace = (): Workspace => {
    const made = new Workspace();
    workspaces.push(made);
    return made;
  };
  const start = async (options: Parameters<typeof startAssay>[0] = {}): Promise<AssayProcess> => {
    const assay = await startAssay(options);
    running.push(assay);
    return assay;
  };
  afterEach(async () => {
    for (const made of workspaces.splice(0)) made.remove();
    for (const assay of running.splice(0)) await assay.discard();
  });

  const installs: readonly { client: ClientName; install: (url: string) => Promise<ClientRun> }[] = [
    { client: "pip", install: (url) => workspace().pipInstall(`${url}/pypi/simple/`, "requests") },
    { client: "uv", install: (url) => workspace().uvInstall(`${url}/pypi/simple/`, "requests") },
    { client: "npm", install: (url) => workspace().npmInstall(`${url}/npm/`, "express") },
    { client: "pnpm", install: (url) => workspace().pnpmAdd(`${url}/npm/`, "express") },
  ];

  describe.each(installs)("$client", ({ client, install }) => {
    const found = findClient(client) !== undefined;
    if (!found) console.warn(`skipped: ${client} is not on this machine`);

    test.skipIf(!found)(
      "installs; again in a fresh environment without an upstream archive; again offline",
      async () => {
        const online = await start();
        const admitted = (): number => online.log().filter(({ msg }) => msg === "admitted").length;
        expect(await install(online.url)).toMatchObject({ code: 0 });
        const fetched = admitted();
        expect(fetched).toBeGreaterThan(0);
        expect(await install(online.url)).toMatchObject({ code: 0 });
        expect(admitted()).toBe(fetched);
        expect(await online.stop()).toBe(0);
        const offline = await start({ dataDir: online.dataDir, args: ["--offline"] });
        expect(await install(offline.url)).toMatchObject({ code: 0 });
      },
      300_000,
    );
  });

  test("npm ci works from a lock file that was made without Assay; npm view and ping too", async () => {
    const { url } = await start();
    const direct = workspace();
    direct.write("package.json", `{"name":"fresh","version":"1.0.0","dependencies":{"left-pad":"1.3.0","@types/node":"^20"}}`);
    expect(await direct.run("npm", ["install", "--package-lock-only", "--no-audit"])).toMatchObject({ code: 0 });
    expect(await direct.run("npm", ["ci", "--registry", `${url}/npm/`, "--replace-registry-host=always"])).toMatchObject({ code: 0 });
    const view = await direct.run("npm", ["view", "left-pad@1.3.0", "dist.tarball", "--registry", `${url}/npm/`]);
    expect(view.output).toContain(`${url}/npm/left-pad/-/left-pad-1.3.0.tgz`);
    expect(await direct.run("npm", ["ping", "--registry", `${url}/npm/`])).toMatchObject({ code: 0 });
  }, 120_000);
});
