import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Digests } from "../../../src/core/digest.ts";
import { AssayError } from "../../../src/core/errors.ts";
import { parseTrustRoot, publicTrustRoot, type TrustRoot } from "../../../src/verify/sigstore/trust-root.ts";
import { verifyBundle } from "../../../src/verify/sigstore/verify-bundle.ts";

// A checkout of the public Sigstore conformance suite. What its cases are made of is told in its test/assets/bundle-verify/README.md.
const SUITE = process.env["ASSAY_SIGSTORE_CONFORMANCE"];
if (SUITE === undefined) console.warn("skipped: set ASSAY_SIGSTORE_CONFORMANCE to a checkout of the Sigstore conformance suite to run it");

const CASES = join(SUITE ?? "", "test/assets/bundle-verify");
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

test.skipIf(SUITE === undefined)("the public conformance suite: every bundle gets its answer, by file and by digest", () => {
  const folders = readdirSync(CASES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.length).toBeGreaterThanOrEqual(70);
  for (const { name } of folders) {
    const own = join(CASES, name, "artifact");
    const digests = digestsOf(readFileSync(existsSync(own) ? own : join(CASES, "a.txt")));
    for (const input of [digests, { sha256: digests.sha256 }])
      expect(isAccepted(join(CASES, name), input), name).toBe(!name.endsWith("_fail"));
  }
});
