import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadPolicy } from "../../src/policy/load-policy.ts";
import { type PlanBench, startPlanBench } from "../support/plan-bench.ts";
import { emailName } from "../support/sigstore-instance.ts";
import { leafOf } from "../support/strangers.ts";

const REQUIRE = "version: 1\ndefaults:\n  signature: {require: true, on_missing: error}\n";

async function setting(): Promise<PlanBench> {
  const bench = await startPlanBench();
  onTestFinished(() => bench.close());
  return bench;
}

interface Locked {
  readonly name: string;
  readonly bytes: Buffer;
  readonly version?: string;
}

const pinned = ({ name, bytes, version = "1.0" }: Locked): string =>
  `${name}==${version} --hash=sha256:${createHash("sha256").update(bytes).digest("hex")}\n`;

/** `requirements.txt` of attested-index wheels. */
function lockOf(bench: PlanBench, ...packages: readonly Locked[]): string {
  return bench.write("requirements.txt", packages.map(pinned).join(""));
}

function publish(bench: PlanBench, name: string, sign: Parameters<PlanBench["pypi"]["publish"]>[0]["sign"] = {}): Locked {
  return { name, bytes: bench.pypi.publish({ name, sign }).bytes };
}

/** Bytes of archives on disk. */
function blobsIn({ dataDir }: PlanBench): readonly string[] {
  const root = join(dataDir, "blobs-v1");
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(root, path)).isFile());
}

const decisions = async (bench: PlanBench): Promise<number> => (await bench.assay("log", "show", "--json")).text.trim().split("\n").length;

test("what was never fetched is not known, and nobody is asked about it", async () => {
  const bench = await setting();
  const lock = join(bench.folder, "poetry.lock");
  const { bytes, file } = bench.pypi.publish({ name: "tool" });
  const hash = createHash("sha256").update(bytes).digest("hex");
  writeFileSync(
    lock,
    `[[package]]\nname = "tool"\nversion = "1.0"\ndescription = ""\noptional = false\npython-versions = "*"\nfiles = [{file = "${file}", hash = "sha256:${hash}"}]\n
[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = "${"0".repeat(64)}"\n`,
  );
  const { code, out } = await bench.json("plan", lock);
  expect(code).toBe(69);
  expect(out).toMatchObject({
    artifacts: [{ outcome: "unknown", level: null, reasons: [{ code: null, text: "it was never fetched" }] }],
    summary: { archives: 1, admitted: 0, unknown: 1 },
    proposal: null,
  });
  expect(bench.upstream.requests).toEqual([]);
});

test("a lock that names no files is not known until the index has been seen, and at odds with an index that has other bytes", async () => {
  const bench = await setting();
  const lock = lockOf(bench, publish(bench, "tool"));
  const unseen = await bench.assay("plan", lock);
  expect(unseen.code).toBe(69);
  expect(unseen.text).toMatch(/^0 archives: 0 refused, 1 not known yet, 0 admitted\n\nNot known yet\n {2}pkg:pypi\/tool@1\.0 /m);
  const wrong = bench.write("requirements.txt", `tool==1.0 --hash=sha256:${"ab".repeat(32)}\n`);
  const odd = await bench.assay("plan", wrong, "--fetch");
  expect(odd.code).toBe(65);
  expect(odd.text).toMatch(
    /1 at odds with the index.*\n\nAt odds with the index\n {2}pkg:pypi\/tool@1\.0 .*expected a file of tool 1\.0 with sha256 (?:ab){32}/,
  );
});

test("wheels for other machines than those that are asked for are left out", async () => {
  const bench = await setting();
  const files = ["py3-none-any", "cp312-cp312-win_amd64", "cp312-cp312-manylinux_2_28_x86_64"].map(
    (tags, each) => `{file = "tool-1.0-${tags}.whl", hash = "sha256:${String(each).repeat(64)}"}`,
  );
  const lock = bench.write(
    "poetry.lock",
    `[[package]]\nname = "tool"\nversion = "1.0"\ndescription = ""\noptional = false\npython-versions = "*"\nfiles = [${files.join(", ")}]\n
[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = "${"0".repeat(64)}"\n`,
  );
  const { out } = await bench.json("plan", lock, "--python", "3.12", "--platform", "manylinux_2_28_x86_64");
  expect(out.summary).toMatchObject({ archives: 2, leftOut: 1 });
  expect((await bench.assay("plan", lock, "--platform", "amiga")).code).toBe(64);
});

test("--fetch goes by the policy in force: what only the planned one lets in is judged by its evidence and not kept, and planning decides nothing", async () => {
  const bench = await setting();
  const tool = publish(bench, "tool");
  bench.write("policy.yaml", 'version: 1\ndeny: [{purl: "pkg:pypi/tool", reason: "not yet"}]\n');
  const lock = lockOf(bench, tool);
  const planned = bench.write("next.yaml", REQUIRE);
  expect(await bench.json("plan", lock, "--policy", planned, "--fetch")).toMatchObject({
    code: 0,
    out: { artifacts: [{ outcome: "admitted", level: "L1", signers: [expect.stringContaining("acme/tool")] }] },
  });
  expect(blobsIn(bench)).toEqual([]);
  const before = await decisions(bench);
  const asked = bench.upstream.requests.length;
  // By the policy in force it is refused, and so it is by the log.
  expect(await bench.json("plan", lock)).toMatchObject({
    code: 2,
    out: { artifacts: [{ outcome: "refused", reasons: [{ code: "DENIED", rule: "deny[0]" }] }] },
  });
  expect((await bench.assay("plan", lock, "--policy", planned)).code).toBe(0);
  expect(await decisions(bench)).toBe(before);
  expect(bench.upstream.requests.length).toBe(asked);
});

test("it says what would be refused and why, refused first, and who signs what; in audit mode as if enforced", async () => {
  const bench = await setting();
  const lock = lockOf(
    bench,
    publish(bench, "signed"),
    publish(bench, "foreign", { leaf: leafOf("other/forge", "77") }),
    publish(bench, "plain", "none"),
  );
  const planned = bench.write("next.yaml", `${REQUIRE}mode: audit\n`);
  const { code, text } = await bench.assay("plan", lock, "--policy", planned, "--fetch");
  expect(code).toBe(2);
  expect(text).toContain(
    "in audit mode: what is refused below would be once it is enforced\n3 archives: 1 refused, 2 admitted\n\nRefused\n  plain@1.0  SIGNATURE_MISSING [defaults, ",
  );
  expect(text).toContain("\nAdmitted\n  L1  2: signed@1.0, foreign@1.0\n");
  expect(text).toMatch(
    /\nSigned by\n {2}https:\/\/github\.com\/acme\/tool \(\S+\) +signed\n {2}https:\/\/github\.com\/other\/forge \(\S+\) +foreign\n {2}nobody +plain\n/,
  );
});

test("bytes that are not those of the lock are refused by whatever policy, and not proposed", async () => {
  const bench = await setting();
  const tool = publish(bench, "tool", "none");
  await bench.assay("plan", lockOf(bench, tool), "--fetch");
  const lock = bench.write(
    "poetry.lock",
    `[[package]]\nname = "tool"\nversion = "1.0"\ndescription = ""\noptional = false\npython-versions = "*"\nfiles = [{file = "tool-1.0-py3-none-any.whl", hash = "sha256:${"ab".repeat(32)}"}]\n
[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = "${"0".repeat(64)}"\n`,
  );
  const { code, out } = await bench.json("plan", lock, "--write");
  expect(code).toBe(2);
  expect(out.artifacts).toMatchObject([{ outcome: "refused", reasons: [{ code: "CHECKSUM_MISMATCH" }] }]);
  expect(out.proposal).toMatchObject({ file: null, added: { waivers: 0 } });
});

test("what no mirror can speak for is told, and what cannot be had is told with why", async () => {
  const bench = await setting();
  const gone = publish(bench, "gone");
  bench.upstream.remove("/pypi/files/gone-1.0-py3-none-any.whl");
  const lock = bench.write("requirements.txt", `${pinned(gone)}local @ file:///srv/local-1.0.tar.gz\n`);
  const { code, out } = await bench.json("plan", lock, "--fetch");
  expect(code).toBe(69);
  expect(out.artifacts).toMatchObject([{ outcome: "unknown", reasons: [{ text: expect.stringContaining("404") }] }]);
  expect(out.uncovered).toMatchObject([{ name: expect.stringContaining("local") }]);
});

test("a policy goes to a file that is not there yet, whole, or alone to standard output", async () => {
  const bench = await setting();
  const lock = lockOf(bench, publish(bench, "signed"), publish(bench, "plain", "none"));
  const file = bench.write("mine.yaml", "version: 1\n# mine\n");
  expect((await bench.assay("plan", lock, "--fetch", "--write", file)).code).toBe(65);
  expect(readFileSync(file, "utf8")).toBe("version: 1\n# mine\n");
  expect((await bench.assay("plan", lock, "--write", file, "--force")).code).toBe(0);
  const written = readFileSync(file, "utf8");
  const { code, text } = await bench.assay("plan", lock, "--write");
  expect({ code, text }).toEqual({ code: 0, text: written });
  expect(loadPolicy({ file, text, now: Date.now() }).warnings).toEqual([]);
  expect(readdirSync(bench.folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  expect(await bench.json("plan", lock, "--policy", file)).toMatchObject({ code: 0, out: { summary: { admitted: 2 } } });
});

test.each(["*@acme.example", 'a@acme.example"}\nrules: []', "a\u202e@acme.example"])(
  "a certificate whose identity is more than one becomes no signer: %j",
  async (identity) => {
    const bench = await setting();
    const issuer = "https://accounts.example";
    const lock = lockOf(bench, publish(bench, "tool", { leaf: { names: [emailName(identity)], claims: { 1: issuer, 8: issuer } } }));
    const { out } = await bench.json("plan", lock, "--fetch", "--write");
    const { policy } = loadPolicy({ file: "proposed.yaml", text: out.proposal.text, now: Date.now() });
    expect([...policy.signers]).toEqual([]);
    expect(policy.rules.map(({ label }) => label)).toEqual(["everything-else"]);
    expect(out.proposal.text).toMatch(/^[\n -~]*$/);
    const { text } = await bench.assay("plan", lock);
    expect(text).toMatch(/^[\n -~…]*$/);
  },
);

test("a lock that is none, and a policy that is not valid, end it before anything is asked for", async () => {
  const bench = await setting();
  expect((await bench.assay("plan", bench.write("uv.lock", "not toml ["), "--fetch")).code).toBe(65);
  expect((await bench.assay("plan", bench.write("notes.md", "x"))).code).toBe(64);
  const lock = lockOf(bench, publish(bench, "tool"));
  expect((await bench.assay("plan", lock, "--policy", bench.write("bad.yaml", "version: 1\nrules: 7\n"))).code).toBe(78);
  expect(bench.upstream.requests).toEqual([]);
});
