import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { createLog } from "../../src/app/log.ts";
import { trustFolder, writeKept } from "../../src/app/trust/kept-trust.ts";
import { loadTrust } from "../../src/app/trust/load-trust.ts";
import { type VerifyFlags, verify } from "../../src/cli/verify.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { publicRepository } from "../../src/verify/tuf/public-repository.ts";
import { codeOf } from "../contract/code-of.ts";
import { buildNpmTarball, buildWheel } from "../support/archives.ts";
import { attestationOf, PUBLISH_TYPE, SLSA_TYPE, slsaPredicate } from "../support/attested-index.ts";
import { sharedData } from "../support/shared-data.ts";
import { ecKeys, emailName, ISSUER, type Loose, REPOSITORY, SigstoreInstance, WORKFLOW } from "../support/sigstore-instance.ts";
import { makeKey, makeSignature, NOW as PGP_NOW } from "../verify/openpgp/pgp-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-cli-verify-"));
afterAll(() => rmSync(folder, { recursive: true }));

function put(name: string, body: string | Uint8Array | JsonObject): string {
  const path = join(folder, name);
  writeFileSync(path, typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body));
  return path;
}

const WHEEL = buildWheel({ name: "demo", version: "1.0" });
const FILE = put(WHEEL.file, WHEEL.bytes);
const OTHER = put("other.bin", "other bytes");
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const DIGEST = `sha256:${sha256(WHEEL.bytes)}`;
const PURL = "pkg:pypi/demo@1.0";

const instance = new SigstoreInstance();
const ROOT = put("root.json", instance.trustedRoot());
const POLICY = put("empty-policy.yaml", "version: 1\n");

interface StatementParts {
  readonly name?: string;
  readonly digest?: string;
  readonly predicateType?: string;
  readonly predicate?: JsonObject | null;
}
function statementOf({
  name = WHEEL.file,
  digest = sha256(WHEEL.bytes),
  predicateType = PUBLISH_TYPE,
  predicate = null,
}: StatementParts = {}): JsonObject {
  return { _type: "https://in-toto.io/Statement/v1", subject: [{ name, digest: { sha256: digest } }], predicateType, predicate };
}

const message = put("message.json", instance.signMessage(WHEEL.bytes));
const published = put("published.json", instance.signStatement(statementOf()));
const built = put("built.json", instance.signStatement(statementOf({ predicateType: SLSA_TYPE, predicate: slsaPredicate() })));
const attestation = put("demo.attestation", attestationOf(instance.signStatement(statementOf())));

interface Answer {
  readonly code: number;
  readonly text: string;
  readonly json: Loose;
}
async function run(file: string, flags: VerifyFlags, now = Date.UTC(2026, 5, 2), configuration?: string): Promise<Answer> {
  let text = "";
  const config = loadConfig({ env: {}, flags: { policy: flags.policy, config: configuration } });
  const print = (more: string): void => {
    text += more;
  };
  const code = await verify({ config, now, print }, file, flags);
  return { code, text, json: flags.json ? JSON.parse(text) : undefined };
}
const json = (file: string, flags: VerifyFlags): Promise<Answer> => run(file, { trustedRoot: ROOT, json: true, ...flags });
const codes = (answer: Answer): readonly string[] => answer.json.reasons.map(({ code }: Loose) => code);

describe("what is refused, with exit code 2", () => {
  const managed = ecKeys();
  const pem = (keys: ReturnType<typeof ecKeys>): string => keys.publicKey.export({ type: "spki", format: "pem" }).toString();
  const keyed = put("keyed.json", instance.signMessage(WHEEL.bytes, { managedKey: managed }));
  const key = put("key.pem", pem(managed));
  const elsewhere = put(
    "elsewhere.json",
    instance.signStatement(statementOf({ predicateType: SLSA_TYPE, predicate: slsaPredicate("https://github.com/evil/tool") })),
  );
  const twice = put("twice.json", readFileSync(message, "utf8").replace("{", '{"mediaType":"x",'));
  const elsewhereRoot = put("elsewhere-root.json", new SigstoreInstance().trustedRoot());
  const changed: Loose = instance.signMessage(WHEEL.bytes);
  changed.messageSignature.signature = instance.signMessage(WHEEL.bytes).messageSignature.signature;
  const altered = put("altered.json", changed);
  const npmShaped = { attestations: [], attestation_bundles: [], version: 1 };
  const mailed = instance.signMessage(WHEEL.bytes, { leaf: { names: [emailName("a@acme.com")] } });
  const identity = { certificateIdentity: WORKFLOW, certificateOidcIssuer: ISSUER };
  const denying = put("deny.yaml", 'version: 1\ndeny: [{purl: "pkg:pypi/demo", reason: "withdrawn"}]\n');
  const naming = put(
    "names.yaml",
    `version: 1
signers: {acme: {sigstore: {issuer: "${ISSUER}", repository: acme/tool}}}
rules: [{match: ["pkg:pypi/demo"], signed_by: {any: [acme]}}]
`,
  );
  const demanding = put("level.yaml", "version: 1\ndefaults: {provenance: {level: L2, on_missing: error}}\n");
  const auditing = put("audit.yaml", "version: 1\nmode: audit\n");

  const rows: readonly { readonly attack: string; readonly file?: string; readonly flags: VerifyFlags; readonly code: string }[] = [
    { attack: "a signature over other bytes", file: OTHER, flags: { bundle: [message] }, code: "SUBJECT_MISMATCH" },
    { attack: "the same by digest", file: `sha256:${"0".repeat(64)}`, flags: { bundle: [message] }, code: "SUBJECT_MISMATCH" },
    { attack: "a statement about other bytes", file: OTHER, flags: { bundle: [published] }, code: "SUBJECT_MISMATCH" },
    { attack: "a bundle of another instance", flags: { bundle: [message], trustedRoot: elsewhereRoot }, code: "LOG_ENTRY_UNTRUSTED" },
    { attack: "a signature that was altered", flags: { bundle: [altered] }, code: "LOG_ENTRY_INVALID" },
    {
      attack: "a bad bundle beside a good one",
      flags: { bundle: [message, put("bad.json", instance.signMessage(Buffer.from("x")))] },
      code: "SUBJECT_MISMATCH",
    },
    { attack: "no JSON", flags: { bundle: [OTHER] }, code: "BUNDLE_MALFORMED" },
    { attack: "a key twice in the bundle", flags: { bundle: [twice] }, code: "BUNDLE_MALFORMED" },
    { attack: "a bundle past the limit", flags: { bundle: [put("big.json", Buffer.alloc(1024 * 1024 + 1, " "))] }, code: "BUNDLE_LIMIT" },
    { attack: "a bundle as an attestation", flags: { attestation: [message] }, code: "BUNDLE_MALFORMED" },
    { attack: "a document of two kinds at once", flags: { attestation: [put("two.json", npmShaped)] }, code: "BUNDLE_MALFORMED" },
    {
      attack: "a provenance object with nothing in it",
      flags: { attestation: [put("empty.json", { version: 1, attestation_bundles: [] })] },
      code: "SIGNATURE_MISSING",
    },
    { attack: "a key that nobody gave", flags: { bundle: [keyed] }, code: "KEY_UNKNOWN" },
    { attack: "another key than the given one", flags: { bundle: [keyed], key: put("other.pem", pem(ecKeys())) }, code: "KEY_UNKNOWN" },
    { attack: "a certificate where a key was asked for", flags: { bundle: [message], key }, code: "SIGNER_UNTRUSTED" },
    { attack: "a key where an identity was asked for", flags: { bundle: [keyed], key, ...identity }, code: "SIGNER_UNTRUSTED" },
    {
      attack: "another identity",
      flags: { bundle: [message], ...identity, certificateIdentity: `${WORKFLOW}x` },
      code: "SIGNER_UNTRUSTED",
    },
    {
      attack: "the beginning of the identity",
      flags: { bundle: [message], ...identity, certificateIdentity: WORKFLOW.slice(0, -1) },
      code: "SIGNER_UNTRUSTED",
    },
    { attack: "another issuer", flags: { bundle: [message], ...identity, certificateOidcIssuer: `${ISSUER}/` }, code: "SIGNER_UNTRUSTED" },
    {
      attack: "an e-mail address where a URI was asked for",
      flags: { bundle: [put("mail.json", mailed)], ...identity },
      code: "SIGNER_UNTRUSTED",
    },
    { attack: "a statement under another name", flags: { bundle: [published], name: "demo-1.0.tar.gz" }, code: "SUBJECT_MISMATCH" },
    {
      attack: "a signature without a name where one was asked for",
      flags: { bundle: [message], name: WHEEL.file },
      code: "SUBJECT_MISMATCH",
    },
    {
      attack: "a statement that its ecosystem does not know",
      flags: {
        bundle: [put("odd.json", instance.signStatement(statementOf({ predicateType: "https://x.example/v1" })))],
        purl: PURL,
        policy: POLICY,
      },
      code: "PREDICATE_UNSUPPORTED",
    },
    {
      attack: "a statement for another file of the ecosystem",
      flags: {
        bundle: [put("renamed.json", instance.signStatement(statementOf({ name: "demo-2.0-py3-none-any.whl" })))],
        purl: PURL,
        policy: POLICY,
      },
      code: "SUBJECT_MISMATCH",
    },
    {
      attack: "provenance that differs from its certificate",
      flags: { bundle: [elsewhere], purl: PURL, policy: POLICY },
      code: "PREDICATE_MISMATCH",
    },
    { attack: "a package that the policy denies", flags: { bundle: [published], purl: PURL, policy: denying }, code: "DENIED" },
    {
      attack: "the signer's name under another trust root",
      flags: { bundle: [published], purl: PURL, policy: naming },
      code: "SIGNER_UNTRUSTED",
    },
    { attack: "a level that is not reached", flags: { bundle: [published], policy: demanding }, code: "PROVENANCE_TOO_LOW" },
    {
      attack: "a bad signature, though the policy only rehearses",
      flags: { bundle: [put("bad2.json", instance.signMessage(Buffer.from("x")))], policy: auditing },
      code: "SUBJECT_MISMATCH",
    },
  ];
  test.each(rows)("$attack: $code", async ({ file = FILE, flags, code }) => {
    const answer = await json(file, flags);
    expect(codes(answer)).toContain(code);
    expect(answer).toMatchObject({ code: 2, json: { verdict: "refuse" } });
  });

  test("an archive that is not what it claims to be, though it is signed as that", async () => {
    const bytes = buildWheel({ name: "evil", version: "1.0" }).bytes;
    const path = put("demo-1.0-py3-none-none.whl", bytes);
    const bundle = put("evil.json", instance.signStatement(statementOf({ name: "demo-1.0-py3-none-none.whl", digest: sha256(bytes) })));
    expect(codes(await json(path, { bundle: [bundle], purl: PURL, policy: POLICY }))).toEqual(["IDENTITY_MISMATCH"]);
    // By its digest alone that cannot be seen, and is said.
    const blind = await json(`sha256:${sha256(bytes)}`, {
      bundle: [bundle],
      purl: `${PURL}?file_name=demo-1.0-py3-none-none.whl`,
      policy: POLICY,
    });
    expect(blind).toMatchObject({ code: 0, json: { notChecked: [expect.stringContaining("only its digest"), expect.anything()] } });
  });

  test("what was signed cannot write to the terminal", async () => {
    const bundle = put("escape.json", instance.signStatement(statementOf({ predicateType: "x\u001b[2K\u202eok" })));
    const { text } = await run(FILE, { bundle: [bundle], trustedRoot: ROOT });
    expect(text).toContain("x\\u{1b}[2K\\u{202e}ok");
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });
});

describe("what makes no sense", () => {
  const identity = { bundle: [message], certificateOidcIssuer: ISSUER };
  const rows: readonly { readonly what: string; readonly file?: string; readonly flags: VerifyFlags; readonly code: string }[] = [
    { what: "no evidence", flags: {}, code: "USAGE" },
    { what: "no evidence but a key", flags: { key: FILE }, code: "USAGE" },
    { what: "an identity without its issuer", flags: { bundle: [message], certificateIdentity: WORKFLOW }, code: "USAGE" },
    { what: "an issuer without an identity", flags: identity, code: "USAGE" },
    { what: "a wildcard in an identity", flags: { ...identity, certificateIdentity: "https://github.com/acme/**" }, code: "USAGE" },
    { what: "an OpenPGP signature for a digest", file: DIGEST, flags: { signature: OTHER }, code: "USAGE" },
    { what: "half a digest", file: "sha256:abc", flags: { bundle: [message] }, code: "BAD_REQUEST" },
    { what: "a file that is not there", file: join(folder, "none"), flags: { bundle: [message] }, code: "NOT_FOUND" },
    { what: "a folder for a file", file: folder, flags: { bundle: [message] }, code: "NOT_FOUND" },
    { what: "a bundle that is not there", flags: { bundle: [join(folder, "none")] }, code: "NOT_FOUND" },
    { what: "an attestation that is not there", flags: { attestation: [join(folder, "none")] }, code: "NOT_FOUND" },
    { what: "a policy that is not there", flags: { bundle: [message], policy: join(folder, "none") }, code: "NOT_FOUND" },
    { what: "a root that is none", flags: { bundle: [message], trustedRoot: message }, code: "CONFIG_INVALID" },
    { what: "a key that is none", flags: { bundle: [message], key: message }, code: "CONFIG_INVALID" },
    {
      what: "a private key",
      flags: { bundle: [message], key: put("private.pem", ecKeys().privateKey.export({ type: "pkcs8", format: "pem" })) },
      code: "CONFIG_INVALID",
    },
    { what: "a purl without a version", flags: { bundle: [message], purl: "pkg:pypi/demo" }, code: "BAD_REQUEST" },
    {
      what: "a purl of another version than the file's name",
      flags: { bundle: [message], purl: "pkg:pypi/demo@1.1" },
      code: "BAD_REQUEST",
    },
    { what: "a purl of another project", flags: { bundle: [message], purl: "pkg:pypi/demo-two@1.0" }, code: "BAD_REQUEST" },
    { what: "a PyPI release without a file", file: DIGEST, flags: { bundle: [message], purl: PURL }, code: "BAD_REQUEST" },
    { what: "a name that leaves its folder", flags: { bundle: [message], purl: "pkg:npm/..%2Fx@1.0.0" }, code: "BAD_REQUEST" },
  ];
  test.each(rows)("$what: $code", async ({ file = FILE, flags, code }) => {
    expect(await codeOf(json(file, flags))).toBe(code);
  });

  test("exit codes and standard error, as a shell sees them", () => {
    const assay = (...args: string[]) =>
      spawnSync(process.execPath, ["src/main.ts", "verify", ...args], {
        cwd: fileURLToPath(new URL("../..", import.meta.url)),
        encoding: "utf8",
      });
    expect(assay(FILE)).toMatchObject({ status: 64, stdout: "", stderr: expect.stringContaining("nothing to verify the file by") });
    expect(assay(FILE, "--bundle", join(folder, "none"))).toMatchObject({ status: 66, stdout: "" });
    expect(assay(FILE, "--trusted-root", ROOT, "--bundle", message)).toMatchObject({ status: 0, stderr: "" });
    expect(assay(OTHER, "--trusted-root", ROOT, "--bundle", published, "--bundle", message)).toMatchObject({
      status: 2,
      stdout: expect.stringContaining("SUBJECT_MISMATCH"),
    });
  });
});

describe("what is verified", () => {
  const identity = { certificateIdentity: WORKFLOW, certificateOidcIssuer: ISSUER };
  const managed = ecKeys();
  const keyed = put("keyed-good.json", instance.signMessage(WHEEL.bytes, { managedKey: managed }));
  const key = put("key-good.pem", managed.publicKey.export({ type: "spki", format: "pem" }));

  test.each<{ what: string; flags: VerifyFlags; expected: JsonObject }>([
    { what: "a message signature", flags: { bundle: [message] }, expected: { level: "L1", named: false } },
    { what: "by its exact signer", flags: { bundle: [message], ...identity }, expected: { level: "L1", named: true } },
    { what: "a bundle by a managed key", flags: { bundle: [keyed], key }, expected: { signer: { kind: "key" }, level: "L1", named: true } },
    { what: "an attestation under the file's name", flags: { attestation: [attestation], name: WHEEL.file }, expected: { level: "L1" } },
    { what: "a build provenance", flags: { bundle: [built], purl: PURL, policy: POLICY }, expected: { level: "L2", purl: PURL } },
    { what: "both at once", flags: { attestation: [attestation], bundle: [built] }, expected: { level: "L2" } },
  ])("$what", async ({ what, flags, expected }) => {
    for (const file of [FILE, DIGEST]) {
      const purl = flags.purl === undefined ? {} : { purl: `${flags.purl}?file_name=${WHEEL.file}` };
      const answer = await json(file, { ...flags, ...purl });
      expect(answer, what).toMatchObject({
        code: 0,
        json: { file, digest: DIGEST, verdict: "admit", reasons: [], warnings: [], ...expected, ...purl },
      });
    }
  });

  test("a statement that contradicts its certificate is only odd where the file claims to be no package: it makes no level", async () => {
    const bundle = put(
      "contrary.json",
      instance.signStatement(statementOf({ predicateType: SLSA_TYPE, predicate: slsaPredicate("https://github.com/evil/tool") })),
    );
    expect(await json(FILE, { bundle: [bundle] })).toMatchObject({
      code: 0,
      json: { level: "L1", warnings: [{ code: "PREDICATE_MISMATCH" }] },
    });
  });

  test("by the signer whom the policy names, under the root that the configuration calls by that name", async () => {
    const config = put("assay.yaml", `trust: {acme: {sigstore: "${ROOT}"}}\n`);
    const signer = `{issuer: "${ISSUER}", repository: "${REPOSITORY}", trust: acme}`;
    const policy = put("trust.yaml", `version: 1\nsigners: {acme: {sigstore: ${signer}}}\ndefaults: {signed_by: {any: [acme]}}\n`);
    const flags = { bundle: [built], trustedRoot: ROOT, policy, json: true } as const;
    expect(await run(FILE, flags, undefined, config)).toMatchObject({
      code: 0,
      json: { named: true, level: "L2", signer: { trust: "acme" } },
    });
  });

  test("an npm archive by what its registry answers for attestations, and as no other version", async () => {
    const { bytes } = buildNpmTarball({ name: "demo", version: "1.0.0" });
    const digest = { sha512: createHash("sha512").update(bytes).digest("hex") };
    const statement = {
      ...statementOf({ predicateType: SLSA_TYPE, predicate: slsaPredicate() }),
      subject: [{ name: "pkg:npm/demo@1.0.0", digest }],
    };
    const document = { attestations: [{ predicateType: SLSA_TYPE, bundle: instance.signStatement(statement) }] };
    const [file, attestations] = [put("whatever.tgz", bytes), [put("npm.json", document)]];
    const flags = { attestation: attestations, policy: POLICY };
    expect(await json(file, { ...flags, purl: "pkg:npm/demo@1.0.0" })).toMatchObject({ code: 0, json: { level: "L2" } });
    const refused = codes(await json(file, { ...flags, purl: "pkg:npm/demo@1.0.1" }));
    expect(refused).toEqual(["IDENTITY_MISMATCH", "SUBJECT_MISMATCH"]);
  });

  test("every key of the JSON is always there", async () => {
    const keys = ["file", "digest", "purl", "verdict", "level", "why", "signer", "named", "reasons", "warnings", "evidence", "notChecked"];
    for (const answer of [await json(FILE, { bundle: [message] }), await json(OTHER, { bundle: [message] })])
      expect(Object.keys(answer.json)).toEqual(keys);
  });

  test("in a terminal: by whom, from where, which level and why not higher", async () => {
    const { code, text } = await run(FILE, { bundle: [message], trustedRoot: ROOT });
    expect(code).toBe(0);
    expect(text.replaceAll(`${folder}/`, "")).toBe(`${WHEEL.file}: verified, unlisted (nobody was named who must have signed it)

digest       ${DIGEST}
checked      message.json: Sigstore bundle: good, signed 2026-06-01T00:00:00.000Z
signed by    ${WORKFLOW}
issuer       ${ISSUER} (trust root --trusted-root)
repository   ${REPOSITORY} (id 1234567, owner id 7654321)
commit       ${"a".repeat(40)}
ref          refs/tags/v1.0.0
trigger      release
runner       github-hosted
environment  pypi
run          ${REPOSITORY}/actions/runs/1/attempts/1
level        L1: what is signed says nothing of how it was built: that takes a build provenance
not checked  what package it is, so that no rule about packages holds: say it with --purl
not checked  what an index says (checksums, age, upstream) and who signed earlier versions: none was asked
`);
  });
});

describe("OpenPGP signatures", async () => {
  const [key, other] = [await makeKey(), await makeKey()];
  const keyFile = put("signer.asc", key.public.armor());
  const signature = put("demo.asc", await makeSignature({ keys: [key], bytes: Buffer.from(WHEEL.bytes) }));
  const fingerprint = key.public.getFingerprint();
  const check = (file: string, flags: VerifyFlags) => run(file, { json: true, ...flags }, PGP_NOW);

  test.each<{ attack: string; file?: string; flags: VerifyFlags; code: string }>([
    { attack: "other bytes", file: OTHER, flags: { signature, key: keyFile }, code: "SIGNATURE_INVALID" },
    { attack: "a key that nobody named", flags: { signature }, code: "KEY_UNKNOWN" },
    { attack: "another key than the given one", flags: { signature, key: put("other.asc", other.public.armor()) }, code: "KEY_UNKNOWN" },
    { attack: "no signature", flags: { signature: OTHER, key: keyFile }, code: "BUNDLE_MALFORMED" },
  ])("$attack: $code", async ({ file = FILE, flags, code }) => {
    const answer = await check(file, flags);
    expect(answer.code).toBe(2);
    expect(codes(answer)).toEqual([code]);
  });

  test("a private key is no key to verify by", async () => {
    expect(await codeOf(check(FILE, { signature, key: put("secret.asc", key.secret.armor()) }))).toBe("CONFIG_INVALID");
  });

  test("the given key, or one that the policy names, verifies it", async () => {
    const policy = put(
      "packagers.yaml",
      `version: 1\nsigners: {packagers: {gpg: ["${fingerprint}"], keys: "${keyFile}"}}\ndefaults: {signed_by: {any: [packagers]}}\n`,
    );
    for (const flags of [
      { signature, key: keyFile },
      { signature, policy },
      { signature, policy, purl: PURL },
    ])
      expect(await check(FILE, flags)).toMatchObject({
        code: 0,
        json: { verdict: "admit", named: true, level: "L1", signer: { kind: "openpgp", fingerprint } },
      });
  });
});

const PYPI = sharedData("pypi");
describe.skipIf(!PYPI)("real attestations", () => {
  const entries: readonly Loose[] = PYPI ? JSON.parse(readFileSync(join(PYPI, "manifest.json"), "utf8")).entries : [];
  const real = entries.filter(({ file }) => !file.includes("rfc8785"));

  test("each is verified for its own file, and refused for another digest, name or version", async () => {
    expect(real.length).toBeGreaterThanOrEqual(12);
    for (const { file, attestations } of real) {
      const [{ subject, sha256: digest }] = attestations;
      const given = { attestation: [join(PYPI ?? "", file)], json: true } as const;
      expect(await run(`sha256:${digest}`, { ...given, name: subject }), file).toMatchObject({ code: 0, json: { verdict: "admit" } });
      expect(codes(await run(`sha256:${"0".repeat(64)}`, given)), file).toContain("SUBJECT_MISMATCH");
      expect(codes(await run(`sha256:${digest}`, { ...given, name: "other" })), file).toContain("SUBJECT_MISMATCH");
      const [, project = "", version = ""] = /^([a-z0-9_]+?)-([0-9.]+?)(?:-py3-none-any\.whl|\.tar\.gz)$/i.exec(subject) ?? [];
      const purl = `pkg:pypi/${project}@${version}?file_name=${subject}`;
      expect(await run(`sha256:${digest}`, { ...given, purl, policy: POLICY }), purl).toMatchObject({ code: 0 });
      const other = `pkg:pypi/${project}@9.9?file_name=${project}-9.9.tar.gz`;
      expect(codes(await run(`sha256:${digest}`, { ...given, purl: other, policy: POLICY })), other).toContain("SUBJECT_MISMATCH");
    }
  });
});

const NPM = sharedData("npm");
describe.skipIf(!NPM)("real npm attestations", () => {
  const bundles: readonly Loose[] = NPM ? JSON.parse(readFileSync(join(NPM, "manifest.json"), "utf8")).bundles : [];
  test("none is about a file that has other bytes", async () => {
    const documents = bundles.filter(({ file }) => "attestations" in JSON.parse(readFileSync(join(NPM ?? "", file), "utf8")));
    expect(documents.length).toBeGreaterThanOrEqual(7);
    for (const { file, attestations } of documents) {
      const flags = { attestation: [join(NPM ?? "", file)], json: true, purl: attestations[0].subject, policy: POLICY } as const;
      expect(await run(FILE, flags), file).toMatchObject({ code: 2, json: { verdict: "refuse" } });
    }
  });
});

test("without --trusted-root it goes by the public root that the mirror refreshed last", async () => {
  const { targets } = publicRepository();
  const dataDir = join(folder, "refreshed");
  const check = async () => {
    const config = loadConfig({ env: {}, flags: { policy: POLICY, data: dataDir } });
    return verify({ config, now: Date.UTC(2026, 5, 2), print: () => {} }, FILE, { bundle: [message] });
  };
  expect(await check()).toBe(2);
  const log = createLog("silent");
  const { tuf } = await loadTrust("public", {}, { folder: trustFolder(dataDir), log });
  const refreshed = new Map([...targets, ["trusted_root.json", Buffer.from(JSON.stringify(instance.trustedRoot()))]]);
  await writeKept(trustFolder(dataDir), "public", { basis: tuf?.basis ?? "", metadata: new Map(), targets: refreshed });
  expect(await check()).toBe(0);
});
