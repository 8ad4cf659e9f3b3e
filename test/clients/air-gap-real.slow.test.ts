import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClientRun, findClient, registriesReachable, Workspace } from "../support/clients.ts";
import type { Loose } from "../support/sigstore-instance.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** It fetches some hundred packages, so it runs in CI and where ASSAY_SLOW_TESTS is set. */
const wanted = process.env["CI"] !== undefined || process.env["ASSAY_SLOW_TESTS"] !== undefined;
const separable = ((): boolean => {
  try {
    execFileSync("unshare", ["-rn", "ip", "link", "set", "lo", "up"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
const possible = wanted && separable && findClient("uv") !== undefined && registriesReachable();
if (!possible)
  console.warn("skipped: it needs ASSAY_SLOW_TESTS, network namespaces, uv, and the registries that pip and npm are configured with");

const PYTHON = [
  "flask",
  "aiohttp",
  "requests",
  "sqlalchemy",
  "pydantic",
  "cryptography",
  "jsonschema",
  "httpx[http2]",
  "typer",
  "celery",
  "pyyaml",
  "pytest",
];
const NODE = { express: "^4", jest: "^29" };

/** Runs a command of Assay with nothing configured, and answers how it ended and what it printed. */
function assay(...args: readonly string[]): Promise<ClientRun> {
  const env = { ...process.env, ASSAY_TRUST: "{public: {tuf: off}}" };
  return new Promise((resolve) => {
    execFile(process.execPath, ["src/main.ts", ...args], { cwd: ROOT, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout || stderr }),
    );
  });
}

describe.skipIf(!possible)("a real Python and a real npm project, across an air gap", () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-gap-real-"));
  const [near, far, bundle] = [join(folder, "near"), join(folder, "far"), join(folder, "project.tar")];
  const project = new Workspace();
  const [requirements, packageLock, pnpmLock] = ["requirements.txt", "package-lock.json", "pnpm-lock.yaml"].map((name) =>
    join(project.folder, name),
  ) as [string, string, string];
  const workspaces: Workspace[] = [project];
  let island: ChildProcess;
  let url: string;

  beforeAll(async () => {
    project.write("requirements.in", `${PYTHON.join("\n")}\n`);
    project.write("package.json", JSON.stringify({ name: "real", version: "1.0.0", dependencies: NODE }));
    const version = execFileSync(findClient("pip") ?? "python3", ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"], {
      encoding: "utf8",
    }).trim();
    // As the project's own people lock it: with the clients, by their own configuration, and without Assay.
    const compile = [
      "pip",
      "compile",
      "-q",
      "--generate-hashes",
      "--python",
      findClient("pip") ?? "python3",
      "requirements.in",
      "-o",
      "requirements.txt",
    ];
    for (const ended of [
      await project.run("uv", compile),
      await project.run("npm", ["install", "--package-lock-only", "--no-audit", "--no-fund"]),
      ...(findClient("pnpm") ? [await project.run("pnpm", ["install", "--lockfile-only", "--ignore-scripts"])] : []),
    ])
      expect(ended, ended.output).toMatchObject({ code: 0 });

    const narrowed = ["--python", version, "--platform", "manylinux_2_28_x86_64"];
    // pnpm asks for the packument of every package in its lock, also of those for other machines: npm's side is not narrowed.
    for (const locks of [[requirements, ...narrowed], [packageLock, pnpmLock].filter((lock) => existsSync(lock))]) {
      const fetched = await assay("prefetch", ...locks, "--data", near, "--json");
      expect(fetched.code, fetched.output.slice(-4000)).toBe(0);
    }
    const exported = await assay("export", "--all", "--data", near, "-o", bundle, "--json");
    expect(exported.code, exported.output.slice(-4000)).toBe(0);
    const said = JSON.parse(exported.output) as Loose;
    const carried = said.rows.map(({ purl }: Loose) => purl as string);
    expect(carried.filter((purl: string) => purl.startsWith("pkg:pypi/")).length).toBeGreaterThanOrEqual(40);
    expect(carried.filter((purl: string) => purl.includes("manylinux")).length).toBeGreaterThan(3);
    expect(carried.filter((purl: string) => purl.startsWith("pkg:npm/")).length).toBeGreaterThanOrEqual(150);
    const imported = await assay("import", bundle, "--key", said.keyId, "--data", far, "--json");
    expect(imported.code, imported.output.slice(-4000)).toBe(0);
    expect(JSON.parse(imported.output)).toMatchObject({ damage: [], summary: { admitted: carried.length, refused: 0, failed: 0 } });

    const serve = `ip link set lo up && exec '${process.execPath}' src/main.ts serve --offline --port 0 --data '${far}'`;
    island = spawn("unshare", ["-rn", "sh", "-c", serve], { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] });
    url = await new Promise((resolve, reject) => {
      island.stdout?.on("data", (text: Buffer) => resolve(/http:\/\/\S+/.exec(text.toString())?.[0] ?? ""));
      island.once("exit", (code) => reject(new Error(`assay serve ended with ${code}`)));
    });
  }, 900_000);
  afterAll(async () => {
    island?.kill("SIGTERM");
    for (const workspace of workspaces) workspace.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A place whose programs run where Assay runs: with no network but loopback. */
  function castaway(): Workspace {
    const made = new Workspace(["nsenter", "--preserve-credentials", "-U", "-n", "-t", String(island.pid)]);
    workspaces.push(made);
    return made;
  }

  test("there is no network there", () => {
    const interfaces = readFileSync(`/proc/${island.pid}/net/dev`, "utf8")
      .split("\n")
      .flatMap((line) => /^\s*(\S+):/.exec(line)?.[1] ?? []);
    expect(interfaces).toEqual(["lo"]);
  });

  test.each(["pip", "uv"] as const)(
    "%s installs the locked project",
    async (client) => {
      const at = castaway();
      const index = `${url}/pypi/simple/`;
      const ended = await (client === "pip"
        ? at.pipInstall(index, "--require-hashes", "-r", requirements)
        : at.uvInstall(index, "--require-hashes", "-r", requirements));
      expect(ended, ended.output).toMatchObject({ code: 0 });
      expect(readdirSync(join(at.folder, "site")).filter((name) => name.endsWith(".dist-info")).length).toBeGreaterThanOrEqual(40);
    },
    300_000,
  );

  test.each(["npm", "pnpm"] as const)(
    "%s installs the locked project",
    async (client) => {
      if (!findClient(client)) return console.warn(`skipped: ${client} is not on this machine`);
      const at = castaway();
      at.write("package.json", readFileSync(join(project.folder, "package.json"), "utf8"));
      const lock = client === "npm" ? packageLock : pnpmLock;
      at.write(lock.split("/").at(-1) ?? "", readFileSync(lock, "utf8"));
      const ended = await (client === "npm"
        ? at.run("npm", ["ci", "--registry", `${url}/npm/`, "--no-fund"])
        : at.run("pnpm", [
            "install",
            "--frozen-lockfile",
            "--ignore-scripts",
            "--config.fetch-retry-maxtimeout=1000",
            "--registry",
            `${url}/npm/`,
          ]));
      expect(ended, ended.output).toMatchObject({ code: 0 });
      expect(existsSync(join(at.folder, "node_modules", "jest", "package.json"))).toBe(true);
    },
    300_000,
  );

  test("pip and npm resolve without a lock to what is there", async () => {
    const python = castaway();
    const pip = await python.pipInstall(`${url}/pypi/simple/`, "requests");
    expect(pip, pip.output).toMatchObject({ code: 0 });
    const node = castaway();
    const npm = await node.npmInstall(`${url}/npm/`, "express");
    expect(npm, npm.output).toMatchObject({ code: 0 });
  }, 300_000);
});
