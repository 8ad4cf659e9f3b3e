import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey } from "openpgp";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { type PublishFlags, publish } from "../../src/cli/publish.ts";
import { startHosted } from "../support/hosted-bench.ts";
import { folderOf, packageContent } from "../support/package-folder.ts";
import { type PackageRepository, packageRepository } from "../support/package-repository.ts";
import type { Loose } from "../support/sigstore-instance.ts";
import { SigstoreInstance } from "../support/sigstore-instance.ts";
import { githubToken, identityToken, type SigstoreServices, startSigstore } from "../support/sigstore-services.ts";

const FILE = "myorg--demo-1.2.3.aam";
const PERSON = { iss: "https://accounts.example", sub: "1", email: "ann@acme.example", email_verified: true };

let sigstore: SigstoreServices;
beforeAll(async () => {
  sigstore = await startSigstore();
});
afterAll(() => sigstore.close());
beforeEach(() => {
  // The library finds a CI service by the process's own variables, and this may be one.
  for (const name of ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "BUILDKITE"]) vi.stubEnv(name, "");
  return () => vi.unstubAllEnvs();
});

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "assay-publish-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function fileOf(content: string): string {
  const path = join(scratch(), "file");
  writeFileSync(path, content);
  return path;
}

/** The flags that name the private instance, with the trust root of `instance`. */
function instanceFlags(instance: SigstoreInstance = sigstore.instance): PublishFlags {
  return { fulcioUrl: sigstore.url, rekorUrl: sigstore.url, trustedRoot: fileOf(JSON.stringify(instance.trustedRoot())) };
}

async function run(path: string, flags: PublishFlags, env: NodeJS.ProcessEnv = {}) {
  const [printed, warned]: [string[], string[]] = [[], []];
  const command = {
    env: { PATH: process.env["PATH"], HOME: tmpdir(), ...env },
    now: Date.now(),
    print: (text: string) => void printed.push(text),
    warn: (text: string) => void warned.push(text),
    isTerminal: false,
  };
  const exit = await publish(command, path, { json: true, ...flags });
  return { exit, report: flags.json === undefined ? (JSON.parse(printed.join("")) as Loose) : undefined, warnings: warned.join("") };
}

/** What GitHub Actions says of a job that runs on a repository's commit, and the token that it gives. */
function githubJob({ commit }: PackageRepository): { readonly env: NodeJS.ProcessEnv; readonly token: string } {
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_SERVER_URL: "https://github.com",
    GITHUB_REPOSITORY: "acme/tool",
    GITHUB_REF: "refs/tags/v1.0.0",
    GITHUB_SHA: commit,
    GITHUB_WORKFLOW_REF: "acme/tool/.github/workflows/release.yml@refs/tags/v1.0.0",
    RUNNER_ENVIRONMENT: "github-hosted",
  };
  return { env, token: githubToken({ sha: commit }) };
}

test.each<{ name: string; flags: PublishFlags; message: string }>([
  { name: "no registry", flags: {}, message: "expected the registry's address" },
  { name: "an address that is none", flags: { to: "registry" }, message: "--to: expected an http or https address" },
  { name: "a secret in the address", flags: { to: "https://ann:secret@registry.example/" }, message: "no user name or password" },
  { name: "an output and an upload", flags: { to: "https://registry.example/", output: "." }, message: "--dry-run" },
  { name: "half an instance", flags: { dryRun: true, fulcioUrl: "https://fulcio.example" }, message: "expected all three" },
  {
    name: "an instance that everybody on the way can read",
    flags: { dryRun: true, sign: true, fulcioUrl: "http://fulcio.example", rekorUrl: "https://rekor.example", trustedRoot: "root.json" },
    message: "--fulcio-url: expected an https address",
  },
  { name: "two tokens", flags: { dryRun: true, sign: true, identityToken: "a", identityTokenEnv: "B" }, message: "got several" },
  { name: "a token for nothing", flags: { dryRun: true, identityTokenEnv: "B" }, message: "--sign and --provenance" },
  { name: "a builder of nothing", flags: { dryRun: true, builderId: "https://ci.example" }, message: "for --provenance" },
  { name: "a passphrase without a key", flags: { dryRun: true, gpgPassphraseEnv: "PASSPHRASE" }, message: "--gpg-key-file" },
  { name: "a variable that is not set", flags: { to: "https://registry.example/", tokenEnv: "NO_SUCH" }, message: '"NO_SUCH" is not set' },
])("$name is a wrong use", async ({ flags, message }) => {
  const error = await run(folderOf(packageContent()), flags, { PASSPHRASE: "open sesame" }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "USAGE", message: expect.stringContaining(message) });
  expect(String(error)).not.toContain("secret@");
});

test("without an identity token nobody signs, and nothing is written", async () => {
  const output = scratch();
  const flags = { ...instanceFlags(), dryRun: true, sign: true, output } as const;
  await expect(run(folderOf(packageContent()), flags)).rejects.toMatchObject({
    code: "UNAUTHORIZED",
    help: expect.stringContaining("id-token: write"),
  });
  expect(readdirSync(output)).toEqual([]);
});

test("what does not verify under the given root goes nowhere", async () => {
  const output = scratch();
  const flags = {
    ...instanceFlags(new SigstoreInstance(Date.now())),
    dryRun: true,
    sign: true,
    output,
    identityTokenEnv: "TOKEN",
  } as const;
  await expect(run(folderOf(packageContent()), flags, { TOKEN: identityToken(PERSON) })).rejects.toMatchObject({
    code: "UNPROCESSABLE",
    message: expect.stringContaining("would be refused"),
  });
  expect(readdirSync(output)).toEqual([]);
});

test("a tree with changes is refused before anybody is asked to sign; allowed, it says so and claims no rebuild", async () => {
  const repository = packageRepository();
  repository.write("aam.yaml", readFileSync(join(repository.folder, "aam.yaml"), "utf8").replace("made in a test", "changed"));
  const { env, token } = githubJob(repository);
  const flags = { ...instanceFlags(), dryRun: true, provenance: true, output: scratch(), identityTokenEnv: "TOKEN" } as const;
  const asked = sigstore.asked.length;
  await expect(run(repository.folder, flags, { ...env, TOKEN: token })).rejects.toMatchObject({
    code: "UNPROCESSABLE",
    message: expect.stringContaining('"aam.yaml" is changed'),
    help: expect.stringContaining("--allow-dirty"),
  });
  expect(sigstore.asked).toHaveLength(asked);
  await run(repository.folder, { ...flags, allowDirty: true }, { ...env, TOKEN: token });
  expect(statementIn(flags.output).predicate).toMatchObject({
    invocation: { environment: { uncommittedChanges: true } },
    metadata: { reproducible: false, completeness: { materials: false } },
  });
});

test.each([
  { name: "of another commit", claims: { sha: "c".repeat(40) } },
  { name: "of another repository", claims: { repository: "acme/other" } },
  { name: "of another ref", claims: { ref: "refs/heads/main" } },
  { name: "of another kind of runner", claims: { runner_environment: "self-hosted" } },
  { name: "of another workflow", claims: { workflow_ref: "acme/tool/.github/workflows/other.yml@refs/tags/v1.0.0" } },
])("provenance that an identity $name signs contradicts its certificate", async ({ claims }) => {
  const repository = packageRepository();
  const output = scratch();
  const flags = { ...instanceFlags(), dryRun: true, provenance: true, output, identityTokenEnv: "TOKEN" } as const;
  const TOKEN = githubToken({ sha: repository.commit, ...claims });
  await expect(run(repository.folder, flags, { ...githubJob(repository).env, TOKEN })).rejects.toMatchObject({
    code: "UNPROCESSABLE",
    message: expect.stringContaining("its certificate"),
  });
  expect(readdirSync(output)).toEqual([]);
});

test.each<{ name: string; flags: PublishFlags; env: NodeJS.ProcessEnv; code: string; message: string }>([
  {
    name: "a job of another commit",
    flags: {},
    env: { GITHUB_SHA: "d".repeat(40) },
    code: "BAD_REQUEST",
    message: "the CI service builds",
  },
  { name: "nobody who builds", flags: {}, env: { GITHUB_ACTIONS: "" }, code: "BAD_REQUEST", message: "who builds" },
  {
    name: "a ref that no verifier reads",
    flags: {},
    env: { GITHUB_REF: "refs/heads/a b" },
    code: "BAD_REQUEST",
    message: "not of the form",
  },
])("provenance of $name cannot be stated", async ({ flags, env, code, message }) => {
  const repository = packageRepository();
  const job = githubJob(repository);
  const all = { ...instanceFlags(), dryRun: true, provenance: true, identityTokenEnv: "TOKEN", ...flags } as const;
  await expect(run(repository.folder, all, { ...job.env, TOKEN: job.token, ...env })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
});

test("an archive alone has no provenance; beside the folder that makes the same bytes again it has, beside another none", async () => {
  const repository = packageRepository();
  const { env, token } = githubJob(repository);
  const output = scratch();
  await run(repository.folder, { dryRun: true, output });
  const flags = { ...instanceFlags(), dryRun: true, provenance: true, output: scratch(), identityTokenEnv: "TOKEN" } as const;
  const archive = join(output, FILE);
  await expect(run(archive, flags, { ...env, TOKEN: token })).rejects.toMatchObject({
    code: "USAGE",
    help: expect.stringContaining("--source"),
  });
  const other = packageRepository({ "README.md": "other\n" });
  await expect(run(archive, { ...flags, source: other.folder }, { ...env, TOKEN: token })).rejects.toMatchObject({ code: "CONFLICT" });
  const { report } = await run(archive, { ...flags, source: repository.folder }, { ...env, TOKEN: token });
  expect(report.signatures).toMatchObject([{ kind: "provenance", source: { commit: repository.commit } }]);
});

test("a file that is no package is not signed", async () => {
  await expect(run(fileOf("hello"), { dryRun: true, output: scratch() })).rejects.toMatchObject({
    code: "BAD_REQUEST",
    help: expect.stringContaining("--check"),
  });
});

test("a person's provenance says that it proves no source", async () => {
  const repository = packageRepository();
  const flags = { ...instanceFlags(), dryRun: true, provenance: true, output: scratch(), builderId: "https://ann.example/laptop" } as const;
  const { report, warnings } = await run(repository.folder, flags, { SIGSTORE_ID_TOKEN: identityToken(PERSON) });
  expect(report.signatures).toMatchObject([{ kind: "provenance", identity: "ann@acme.example", issuer: "https://accounts.example" }]);
  expect(warnings).toContain("does not show the repository, commit, ref");
  expect(statementIn(flags.output).predicate.invocation.configSource.uri).toBe("git+https://github.com/acme/tool@refs/heads/main");
});

test("signature, OpenPGP signature and provenance stand beside the archive, each named with who made it", async () => {
  const repository = packageRepository();
  const { env, token } = githubJob(repository);
  const { privateKey } = await generateKey({ type: "ecc", userIDs: [{ name: "Ann" }], format: "armored", passphrase: "open sesame" });
  const output = scratch();
  const flags = {
    ...instanceFlags(),
    dryRun: true,
    sign: true,
    provenance: true,
    output,
    tsaUrl: sigstore.url,
    identityTokenFile: fileOf(`${token}\n`),
    gpgKeyFile: fileOf(privateKey),
    gpgPassphraseFile: fileOf("open sesame\n"),
  } as const;
  const { exit, report } = await run(repository.folder, flags, env);
  expect(exit).toBe(0);
  const signer = {
    identity: "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1.0.0",
    logIndex: 1_000_000,
    warnings: [],
  };
  expect(report).toMatchObject({
    name: "@myorg/demo",
    version: "1.2.3",
    outcome: "dry run",
    url: null,
    signatures: [
      { kind: "gpg", fingerprint: expect.stringMatching(/^[0-9a-f]{40}$/) },
      { kind: "sigstore", ...signer },
      { kind: "provenance", ...signer },
    ],
  });
  expect(readdirSync(output).sort()).toEqual([FILE, `${FILE}.asc`, `${FILE}.provenance.json`, `${FILE}.sigstore.json`]);
  const source = { uri: "git+https://github.com/acme/tool@refs/tags/v1.0.0", digest: { sha1: repository.commit } };
  expect(statementIn(output)).toMatchObject({
    subject: [{ name: "@myorg/demo-1.2.3.aam", digest: { sha256: report.sha256 } }],
    predicateType: "https://uaaps.github.io/provenance/v1",
    predicate: {
      builder: { id: "https://github.com/actions/runner/github-hosted" },
      buildType: "https://uaaps.github.io/build/aam-pack/v1",
      invocation: {
        configSource: { ...source, entryPoint: ".github/workflows/release.yml" },
        parameters: { folder: "", sourceDateEpoch: 0 },
      },
      metadata: { reproducible: true, completeness: { parameters: true, environment: true, materials: true } },
      materials: [source],
    },
  });
});

test("an identity token on the command line comes with a warning", async () => {
  const flags = { ...instanceFlags(), dryRun: true, sign: true, output: scratch(), identityToken: identityToken(PERSON) } as const;
  expect((await run(folderOf(packageContent()), flags)).warnings).toContain("every user of this machine");
});

function statementIn(output: string): Loose {
  const bundle: Loose = JSON.parse(readFileSync(join(output, `${FILE}.provenance.json`), "utf8"));
  return JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8"));
}

test("what is signed after it was published is told to reach nobody", async () => {
  const root = fileOf(JSON.stringify(sigstore.instance.trustedRoot()));
  const bench = await startHosted({ repository: ", trust: internal", config: `trust: {internal: {sigstore: ${root}}}` });
  const env = { TOKEN: identityToken(PERSON), REGISTRY: await bench.token() };
  const folder = folderOf(packageContent());
  const to = { to: `${bench.mirror.url}/skills/`, tokenEnv: "REGISTRY" };
  const signed = { ...to, ...instanceFlags(), sign: true, identityTokenEnv: "TOKEN" } as const;
  expect((await run(folder, to, env)).report).toMatchObject({ outcome: "published" });
  const again = await run(folder, to, env);
  expect(again.report).toMatchObject({ outcome: "there" });
  expect(again.warnings).not.toContain("reaches nobody");
  const later = await run(folder, signed, env);
  expect(later.report).toMatchObject({ outcome: "there" });
  expect(later.warnings).toContain("reaches nobody");
  const { signatures } = (await (await bench.mirror.get("/skills/packages/@myorg/demo/1.2.3/signature")).json()) as Loose;
  expect(signatures.map(({ type }: Loose) => type)).toEqual(["registry-attestation"]);
});
