import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { type ClientName, type ClientRun, findClient, Workspace } from "../support/clients.ts";
import { mirrorConfig, publishTarball } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { publishTarballs, publishWheels } from "../support/releases.ts";
import { startCommand } from "../support/run-assay.ts";

/**
 * The air gap, with the locks that the real tools write. They are made where there is an upstream, `assay prefetch` brings in what they name, the upstream is taken away, and a
 * mirror that asks nobody serves an installation by each tool from its own lock.
 */
const PYTHON = findClient("pip") ?? "";
const projects = mkdtempSync(join(tmpdir(), "assay-locked-"));
const dataDir = mkdtempSync(join(tmpdir(), "assay-locked-data-"));
const made: Workspace[] = [];

let upstream: FakeUpstream;
let offline: AssayProcess | undefined;
let prefetched: { readonly code: number | null; readonly out: string; readonly err: string };

const path = (name: string): string => join(projects, name);

beforeAll(async () => {
  upstream = await startFakeUpstream();
  publishWheels(upstream, "six", [{ version: "1.15.0" }, { version: "1.16.0" }, { version: "1.17.0" }]);
  publishWheels(upstream, "typing-extensions", [{ version: "4.12.0" }]);
  publishTarballs(upstream, "left-pad", [{ version: "1.2.0" }, { version: "1.3.0" }]);
  // Under the address that npm and Assay write; pnpm escapes it in another way, so its project does without.
  publishTarball(upstream, { name: "@acme/tool", version: "2.0.0" });
  // What the uv lock says comes from the mirror that it was made through: its address is the one that the offline mirror has later.
  const online = await startAssay({ config: mirrorConfig(upstream) });
  await makeLocks(online);
  await online.discard();
  const config = path("assay.yaml");
  writeFileSync(config, mirrorConfig(upstream));
  const locks = ["requirements.txt", "pylock.toml", "uv.lock", "package-lock.json", "pnpm-lock.yaml"]
    .map(path)
    .filter((file) => existsSync(file));
  prefetched = await startCommand(["prefetch", ...locks, "--config", config, "--data", dataDir]).ended;
  await upstream.close();
  offline = await startAssay({ config: mirrorConfig(upstream), dataDir, args: ["--offline", "--port", new URL(online.url).port] });
}, 600_000);

afterAll(async () => {
  await offline?.discard();
  for (const workspace of made) workspace.remove();
  rmSync(projects, { recursive: true });
  rmSync(dataDir, { recursive: true, force: true });
});

function workspace(): Workspace {
  const one = new Workspace();
  made.push(one);
  return one;
}

const PYPROJECT =
  '[project]\nname = "app"\nversion = "1.0.0"\nrequires-python = ">=3.8"\ndependencies = ["six==1.16.0", "typing-extensions"]\n';
const LEFT_PAD = { "left-pad": "^1.0.0", mine: "npm:left-pad@1.2.0" };
const PACKAGE = {
  npm: JSON.stringify({ name: "app", version: "1.0.0", dependencies: { ...LEFT_PAD, "@acme/tool": "2.0.0" } }),
  pnpm: JSON.stringify({ name: "app", version: "1.0.0", dependencies: LEFT_PAD }),
};

/** Each tool that is here writes its lock into `projects`. */
async function makeLocks({ url }: AssayProcess): Promise<void> {
  if (findClient("uv")) {
    const uv = workspace();
    uv.write("pyproject.toml", PYPROJECT);
    await expectDone(uv.run("uv", ["lock", "--python", PYTHON, "--default-index", `${url}/pypi/simple/`]));
    await expectDone(
      uv.run("uv", ["export", "--frozen", "--no-emit-project", "-q", "--format", "requirements-txt", "-o", path("requirements.txt")]),
    );
    await expectDone(uv.run("uv", ["export", "--frozen", "--no-emit-project", "-q", "--format", "pylock.toml", "-o", path("pylock.toml")]));
    copyFileSync(join(uv.folder, "uv.lock"), path("uv.lock"));
  }
  // These were made straight from the registry: their addresses are the upstream's.
  for (const [client, lock, args] of [
    ["npm", "package-lock.json", ["install", "--package-lock-only", "--no-audit", "--no-fund"]],
    ["pnpm", "pnpm-lock.yaml", ["install", "--lockfile-only"]],
  ] as const) {
    if (!findClient(client)) continue;
    const project = workspace();
    project.write("package.json", PACKAGE[client]);
    await expectDone(project.run(client, [...args, "--registry", upstream.url("/npm/").href]));
    copyFileSync(join(project.folder, lock), path(lock));
  }
}

async function expectDone(run: Promise<ClientRun>): Promise<void> {
  const { code, output } = await run;
  if (code !== 0) throw new Error(output);
}

test("everything that the locks name is brought in, once", () => {
  const { code, out, err } = prefetched;
  expect(`${out}${err}`).not.toMatch(/refused|unavailable|incomplete|bad entry/);
  expect(code).toBe(0);
  if (findClient("uv")) expect(out.match(/pkg:pypi\/six@1\.16\.0/g)).toHaveLength(1);
  if (findClient("npm")) expect(out).toContain("pkg:npm/%40acme/tool@2.0.0");
});

interface Installation {
  readonly client: ClientName;
  readonly lock: string;
  readonly install: (project: Workspace, url: string) => Promise<ClientRun>;
  /** What files hold afterwards, by their path where the tool installs. */
  readonly expected: Readonly<Record<string, string>>;
}

const site = { "six/__init__.py": '"1.16.0"', "typing_extensions/__init__.py": '"4.12.0"' };
const leftPad = { "left-pad/index.js": '"1.3.0"', "mine/index.js": '"1.2.0"' };

const INSTALLATIONS: readonly Installation[] = [
  {
    client: "pip",
    lock: "requirements.txt",
    install: (project, url) =>
      project.run("pip", [
        "install",
        "--require-hashes",
        "--no-cache-dir",
        "--target",
        "site",
        "--index-url",
        `${url}/pypi/simple/`,
        "-r",
        "requirements.txt",
      ]),
    expected: site,
  },
  {
    client: "uv",
    lock: "pylock.toml",
    install: (project, url) =>
      project.run("uv", ["pip", "sync", "--python", PYTHON, "--target", "site", "--default-index", `${url}/pypi/simple/`, "pylock.toml"]),
    expected: site,
  },
  {
    client: "uv",
    lock: "uv.lock",
    install: (project, url) => {
      project.write("pyproject.toml", PYPROJECT);
      return project.run("uv", ["sync", "--frozen", "--python", PYTHON, "--default-index", `${url}/pypi/simple/`]);
    },
    expected: site,
  },
  {
    client: "npm",
    lock: "package-lock.json",
    install: (project, url) => {
      project.write("package.json", PACKAGE.npm);
      return project.run("npm", ["ci", "--no-audit", "--no-fund", "--replace-registry-host=always", "--registry", `${url}/npm/`]);
    },
    expected: { ...leftPad, "@acme/tool/index.js": '"2.0.0"' },
  },
  {
    client: "pnpm",
    lock: "pnpm-lock.yaml",
    install: (project, url) => {
      project.write("package.json", PACKAGE.pnpm);
      return project.run("pnpm", ["install", "--frozen-lockfile", "--ignore-scripts", "--registry", `${url}/npm/`]);
    },
    expected: leftPad,
  },
];

/** Where the tools put what they install: `--target site`, the one folder of a new environment, or npm's. */
function installedIn({ folder }: Workspace): string {
  const found = ["site", "node_modules"].map((each) => join(folder, each)).find((each) => existsSync(each));
  const libraries = join(folder, ".venv", "lib");
  return found ?? join(libraries, readdirSync(libraries)[0] ?? "", "site-packages");
}

describe.each(INSTALLATIONS)("$client with its $lock", ({ client, lock, install, expected }) => {
  test.skipIf(!findClient(client) || (lock !== "package-lock.json" && lock !== "pnpm-lock.yaml" && !findClient("uv")))(
    "installs where there is no upstream",
    { timeout: 300_000 },
    async () => {
      const project = workspace();
      copyFileSync(path(lock), join(project.folder, lock));
      const { code, output } = await install(project, offline?.url ?? "");
      expect(code, output).toBe(0);
      for (const [file, text] of Object.entries(expected)) expect(readFileSync(join(installedIn(project), file), "utf8")).toContain(text);
    },
  );
});
