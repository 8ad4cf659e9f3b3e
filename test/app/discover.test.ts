import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RepositoryConfig } from "../../src/app/config.ts";
import { discoverUpstreams, type MirroredRepository } from "../../src/app/discover.ts";
import type { RunCommand } from "../../src/app/run-command.ts";
import type { Log, LogFields } from "../../src/core/ports/log.ts";

type Environment = Record<string, string | undefined>;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-discover-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The clients of a machine, by what they print. A command that is not listed is not installed. */
interface Machine {
  readonly npm?: Record<string, unknown>;
  readonly npmDefault?: string;
  readonly pip?: string;
  readonly pipDefault?: string;
}

function runOn(machine: Machine): RunCommand {
  return async (command, args) => {
    if (command === "npm" && args.includes("list")) return machine.npm && JSON.stringify(machine.npm);
    if (command === "npm" && args.includes("get")) return machine.npmDefault && `${machine.npmDefault}\n`;
    if (command === "python3" && args.includes("list")) return machine.pip;
    if (command === "python3" && args.includes("-c")) return machine.pipDefault && `${machine.pipDefault}\n`;
    return undefined;
  };
}

function recorder(): { log: Log; lines: { level: string; fields: LogFields; message: string }[] } {
  const lines: { level: string; fields: LogFields; message: string }[] = [];
  const at = (level: string) => (fields: LogFields, message: string) => void lines.push({ level, fields, message });
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  return { log, lines };
}

function repository(ecosystem: RepositoryConfig["ecosystem"], upstreams: RepositoryConfig["upstreams"] = "discover"): RepositoryConfig {
  return {
    name: ecosystem,
    ecosystem,
    type: "mirror",
    upstreams,
    policy: { unclaimed: "refuse", weakChecksum: "warn" },
    members: [],
    scopes: [],
    trust: "public",
    requireApproval: false,
  };
}

async function discover(ecosystem: RepositoryConfig["ecosystem"], machine: Machine, env: Environment = {}) {
  const { log, lines } = recorder();
  const config = { repositories: [repository(ecosystem)], listen: { host: "127.0.0.1", port: 8740 }, publicUrl: undefined, offline: false };
  const [found] = await discoverUpstreams(config, { env, log, run: runOn(machine) });
  return { upstreams: (found as MirroredRepository).upstreams, lines };
}

const NPM = { registry: "https://npm.example", cafile: null, "https-proxy": null, proxy: null, noproxy: [""] };
const OURS = "http://127.0.0.1:8740";

describe("an index that must not be taken over is not, and no weaker one stands in for it", () => {
  test.each<{ name: string; ecosystem: "npm" | "pypi"; machine: Machine; env?: Environment }>([
    { name: "no client is installed", ecosystem: "npm", machine: {} },
    { name: "no pip is installed", ecosystem: "pypi", machine: {} },
    {
      name: "npm does not tell a registry with credentials",
      ecosystem: "npm",
      machine: { npm: { ...NPM, registry: undefined }, npmDefault: "https://public.example/" },
    },
    {
      name: "npm answers no address",
      ecosystem: "npm",
      machine: { npm: { ...NPM, registry: "nonsense" }, npmDefault: "https://public.example/" },
    },
    {
      name: "pip's index is a folder",
      ecosystem: "pypi",
      machine: { pip: "global.index-url='/srv/simple'", pipDefault: "https://public.example/simple" },
    },
    {
      name: "pip's index is a file url",
      ecosystem: "pypi",
      machine: { pipDefault: "https://public.example/simple" },
      env: { PIP_INDEX_URL: "file:///srv/" },
    },
    {
      name: "credentials would go over plain http",
      ecosystem: "pypi",
      machine: { pipDefault: "https://public.example/simple" },
      env: { PIP_INDEX_URL: "http://u:hidden@pypi.example/simple" },
    },
    {
      name: "its certificates are not there",
      ecosystem: "pypi",
      machine: { pipDefault: "https://public.example/simple" },
      env: { PIP_CERT: "/nowhere/ca.pem" },
    },
    {
      name: "every index is Assay itself",
      ecosystem: "npm",
      machine: { npm: { ...NPM, registry: `${OURS}/npm/` }, npmDefault: `${OURS}/npm/` },
    },
  ])("$name", async ({ ecosystem, machine, env }) => {
    const { upstreams, lines } = await discover(ecosystem, machine, env);
    expect(upstreams).toEqual([]);
    const warning = lines.findLast(({ level }) => level === "warn");
    expect(warning?.fields).toMatchObject({ repository: ecosystem, help: expect.stringContaining("upstreams") });
    expect(JSON.stringify(lines)).not.toContain("hidden");
  });
});

describe("the index that the clients are configured with is taken over", () => {
  test.each<{ name: string; ecosystem: "npm" | "pypi"; machine: Machine; env?: Environment; url: string }>([
    { name: "npm's configuration", ecosystem: "npm", machine: { npm: NPM }, url: "https://npm.example/" },
    {
      name: "npm's environment first",
      ecosystem: "npm",
      machine: { npm: NPM },
      env: { npm_config_registry: "https://env.example/npm" },
      url: "https://env.example/npm/",
    },
    {
      name: "npm's own default where npm points at us",
      ecosystem: "npm",
      machine: { npm: { ...NPM, registry: `${OURS}/npm/` }, npmDefault: "https://public.example/" },
      url: "https://public.example/",
    },
    {
      name: "PIP_INDEX_URL first",
      ecosystem: "pypi",
      machine: { pip: "global.index-url='https://conf.example/simple'", pipDefault: "https://public.example/simple" },
      env: { PIP_INDEX_URL: "https://pip.example/simple", UV_DEFAULT_INDEX: "https://uv.example/simple" },
      url: "https://pip.example/simple/",
    },
    {
      name: "UV_DEFAULT_INDEX, which may be named",
      ecosystem: "pypi",
      machine: {},
      env: { UV_DEFAULT_INDEX: "corp=https://uv.example/simple" },
      url: "https://uv.example/simple/",
    },
    {
      name: "UV_INDEX_URL",
      ecosystem: "pypi",
      machine: {},
      env: { UV_INDEX_URL: "https://uv.example/simple" },
      url: "https://uv.example/simple/",
    },
    {
      name: "pip's configuration",
      ecosystem: "pypi",
      machine: {
        pip: ":env:.timeout='5'\nglobal.index-url='https://conf.example/a=b/simple/'\n",
        pipDefault: "https://public.example/simple",
      },
      url: "https://conf.example/a=b/simple/",
    },
    {
      name: "pip's own default",
      ecosystem: "pypi",
      machine: { pip: "", pipDefault: "https://public.example/simple" },
      url: "https://public.example/simple/",
    },
    {
      name: "pip's configuration where its environment points at us",
      ecosystem: "pypi",
      machine: { pip: "global.index-url='https://conf.example/simple'", pipDefault: "https://public.example/simple" },
      env: { PIP_INDEX_URL: `${OURS}/pypi/simple/` },
      url: "https://conf.example/simple/",
    },
  ])("$name", async ({ ecosystem, machine, env, url }) => {
    const { upstreams, lines } = await discover(ecosystem, machine, env);
    expect(upstreams.map((upstream) => upstream.url.href)).toEqual([url]);
    expect(lines.map(({ level }) => level)).not.toContain("warn");
    expect(lines.at(-1)?.fields).toMatchObject({ upstream: url });
  });

  test("credentials move from the address to auth, and into no log line", async () => {
    const { upstreams, lines } = await discover("pypi", {}, { PIP_INDEX_URL: "https://me:hid%40den@pypi.example/simple" });
    const [upstream] = upstreams;
    expect(upstream?.url.href).toBe("https://pypi.example/simple/");
    expect(upstream?.auth).toMatchObject({ kind: "basic", username: "me" });
    expect(upstream?.auth?.kind === "basic" && upstream.auth.password.reveal()).toBe("hid@den");
    expect(JSON.stringify(lines)).not.toContain("den");
  });

  test("with the client's certificates and proxy", async () => {
    const cafile = join(folder, "ca.pem");
    writeFileSync(cafile, "certificates");
    const npm = { ...NPM, cafile, "https-proxy": "http://proxy.example:3128" };
    const [upstream] = (await discover("npm", { npm })).upstreams;
    expect(upstream?.ca).toBe("certificates");
    expect(upstream?.proxy).toEqual({ url: new URL("http://proxy.example:3128") });
    const [direct] = (await discover("npm", { npm: { ...npm, noproxy: ["other.example", "npm.example"] } })).upstreams;
    expect(direct?.proxy).toBe("none");
  });
});

test("a repository that has upstreams, or is to have none, asks no client", async () => {
  const { log, lines } = recorder();
  const run: RunCommand = () => Promise.reject(new Error("a client was asked"));
  const config = {
    repositories: [repository("npm", []), repository("aam")],
    listen: { host: "127.0.0.1", port: 1 },
    publicUrl: undefined,
    offline: false,
  };
  expect((await discoverUpstreams(config, { env: {}, log, run })).map(({ upstreams }) => upstreams)).toEqual([[], []]);
  expect(lines.map(({ fields }) => fields["repository"])).toEqual(["npm", "aam"]);
});

test("each client is asked once for any number of repositories", async () => {
  const asked: string[] = [];
  const run: RunCommand = (command, args, options) => {
    asked.push(args.join(" "));
    return runOn({ npm: NPM })(command, args, options);
  };
  const repositories = [repository("npm"), { ...repository("npm"), name: "second" }];
  await discoverUpstreams(
    { repositories, listen: { host: "127.0.0.1", port: 1 }, publicUrl: undefined, offline: false },
    { env: {}, log: recorder().log, run },
  );
  expect(asked).toEqual(["config list --json"]);
});

test.skipIf(!has("npm") || !has("python3"))("the real npm and pip answer with an index each", async () => {
  const { log } = recorder();
  const config = {
    repositories: [repository("npm"), repository("pypi")],
    listen: { host: "127.0.0.1", port: 8740 },
    publicUrl: undefined,
    offline: false,
  };
  const found = await discoverUpstreams(config, { env: process.env, log });
  expect(found.map(({ upstreams }) => upstreams[0]?.url.protocol.startsWith("http"))).toEqual([true, true]);
});

function has(command: string): boolean {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore", timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
