import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Digests } from "../../../src/core/digest.ts";
import { AssayError } from "../../../src/core/errors.ts";
import { parseTrustRoot, publicTrustRoot, type TrustRoot } from "../../../src/verify/sigstore/trust-root.ts";
import { verifyBundle } from "../../../src/verify/sigstore/verify-bundle.ts";

// A checkout of the public Sigstore conformance suite. What its cases are made of is told in its test/assets/bundle-verify/README.md.
const SUITE = process.env["ASSAY_SIGSTORE_CONFORMANCE"];
if (SUITE === undefined) console.warn("skipped: set ASSAY_SIGSTORE_CONFORMANCE to a checkout of the Sigstore conformance suite to run it");

const CASES = join(SUITE ?? "", "test/assets/bundle-verify");
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const ISSUER = "https://token.actions.githubusercontent.com";
const BEACON = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon";
const IDENTITY = `${BEACON}/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main`;

function digestsOf(bytes: Buffer): Digests {
  const hex = (algorithm: string): string => createHash(algorithm).update(bytes).digest("hex");
  return { sha256: hex("sha256"), sha384: hex("sha384"), sha512: hex("sha512") };
}

/** What a user of the suite's command would be told. */
function isAccepted(folder: string, digests: Digests): boolean {
  const text = (name: string, otherwise: string): string =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8").trim() : otherwise;
  const root = rootOf(join(folder, "trusted_root.json"));
  if (root === undefined) return false;
  const pem = text("key.pub", "");
  const keys = pem === "" ? [] : [{ name: "given", pem }];
  const verdict = verifyBundle({ bundle: readFileSync(join(folder, "bundle.sigstore.json")), root, artifact: { digests }, keys });
  if (!verdict.ok) return false;
  const { signer } = verdict.value;
  if (pem !== "") return signer.kind === "key";
  return signer.kind === "sigstore" && signer.identity.value === text("identity", IDENTITY) && signer.issuer === text("issuer", ISSUER);
}

/** Undefined for a root that is refused as a whole. */
function rootOf(path: string): TrustRoot | undefined {
  if (!existsSync(path)) return publicTrustRoot();
  try {
    return parseTrustRoot(readFileSync(path), "custom", path);
  } catch (error) {
    if (error instanceof AssayError && error.code === "CONFIG_INVALID") return undefined;
    throw error;
  }
}

/** Each case of the suite with its artifact. */
function cases(): readonly { readonly name: string; readonly folder: string; readonly artifact: string }[] {
  const found = readdirSync(CASES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(found.length).toBeGreaterThanOrEqual(70);
  return found.map(({ name }) => {
    const own = join(CASES, name, "artifact");
    return { name, folder: join(CASES, name), artifact: existsSync(own) ? own : join(CASES, "a.txt") };
  });
}

test.skipIf(SUITE === undefined)("the public conformance suite: every bundle gets its answer, by file and by digest", () => {
  for (const { name, folder, artifact } of cases()) {
    const digests = digestsOf(readFileSync(artifact));
    for (const input of [digests, { sha256: digests.sha256 }]) expect(isAccepted(folder, input), name).toBe(!name.endsWith("_fail"));
  }
});

/** Exit code of `assay verify` as the suite's own adapter calls a client. */
async function exitCodeOf(subject: string, folder: string): Promise<number> {
  const given = (flag: string, name: string): readonly string[] => (existsSync(join(folder, name)) ? [flag, join(folder, name)] : []);
  const text = (name: string, otherwise: string): string =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8").trim() : otherwise;
  const key = given("--key", "key.pub");
  const signer = ["--certificate-identity", text("identity", IDENTITY), "--certificate-oidc-issuer", text("issuer", ISSUER)];
  const bundle = ["--bundle", join(folder, "bundle.sigstore.json"), ...given("--trusted-root", "trusted_root.json")];
  const args = ["src/main.ts", "verify", subject, "--json", ...bundle, ...(key.length > 0 ? key : signer)];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT }, (error) => resolve(error ? Number(error.code) : 0));
  });
}

test.skipIf(SUITE === undefined)("the same through `assay verify`", { timeout: 900_000 }, async () => {
  const questions = cases().flatMap(({ name, folder, artifact }) =>
    [artifact, `sha256:${digestsOf(readFileSync(artifact)).sha256}`].map((subject) => ({ name, folder, subject })),
  );
  const ask = async (): Promise<void> => {
    for (let next = questions.shift(); next; next = questions.shift()) {
      const code = await exitCodeOf(next.subject, next.folder);
      // 2: refused; 78: the trust root itself is.
      expect(next.name.endsWith("_fail") ? [2, 78] : [0], `${next.name} ${next.subject}`).toContain(code);
    }
  };
  await Promise.all([ask(), ask()]);
});
