import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { publishTarball, publishWheel } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";
import { SigstoreInstance } from "../support/sigstore-instance.ts";
import { answerServices, BINDING, leaks, publishTool, twoUpstreamsConfig } from "../support/two-upstreams.ts";

interface Bench {
  readonly outside: FakeUpstream;
  readonly internal: FakeUpstream;
  readonly mirror: MirrorBench;
  readonly dataDir: string;
  /** Writes the policy and waits until the mirror goes by it. */
  setPolicy(text: string): Promise<void>;
  restart(): Promise<MirrorBench>;
}

/** A whole mirror between an outside registry, which is asked first and has everything, and an internal one. */
async function bench(policy: string): Promise<Bench> {
  const [outside, internal] = [await startFakeUpstream(), await startFakeUpstream()];
  const dataDir = mkdtempSync(join(tmpdir(), "assay-bound-"));
  const policyFile = join(dataDir, "policy.yaml");
  const write = (text: string): void => writeFileSync(policyFile, `version: 1\n${text}\n`);
  write(policy);
  const config = twoUpstreamsConfig(outside, internal, `policy: ${policyFile}\nmetadata_ttl: 1s\nnegative_ttl: 1s`);
  let mirror = await startMirror({ config, dataDir });
  onTestFinished(async () => {
    await mirror.close();
    await Promise.all([outside.close(), internal.close()]);
    rmSync(dataDir, { recursive: true, force: true });
  });
  publishTool(outside, "9.9.9", "evil");
  answerServices(outside);
  return {
    outside,
    internal,
    mirror,
    dataDir,
    setPolicy: async (text) => {
      const told = (): number => mirror.logged.filter(({ message }) => message.startsWith("the policy changed")).length;
      const before = told();
      write(text);
      await vi.waitFor(() => expect(told()).toBe(before + 1), { timeout: 30_000, interval: 100 });
    },
    restart: async () => {
      await mirror.close();
      mirror = await startMirror({ config, dataDir });
      return mirror;
    },
  };
}

const WHEEL = (version: string): string => `acme_tool-${version}-py3-none-any.whl`;
const bulk = (names: Record<string, readonly string[]>): RequestInit => ({ method: "POST", body: JSON.stringify(names) });
const tree = {
  name: "@acme/app",
  version: "1.0.0",
  requires: { "@acme/tool": "^9.0.0", free: "1", alias: "npm:@acme/tool@9" },
  dependencies: {
    free: { version: "1.0.0", requires: { "@acme/tool": "9.9.9" }, dependencies: { "@acme/tool": { version: "9.9.9" } } },
    alias: { version: "npm:@acme/tool@9.9.9" },
    local: { version: "file:../acme-local" },
  },
};

/** Every way to speak of a bound name, in the spellings that clients use. */
const ROUTES: readonly (readonly [path: string, init?: RequestInit])[] = [
  ["/pypi/simple/acme-tool/"],
  ["/pypi/simple/acme-tool/?format=application/vnd.pypi.simple.v1%2Bjson"],
  ["/pypi/simple/Acme_Tool/"],
  ["/pypi/simple/ACME..tool"],
  ["/pypi/simple/acme-unknown/"],
  ...["9.9.9", "1.0.0"].flatMap((version): [string][] => [
    [`/pypi/files/acme-tool/${WHEEL(version)}`],
    [`/pypi/files/Acme.Tool/${WHEEL(version)}`],
    [`/pypi/files/acme-tool/${WHEEL(version)}.metadata`],
    [`/pypi/files/acme-tool/${WHEEL(version)}.provenance`],
    [`/pypi/integrity/Acme_Tool/${version}/${WHEEL(version)}/provenance`],
    [`/npm/@acme/tool/${version}`],
    [`/npm/@acme%2ftool/-/tool-${version}.tgz`],
    [`/npm/@acme/tool/-/tool-${version}.tgz`],
    [`/npm/@acme/tool/-/@acme/tool-${version}.tgz`],
    [`/npm/-/npm/v1/attestations/@acme%2ftool@${version}`],
    [`/aam/packages/@acme/tool/${version}`],
    [`/aam/packages/@acme%2ftool/${version}/tarball`],
    [`/aam/packages/@acme/tool/${version}/signature`],
  ]),
  ["/npm/@acme%2ftool"],
  ["/npm/@acme%2Ftool"],
  ["/npm/%40acme/tool"],
  ["/npm/@acme/tool/latest"],
  ["/npm/-/package/@acme%2ftool/dist-tags"],
  ["/npm/-/v1/search?text=@acme/tool"],
  ["/npm/-/v1/search?text=some%20@acme/to"],
  ["/npm/-/npm/v1/security/advisories/bulk", bulk({ "@acme/tool": ["9.9.9"], free: ["1.0.0", "file:../acme"] })],
  ["/npm/-/npm/v1/security/advisories/bulk", bulk({ "@acme/tool": ["9.9.9"] })],
  ["/npm/-/npm/v1/security/audits/quick", { method: "POST", body: JSON.stringify(tree) }],
  ["/npm/-/npm/v1/security/audits", { method: "POST", body: JSON.stringify(tree) }],
  ["/aam/packages/@acme/tool"],
  ["/aam/packages/@acme%2ftool"],
  ["/aam/packages/@acme/tool/dist-tags"],
  ["/aam/packages?q=@acme/tool"],
];

async function askEverything(mirror: MirrorBench): Promise<readonly { path: string; method: string; status: number; body: string }[]> {
  const answers = [];
  for (const [path, init = {}] of ROUTES) {
    const verbs: readonly RequestInit[] =
      init.method === "POST"
        ? [init]
        : [{}, { method: "HEAD" }, { headers: { Range: "bytes=0-9" } }, { headers: { "If-None-Match": "*" } }];
    for (const verb of verbs) {
      const response = await mirror.get(path, { ...verb, redirect: "follow" });
      answers.push({ path, method: verb.method ?? "GET", status: response.status, body: await response.text() });
    }
  }
  return answers;
}

test.each<{ name: string; arrange: (internal: FakeUpstream) => void; wheels: readonly number[] }>([
  { name: "has the packages", arrange: (internal) => publishTool(internal, "1.0.0", "ours"), wheels: [200] },
  { name: "has nothing", arrange: () => {}, wheels: [404] },
  { name: "answers 500", arrange: (internal) => internal.fault("*", { kind: "status", status: 500 }), wheels: [502, 503] },
  { name: "cannot be reached", arrange: (internal) => internal.fault("*", { kind: "disconnect" }), wheels: [502, 503] },
])(
  "a bound name reaches no other upstream by any route, verb or companion where its own $name",
  async ({ arrange, wheels }) => {
    const { outside, internal, mirror } = await bench(BINDING);
    arrange(internal);
    const answers = await askEverything(mirror);
    expect(leaks(outside).map(({ path }) => path)).toEqual([]);
    expect(leaks(internal).length).toBeGreaterThan(0);
    // What is answered well, even with nothing in it, is not of the outside registry.
    expect(answers.filter(({ status, body }) => status < 400 && body.includes("9.9.9"))).toEqual([]);
    expect(wheels).toContain((await mirror.get(`/pypi/files/acme-tool/${WHEEL("1.0.0")}`)).status);
    // Everything else is still asked of the one that comes first.
    expect((await mirror.get("/npm/-/npm/v1/security/advisories/bulk", bulk({ free: ["1.0.0"], "@acme/x": ["1.0.0"] }))).status).toBe(200);
    expect(JSON.parse(outside.requests.at(-1)?.body.toString() ?? "")).toEqual({ free: ["1.0.0"] });
  },
  120_000,
);

test("without the rule the same requests do reach the first upstream: the check above can see them", async () => {
  const { outside, internal, mirror } = await bench("mode: enforce");
  publishTool(internal, "1.0.0", "ours");
  await askEverything(mirror);
  const paths = leaks(outside).map(({ path }) => decodeURIComponent(path));
  expect(paths).toContain("/pypi/simple/acme-tool/");
  expect(paths).toContain("/npm/@acme/tool");
  expect(paths).toContain("/npm/-/npm/v1/attestations/@acme/tool@9.9.9");
  expect(paths).toContain("/npm/-/npm/v1/security/audits/quick");
  expect(paths.some((path) => path.startsWith("/aam/packages?q=@acme/tool"))).toBe(true);
  expect(leaks(internal).map(({ path }) => path)).toEqual(["/pypi/simple/acme-unknown/"]);
}, 120_000);

test("lists and searches show no package of an upstream that its name is not bound to", async () => {
  const { internal, mirror } = await bench(BINDING);
  publishTool(internal, "1.0.0", "ours");
  const search = (await (await mirror.get("/npm/-/v1/search?text=tool")).json()) as { objects: readonly { package: { name: string } }[] };
  expect(search.objects.map((object) => object.package.name)).toEqual(["free"]);
  const first = await mirror.get("/aam/packages");
  expect(await first.json()).toMatchObject({ packages: [{ name: "free" }] });
  const next = /<[^>]*(\/aam\/packages[^>]*)>/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
  expect(await (await mirror.get(next)).json()).toMatchObject({ packages: [{ name: "@acme/tool", latest: "1.0.0" }, { name: "free" }] });
});

test("what another upstream once gave for a name is not used once the name is bound, and is used again when it is not", async () => {
  const { outside, internal, mirror, setPolicy } = await bench("mode: enforce");
  const wheel = `/pypi/files/acme-tool/${WHEEL("9.9.9")}`;
  const tarball = "/npm/@acme/tool/-/tool-9.9.9.tgz";
  const aam = "/aam/packages/@acme/tool/9.9.9/tarball";
  for (const path of [wheel, tarball, aam]) expect((await mirror.get(path)).status).toBe(200);
  const asked = leaks(outside).length;

  await setPolicy(BINDING);
  for (const path of [wheel, tarball, aam]) {
    const refused = await mirror.get(path);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain("expected it from the upstream internal");
  }
  for (const path of ["/pypi/simple/acme-tool/", "/npm/@acme%2ftool", "/aam/packages/@acme/tool"]) {
    expect((await mirror.get(path)).status).toBe(404);
  }
  publishTool(internal, "1.0.0", "ours");
  mirror.advance(2_000);
  for (const path of ["/pypi/simple/acme-tool/", "/npm/@acme%2ftool", "/aam/packages/@acme/tool"]) {
    const page = await (await mirror.get(path)).text();
    expect(page).toContain("1.0.0");
    expect(page).not.toContain("9.9.9");
  }
  expect((await mirror.get(`/pypi/files/acme-tool/${WHEEL("1.0.0")}`)).status).toBe(200);
  expect(leaks(outside)).toHaveLength(asked);

  await setPolicy("mode: enforce");
  mirror.advance(2_000);
  for (const path of [wheel, tarball, aam]) expect((await mirror.get(path)).status).toBe(200);
  expect(await (await mirror.get("/pypi/simple/acme-tool/")).text()).toContain("9.9.9");
  expect(leaks(outside).length).toBeGreaterThan(asked);
}, 120_000);

test("an archive that was admitted from elsewhere is checked anew, and counts as the bound upstream's where that has the same bytes", async () => {
  const { internal, mirror, setPolicy } = await bench("mode: enforce");
  const path = `/pypi/files/acme-tool/${WHEEL("9.9.9")}`;
  expect((await mirror.get(path)).status).toBe(200);
  await setPolicy(BINDING);
  expect((await mirror.get(path)).status).toBe(403);
  publishTool(internal, "9.9.9", "evil");
  mirror.advance(2_000);
  expect((await mirror.get(path)).status).toBe(200);
  const asked = internal.requests.length;
  expect((await mirror.get(path)).status).toBe(200);
  expect(internal.requests).toHaveLength(asked);
}, 60_000);

test("what another upstream gave for a bound name is not verified again either when a root changes: its evidence would be asked for there", async () => {
  const [outside, internal] = [await startFakeUpstream(), await startFakeUpstream()];
  const dataDir = mkdtempSync(join(tmpdir(), "assay-bound-"));
  const [policy, root] = [join(dataDir, "policy.yaml"), join(dataDir, "root.json")];
  publishTool(outside, "9.9.9", "evil");
  const [ours, theirs] = [new SigstoreInstance(), new SigstoreInstance()];
  const signature = { type: "sigstore", bundle: theirs.signStatement({ _type: "https://in-toto.io/Statement/v1", subject: [] }) };
  outside.serve("/aam/packages/@acme/tool/9.9.9/signature", {
    contentType: "application/json",
    body: JSON.stringify({ signatures: [signature] }),
  });
  writeFileSync(policy, "version: 1\ndefaults: {signature: {on_invalid: warn}}\n");
  writeFileSync(root, JSON.stringify(ours.trustedRoot()));
  const mirror = await startMirror({
    dataDir,
    config: `
policy: ${policy}
metadata_ttl: 0s
trust: {outside: {sigstore: ${root}}}
repositories:
  - name: aam
    ecosystem: aam
    upstreams: [{url: "${outside.origin}/aam/", trust: outside, retries: 0}, {name: internal, url: "${internal.origin}/aam/", retries: 0}]
`,
  });
  onTestFinished(async () => {
    await mirror.close();
    await Promise.all([outside.close(), internal.close()]);
    rmSync(dataDir, { recursive: true, force: true });
  });
  const path = "/aam/packages/@acme/tool/9.9.9/tarball";
  expect((await mirror.get(path)).status).toBe(200);
  expect(leaks(outside).map((request) => request.path)).toContain("/aam/packages/@acme/tool/9.9.9/signature");
  writeFileSync(policy, `version: 1\ndefaults: {signature: {on_invalid: warn}}\n${BINDING}\n`);
  await vi.waitFor(() => expect(mirror.logged.some(({ message }) => message.startsWith("the policy changed"))).toBe(true), {
    timeout: 30_000,
    interval: 100,
  });
  writeFileSync(root, JSON.stringify(theirs.trustedRoot()));
  await mirror.assay.trust.reload();
  const asked = leaks(outside).length;
  expect((await mirror.get(path)).status).toBe(403);
  expect(leaks(outside)).toHaveLength(asked);
}, 60_000);

test("a name that the rule binds to an upstream which its repository lacks is refused there, and nobody is asked", async () => {
  const outside = await startFakeUpstream();
  onTestFinished(() => outside.close());
  publishTool(outside, "9.9.9", "evil");
  const dataDir = mkdtempSync(join(tmpdir(), "assay-bound-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  writeFileSync(join(dataDir, "policy.yaml"), `version: 1\n${BINDING}\n`);
  const mirror = await startMirror({
    dataDir,
    config: `
policy: ${join(dataDir, "policy.yaml")}
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${outside.origin}/pypi/simple/"}]}
  - {name: npm, ecosystem: npm, upstreams: [{url: "${outside.origin}/npm/"}]}
  - {name: aam, ecosystem: aam, upstreams: [{name: internal, url: "${outside.origin}/aam/"}]}
`,
  });
  onTestFinished(() => mirror.close());
  expect(mirror.logged).toContainEqual(expect.objectContaining({ code: "UPSTREAM_MISSING", key: "rules[0].upstream" }));
  for (const path of [
    "/pypi/simple/acme-tool/",
    `/pypi/files/acme-tool/${WHEEL("9.9.9")}`,
    "/npm/@acme%2ftool",
    "/npm/@acme/tool/-/tool-9.9.9.tgz",
    "/npm/-/npm/v1/attestations/@acme/tool@9.9.9",
  ]) {
    const response = await mirror.get(path);
    expect([path, response.status]).toEqual([path, 403]);
    expect(await response.json()).toMatchObject({ code: "UPSTREAM_NOT_ALLOWED", detail: expect.stringContaining("the policy binds") });
  }
  expect(outside.requests).toEqual([]);
  expect((await mirror.get("/aam/packages/@acme/tool")).status).toBe(200);
});

test("archives stay those of the upstream they came from when the configuration names the upstreams in another order", async () => {
  const { outside, internal, mirror, dataDir } = await bench("mode: enforce");
  const path = "/npm/@acme/tool/-/tool-9.9.9.tgz";
  expect((await mirror.get(path)).status).toBe(200);
  await mirror.close();
  writeFileSync(join(dataDir, "policy.yaml"), `version: 1\n${BINDING}\n`);
  const config = twoUpstreamsConfig(internal, outside, `policy: ${join(dataDir, "policy.yaml")}`).replaceAll("name: internal, ", "");
  const named = config.replaceAll(`{url: "${internal.origin}`, `{name: internal, url: "${internal.origin}`);
  const reordered = await startMirror({ config: named, dataDir });
  try {
    const refused = await reordered.get(path);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain(`got it from npm#${outside.origin}/npm/`);
  } finally {
    await reordered.close();
  }
});

test("an upstream that is given its name later keeps the archives that came from it", async () => {
  const [outside, internal] = [await startFakeUpstream(), await startFakeUpstream()];
  const dataDir = mkdtempSync(join(tmpdir(), "assay-bound-"));
  onTestFinished(async () => {
    await Promise.all([outside.close(), internal.close()]);
    rmSync(dataDir, { recursive: true, force: true });
  });
  const path = "/npm/@acme/tool/-/tool-1.0.0.tgz";
  publishTool(internal, "1.0.0", "ours");
  const policy = join(dataDir, "policy.yaml");
  const config = twoUpstreamsConfig(outside, internal, `policy: ${policy}`);
  for (const [text, written] of [
    ["mode: enforce", config.replaceAll("name: internal, ", "")],
    [BINDING, config],
  ] as const) {
    writeFileSync(policy, `version: 1\n${text}\n`);
    const mirror = await startMirror({ config: written, dataDir });
    expect((await mirror.get(path)).status).toBe(200);
    await mirror.close();
    internal.fault("*", { kind: "disconnect" });
  }
});

test("without a rule a name stays with the first upstream that had it: page, archive and evidence, after a restart too", async () => {
  const { outside, internal, mirror, restart } = await bench("mode: enforce");
  // The outside registry stands first here, so it is the one whose names must not go to the second.
  const { indexPath } = publishTarball(outside, { name: "mine", dist: { attestations: { url: "-/npm/v1/attestations/mine@1.0.0" } } });
  const attestations = { contentType: "application/json", body: '{"attestations":[]}' };
  outside.serve("/npm/-/npm/v1/attestations/mine@1.0.0", attestations);
  publishWheel(outside, { name: "mine" });
  publishTarball(internal, { name: "mine", version: "6.6.6" });
  publishWheel(internal, { name: "mine", version: "6.6.6" });
  internal.serve("/npm/-/npm/v1/attestations/mine@1.0.0", attestations);
  internal.serve("/npm/-/npm/v1/attestations/mine@6.6.6", attestations);
  for (const path of ["/npm/mine", "/pypi/simple/mine/", "/npm/-/npm/v1/attestations/mine@1.0.0"]) {
    expect((await mirror.get(path)).status).toBe(200);
  }
  const everything = [
    "/npm/mine",
    "/npm/mine/-/mine-6.6.6.tgz",
    "/npm/-/npm/v1/attestations/mine@6.6.6",
    "/npm/-/npm/v1/attestations/mine@1.0.0",
    "/pypi/simple/mine/",
    "/pypi/files/mine/mine-6.6.6-py3-none-any.whl",
    "/pypi/integrity/mine/6.6.6/mine-6.6.6-py3-none-any.whl/provenance",
  ];
  const heard = async (on: MirrorBench): Promise<unknown> => {
    on.advance(5_000);
    for (const path of everything) expect(await (await on.get(path)).text()).not.toContain('"6.6.6"');
    return internal.requests.map(({ path }) => path);
  };
  outside.fault("*", { kind: "status", status: 503 });
  expect(await heard(mirror)).toEqual([]);
  outside.heal();
  outside.remove(indexPath);
  outside.remove("/pypi/simple/mine/");
  outside.remove("/npm/-/npm/v1/attestations/mine@1.0.0");
  expect(await heard(mirror)).toEqual([]);
  const again = await restart();
  expect(await heard(again)).toEqual([]);
  // Its evidence outlives it.
  expect((await again.get("/npm/-/npm/v1/attestations/mine@1.0.0")).status).toBe(200);
}, 60_000);
