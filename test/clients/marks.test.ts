import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { type ClientName, type ClientRun, findClient, Workspace } from "../support/clients.ts";
import { mirrorConfig } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { publishTarballs, publishWheels, type Release } from "../support/releases.ts";

/** Real clients, asked for a range, a tag or a pin where the newest version would be refused. */
interface Driver {
  readonly client: ClientName;
  readonly ecosystem: "pypi" | "npm";
  readonly range: (name: string) => string;
  readonly pin: (name: string, version: string) => string;
  /** Whether it prints why an archive was refused: pnpm prints the status alone (measured). */
  readonly showsReason: boolean;
}

const PYTHON = {
  ecosystem: "pypi",
  range: (name: string) => `${name}>=1`,
  pin: (name: string, version: string) => `${name}==${version}`,
} as const;
const NODE = {
  ecosystem: "npm",
  range: (name: string) => `${name}@>=1.0.0`,
  pin: (name: string, version: string) => `${name}@${version}`,
} as const;
const DRIVERS: readonly Driver[] = [
  { client: "pip", ...PYTHON, showsReason: true },
  { client: "uv", ...PYTHON, showsReason: true },
  { client: "npm", ...NODE, showsReason: true },
  { client: "pnpm", ...NODE, showsReason: false },
];

/** Several installs one after the other, on a machine that may be busy. */
const TIMEOUT_MS = 240_000;

let upstream: FakeUpstream;
let assay: AssayProcess;
let folder: string;
const workspaces: Workspace[] = [];

beforeAll(async () => {
  upstream = await startFakeUpstream();
  folder = mkdtempSync(join(tmpdir(), "assay-marks-"));
  const hostile = `<script>"'\u0000\u001b[2J${"x".repeat(100_000)}`;
  const affected = ["PyPI", "npm"].map((ecosystem) => ({ package: { ecosystem, name: "listed-bad" }, versions: ["2.0.0"] }));
  writeFileSync(
    join(folder, "MAL-1.json"),
    JSON.stringify({ id: "MAL-1", modified: new Date().toISOString(), summary: hostile, affected }),
  );
  writeFileSync(
    join(folder, "policy.yaml"),
    `version: 1
defaults: {min_age: 3d}
deny:
  - {purl: "pkg:npm/denied", versions: "vers:npm/2.0.0", reason: "stolen in 2024"}
  - {purl: "pkg:pypi/denied", versions: "vers:pypi/2.0.0", reason: "stolen in 2024"}
  - {feed: osv, path: ${folder}}
`,
  );
  assay = await startAssay({ config: mirrorConfig(upstream, `policy: ${join(folder, "policy.yaml")}\n`) });
});
afterEach(() => {
  for (const workspace of workspaces.splice(0)) workspace.remove();
});
afterAll(async () => {
  await assay.discard();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

interface Installed extends ClientRun {
  /** The version that was installed; undefined where none was. */
  readonly version: string | undefined;
}

async function install({ client }: Driver, name: string, wanted: string): Promise<Installed> {
  const workspace = new Workspace();
  workspaces.push(workspace);
  const run = await runIn(workspace, client, wanted);
  const files = [join("site", name.replaceAll("-", "_"), "__init__.py"), join("node_modules", name, "package.json")];
  const text = files.map((file) => textOf(join(workspace.folder, file))).join("");
  return { ...run, version: /"?(?:__version__ =|version":) "([^"]+)"/.exec(text)?.[1] };
}

function runIn(workspace: Workspace, client: ClientName, wanted: string): Promise<ClientRun> {
  switch (client) {
    case "pip":
      return workspace.pipInstall(`${assay.url}/pypi/simple/`, wanted);
    case "uv":
      return workspace.uvInstall(`${assay.url}/pypi/simple/`, wanted);
    case "npm":
      return workspace.npmInstall(`${assay.url}/npm/`, wanted);
    case "pnpm":
      return workspace.pnpmAdd(`${assay.url}/npm/`, wanted);
    default:
      return client satisfies never;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function publish({ ecosystem }: Driver, name: string, releases: readonly Release[]): void {
  if (ecosystem === "pypi") publishWheels(upstream, name, releases);
  else publishTarballs(upstream, name, releases);
}

describe.each(DRIVERS)("$client", (driver) => {
  const { client, ecosystem, range, pin, showsReason } = driver;
  const found = findClient(client) !== undefined;
  if (!found) console.warn(`skipped: ${client} is not on this machine`);
  const whenFound = test.skipIf(!found);

  whenFound.each([
    { why: "denied", name: "denied", reason: /denied: stolen in 2024/ },
    { why: "too young", name: "too-young", publishedAt: new Date().toISOString(), reason: /expected an age of at least 3 days/ },
    { why: "in a feed of bad packages, with a hostile summary", name: "listed-bad", reason: /denied: MAL-1/ },
  ])(
    "$why: a range finds the version before, a pin is refused with the reason",
    async ({ name, publishedAt, reason }) => {
      publish(driver, name, [{ version: "1.0.0" }, { version: "2.0.0", ...(publishedAt ? { publishedAt } : {}) }]);
      for (const wanted of [range(name), name, ...(ecosystem === "npm" ? [`${name}@latest`] : [])]) {
        expect(await install(driver, name, wanted), wanted).toMatchObject({ code: 0, version: "1.0.0" });
      }
      const pinned = await install(driver, name, pin(name, "2.0.0"));
      expect(pinned).toMatchObject({ version: undefined });
      expect(pinned.code).not.toBe(0);
      expect(pinned.output).toMatch(showsReason ? reason : /403/);
    },
    TIMEOUT_MS,
  );

  whenFound(
    "refused once: the next range finds the version before, and the pin is told the reason again",
    async () => {
      const name = `${client}-turns-out-bad`;
      publish(driver, name, [{ version: "1.0.0" }, { version: "2.0.0", saysItIs: "another" }]);
      const first = await install(driver, name, range(name));
      expect(first).toMatchObject({ version: undefined });
      expect(first.output).toMatch(showsReason ? /another/ : /403/);
      for (const wanted of [range(name), name]) {
        expect(await install(driver, name, wanted), wanted).toMatchObject({ code: 0, version: "1.0.0" });
      }
      const pinned = await install(driver, name, pin(name, "2.0.0"));
      expect(pinned).toMatchObject({ version: undefined });
      expect(pinned.output).toMatch(showsReason ? /another/ : /403/);
    },
    TIMEOUT_MS,
  );

  whenFound(
    "the only version is refused: each install is told the reason, and none is sent looking elsewhere",
    async () => {
      const name = `${client}-all-bad`;
      publish(driver, name, [{ version: "2.0.0", saysItIs: "another" }]);
      for (const _ of ["first", "again"]) {
        const { version, output } = await install(driver, name, range(name));
        expect(version).toBeUndefined();
        expect(output).toMatch(showsReason ? /another/ : /403/);
      }
    },
    TIMEOUT_MS,
  );
});
