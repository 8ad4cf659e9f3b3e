import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AirGap } from "../support/air-gap.ts";
import { type ClientName, type ClientRun, findClient, Workspace } from "../support/clients.ts";
import { publishAams, publishTarballs, publishWheels } from "../support/releases.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const traced = (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, "strace")));
if (!traced) console.warn("skipped: without strace nobody sees what an offline mirror connects to");

/** `assay serve` whose every attempt at a connection, and that of every program it starts, is written down. */
class TracedAssay {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #trace: string;

  private constructor(child: ChildProcess, url: string, trace: string) {
    this.#child = child;
    this.url = url;
    this.#trace = trace;
  }

  static async start(data: string, trace: string, ...more: readonly string[]): Promise<TracedAssay> {
    const config = join(data, "command-config.yaml");
    const serve = [process.execPath, "src/main.ts", "serve", "--port", "0", "--data", data, "--config", config, ...more];
    const args = ["-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", trace, ...serve];
    const child = spawn("strace", args, { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] });
    const url = await new Promise<string>((resolve, reject) => {
      let said = "";
      child.stdout?.on("data", (text: Buffer) => {
        said += text.toString();
        const match = /http:\/\/\S+/.exec(said);
        if (match) resolve(match[0]);
      });
      child.once("exit", (code) => reject(new Error(`assay serve ended with ${code}: ${said}`)));
    });
    return new TracedAssay(child, url, trace);
  }

  /** Ends it, and answers what it tried to reach: addresses of the internet protocols, names included, which are asked for over them. */
  async stop(): Promise<readonly string[]> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    // strace keeps signals to itself; the program that it runs is its only child.
    process.kill(Number(readFileSync(`/proc/${this.#child.pid}/task/${this.#child.pid}/children`, "utf8").trim()), "SIGTERM");
    await ended;
    return readFileSync(this.#trace, "utf8")
      .split("\n")
      .filter((line) => /sa_family=AF_INET6?\b/.test(line));
  }
}

describe.skipIf(!traced)("serve --offline after an import", () => {
  let gap: AirGap;
  let data: string;
  let assay: TracedAssay;

  beforeAll(async () => {
    gap = await AirGap.open();
    const releases = [{ version: "1.0.0" }, { version: "1.1.0" }, { version: "2.0.0" }];
    publishWheels(gap.upstream, "demo", releases);
    publishTarballs(gap.upstream, "demo", releases);
    publishAams(gap.upstream, "demo", releases);
    await gap.fetch(["/pypi/files/demo/demo-1.1.0-py3-none-any.whl", "/npm/demo/-/demo-1.1.0.tgz", "/aam/packages/demo/1.1.0/tarball"]);
    const bundle = join(gap.folder, "all.tar");
    await gap.export(bundle);
    data = gap.folderFor("far");
    expect(await gap.import(data, bundle)).toMatchObject({ code: 0 });
    assay = await TracedAssay.start(data, join(gap.folder, "offline.trace"), "--offline");
  }, 120_000);
  afterAll(() => gap.close());

  const installs: readonly { client: ClientName; install: (at: Workspace) => Promise<ClientRun> }[] = [
    { client: "pip", install: (at) => at.pipInstall(`${assay.url}/pypi/simple/`, "demo") },
    { client: "uv", install: (at) => at.uvInstall(`${assay.url}/pypi/simple/`, "demo") },
    { client: "npm", install: (at) => at.npmInstall(`${assay.url}/npm/`, "demo") },
    { client: "pnpm", install: (at) => at.pnpmAdd(`${assay.url}/npm/`, "demo") },
  ];
  test.each(installs)(
    "$client installs the newest version that is here, though the index has a newer one",
    async ({ client, install }) => {
      if (!findClient(client)) return console.warn(`skipped: ${client} is not on this machine`);
      const workspace = new Workspace();
      try {
        const ended = await install(workspace);
        expect(ended, ended.output).toMatchObject({ code: 0 });
        expect(installed(workspace, client)).toBe("1.1.0");
      } finally {
        workspace.remove();
      }
    },
    240_000,
  );

  test("npm's audit is answered so that npm goes on without a word, and without a wait", async () => {
    if (!findClient("npm")) return console.warn("skipped: npm is not on this machine");
    const workspace = new Workspace();
    try {
      workspace.write("package.json", '{"name":"fresh","version":"1.0.0"}');
      const ended = await workspace.run("npm", ["install", "--registry", `${assay.url}/npm/`, "--audit", "--no-fund", "demo"]);
      expect(ended, ended.output).toMatchObject({ code: 0 });
      // Neither a complaint, nor a claim that somebody looked for vulnerabilities and found none.
      expect(ended.output).not.toMatch(/audit|vulnerabilit|\b50[0-9]\b|error/i);
      const audited = await fetch(`${assay.url}/npm/-/npm/v1/security/advisories/bulk`, { method: "POST", body: '{"demo":["1.1.0"]}' });
      expect([audited.status, await audited.text()]).toEqual([404, expect.stringContaining("offline")]);
    } finally {
      workspace.remove();
    }
  }, 240_000);

  test("an AAM client is led to the version that is here, in both dialects; what is not here is said so", async () => {
    const answer = async (path: string): Promise<Response> => fetch(`${assay.url}/aam/${path}`);
    expect(await (await answer("packages/demo")).json()).toMatchObject({ "dist-tags": { latest: "1.1.0" } });
    expect(await (await answer("api/v1/packages/demo/tags")).json()).toMatchObject({ tags: { latest: "1.1.0" } });
    const absent = await answer("packages/demo/2.0.0/tarball");
    expect([absent.status, await absent.text()]).toEqual([503, expect.stringContaining("offline")]);
  });

  test("nobody was asked for anything, no name server either; without --offline the same trace shows who is", async () => {
    expect(await assay.stop()).toEqual([]);
    writeFileSync(join(data, "command-config.yaml"), `${gap.config}\nnegative_ttl: 0s\n`);
    const online = await TracedAssay.start(data, join(gap.folder, "online.trace"));
    await fetch(`${online.url}/npm/never-seen`);
    expect((await online.stop()).length).toBeGreaterThan(0);
  }, 120_000);
});

function installed({ folder }: Workspace, client: ClientName): string | undefined {
  if (client === "npm" || client === "pnpm")
    return JSON.parse(readFileSync(join(folder, "node_modules/demo/package.json"), "utf8")).version;
  return existsSync(join(folder, "site", "demo-1.1.0.dist-info")) ? "1.1.0" : undefined;
}
