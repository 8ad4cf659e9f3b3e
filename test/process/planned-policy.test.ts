import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildNpmTarball, buildWheel } from "../support/archives.ts";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { SLSA_TYPE, slsaPredicate } from "../support/attested-index.ts";
import { publishDistributions, publishPackages } from "../support/attested-registry.ts";
import { Workspace } from "../support/clients.ts";
import { type PlanBench, type Ran, startPlanBench } from "../support/plan-bench.ts";
import type { SignOptions } from "../support/sigstore-instance.ts";
import { leafOf } from "../support/strangers.ts";

/** A project's lock files, from a plan to a policy in force. */
const EVIL: SignOptions = { leaf: leafOf("evil/tool", "666") };
const sha = (algorithm: string, bytes: Buffer): Buffer => createHash(algorithm).update(bytes).digest();

let bench: PlanBench;
let policy: string;
let planned: Ran;
let requirements: string;
let packageLock: string;

beforeAll(async () => {
  bench = await startPlanBench();
  const signed = bench.pypi.publish({ name: "signed-lib" });
  const built = bench.pypi.publish({ name: "built-lib", predicate: slsaPredicate() });
  const plain = bench.pypi.publish({ name: "plain-lib", sign: "none" });
  const attested = publishNpm("@acme/attested", "1.0.0", {});
  const unsigned = publishNpm("unsigned", "1.0.0", "none");
  const pinned = (name: string, { bytes }: { readonly bytes: Buffer }): string =>
    `${name}==1.0 --hash=sha256:${sha("sha256", bytes).toString("hex")}\n`;
  requirements = pinned("signed-lib", signed) + pinned("built-lib", built) + pinned("plain-lib", plain);
  const locked = (name: string, bytes: Buffer) => ({
    version: "1.0.0",
    resolved: `https://registry.example/${name}/-/${name.slice(name.indexOf("/") + 1)}-1.0.0.tgz`,
    integrity: `sha512-${sha("sha512", bytes).toString("base64")}`,
  });
  const dependencies = { "@acme/attested": "1.0.0", unsigned: "1.0.0" };
  packageLock = JSON.stringify({
    name: "project",
    version: "1.0.0",
    lockfileVersion: 3,
    packages: {
      "": { name: "project", version: "1.0.0", dependencies },
      "node_modules/@acme/attested": locked("@acme/attested", attested),
      "node_modules/unsigned": locked("unsigned", unsigned),
    },
  });
  const locks = [bench.write("requirements.txt", requirements), bench.write("package-lock.json", packageLock)];
  policy = join(bench.folder, "planned.yaml");
  planned = await bench.assay("plan", ...locks, "--fetch", "--write", policy, "--owner", "sec@acme.example");
}, 120_000);
afterAll(() => bench.close());

/** Publishes a version in the place of those before it, and answers its bytes. */
function publishNpm(name: string, version: string, sign: SignOptions | "none", files: Readonly<Record<string, string>> = {}): Buffer {
  const { bytes } = buildNpmTarball({ name, version, files });
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: `pkg:npm/${name.replace("@", "%40")}@${version}`, digest: { sha512: sha("sha512", bytes).toString("hex") } }],
    predicateType: SLSA_TYPE,
    predicate: slsaPredicate(sign === EVIL ? "https://github.com/evil/tool" : undefined),
  };
  const attestations =
    sign === "none"
      ? {}
      : { attestations: { attestations: [{ predicateType: SLSA_TYPE, bundle: bench.instance.signStatement(statement, sign) }] } };
  publishPackages(bench.upstream, "/npm", [{ name, version, bytes, ...attestations }], []);
  return bytes;
}

/** A mirror with nothing in it, which enforces the policy that was written. */
async function enforcing(): Promise<AssayProcess> {
  const mirror = await startAssay({ config: readFileSync(bench.configFile, "utf8"), args: ["--policy", policy] });
  onTestFinished(() => mirror.discard());
  return mirror;
}

function workspace(): Workspace {
  const made = new Workspace();
  onTestFinished(() => made.remove());
  return made;
}

test("the plan says who signs what, and writes a policy that says why", () => {
  expect(planned.code, planned.text).toBe(0);
  expect(planned.text).toContain("5 archives: 0 refused, 5 admitted");
  expect(planned.text).toMatch(
    /https:\/\/github\.com\/acme\/tool \(https:\/\/token\.actions\.githubusercontent\.com\) +@acme\/attested, built-lib, signed-lib/,
  );
  expect(planned.text).toMatch(/nobody +plain-lib, unsigned/);
  expect(planned.text).toContain("planned.yaml: adds 1 signer, 3 rules and 2 waivers, and enforces them");
  expect(planned.text).not.toContain("It would");
  const text = readFileSync(policy, "utf8");
  expect(text).toContain("pkg:npm/%40acme/attested # seen: 1.0.0 L2");
  expect(text).toContain('repository_id: "1234567"');
  expect(text).toContain("signed_by: nobody");
  expect(text).toMatch(
    /purl: pkg:npm\/unsigned@1\.0\.0\n {4}waive: \[signature\]\n {4}digest: sha256:[0-9a-f]{64}\n {4}owner: sec@acme\.example\n/,
  );
});

test("a mirror that enforces it gives real pip and npm all that the lock names", async () => {
  const mirror = await enforcing();
  const project = workspace();
  project.write("requirements.txt", requirements);
  const pip = await project.pipInstall(`${mirror.url}/pypi/simple/`, "--no-deps", "--require-hashes", "-r", "requirements.txt");
  expect(pip.code, pip.output).toBe(0);
  project.write(
    "package.json",
    JSON.stringify({ name: "project", version: "1.0.0", dependencies: JSON.parse(packageLock).packages[""].dependencies }),
  );
  project.write("package-lock.json", packageLock);
  const npm = await project.run("npm", [
    "ci",
    "--registry",
    `${mirror.url}/npm/`,
    "--replace-registry-host=always",
    "--no-audit",
    "--no-fund",
  ]);
  expect(npm.code, npm.output).toBe(0);
}, 240_000);

describe("the same mirror refuses", () => {
  test("a new version that somebody else signed", async () => {
    bench.pypi.publish({ name: "signed-lib", version: "1.1", sign: EVIL });
    publishNpm("@acme/attested", "1.1.0", EVIL);
    const mirror = await enforcing();
    const pip = await workspace().pipInstall(`${mirror.url}/pypi/simple/`, "signed-lib==1.1");
    expect(pip).toMatchObject({ code: expect.not.closeTo(0), output: expect.stringContaining("expected a signature by one of acme-tool") });
    const npm = await workspace().npmInstall(`${mirror.url}/npm/`, "@acme/attested@1.1.0");
    expect(npm).toMatchObject({ code: expect.not.closeTo(0), output: expect.stringContaining("expected a signature by one of acme-tool") });
  }, 240_000);

  test("an unsigned version of what is signed", async () => {
    bench.pypi.publish({ name: "built-lib", version: "1.2", sign: "none" });
    publishNpm("@acme/attested", "1.2.0", "none");
    const mirror = await enforcing();
    const pip = await workspace().pipInstall(`${mirror.url}/pypi/simple/`, "built-lib==1.2");
    expect(pip).toMatchObject({
      code: expect.not.closeTo(0),
      output: expect.stringContaining("expected a verified signature by one of acme-tool"),
    });
    const npm = await workspace().npmInstall(`${mirror.url}/npm/`, "@acme/attested@1.2.0");
    expect(npm).toMatchObject({
      code: expect.not.closeTo(0),
      output: expect.stringContaining("expected a verified signature by one of acme-tool"),
    });
  }, 240_000);

  test("other bytes of what is unsigned, on a mirror that never saw the right ones", async () => {
    const { file, bytes } = buildWheel({ name: "plain-lib", version: "1.0", files: { "plain_lib/backdoor.py": "print('in')\n" } });
    publishDistributions(bench.upstream, "/pypi", [{ project: "plain-lib", version: "1.0", file, bytes }]);
    publishNpm("unsigned", "1.0.0", "none", { "backdoor.js": "in()" });
    const mirror = await enforcing();
    const pip = await workspace().pipInstall(`${mirror.url}/pypi/simple/`, "plain-lib==1.0");
    expect(pip).toMatchObject({ code: expect.not.closeTo(0), output: expect.stringContaining("expected a verified signature") });
    const npm = await workspace().npmInstall(`${mirror.url}/npm/`, "unsigned@1.0.0");
    expect(npm).toMatchObject({ code: expect.not.closeTo(0), output: expect.stringContaining("expected a verified signature") });
  }, 240_000);

  test("a version of what is unsigned that a stranger signed, and a package that was not in the lock", async () => {
    bench.pypi.publish({ name: "plain-lib", version: "1.1", sign: EVIL });
    bench.pypi.publish({ name: "new-lib", version: "1.0", sign: EVIL });
    const mirror = await enforcing();
    for (const wanted of ["plain-lib==1.1", "new-lib"]) {
      const pip = await workspace().pipInstall(`${mirror.url}/pypi/simple/`, wanted);
      expect(pip).toMatchObject({ code: expect.not.closeTo(0), output: expect.stringContaining("it names nobody") });
    }
  }, 240_000);
});
