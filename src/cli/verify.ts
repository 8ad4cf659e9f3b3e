import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, constants } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Config } from "../app/config.ts";
import { CONFIG_DEFAULTS } from "../app/config-defaults.ts";
import { pinnedKeysOf } from "../app/enforced-policy.ts";
import { createLog } from "../app/log.ts";
import { loadPolicyKeys } from "../app/policy-keys.ts";
import { trustFolder } from "../app/trust/kept-trust.ts";
import { loadTrust, PUBLIC } from "../app/trust/load-trust.ts";
import { ecosystemRules } from "../app/verify/ecosystem-rules.ts";
import { readAttestation } from "../app/verify/read-attestation.ts";
import { refOfPurl } from "../app/verify/ref-of-purl.ts";
import { type FileRequest, type GivenDocument, verifyFile } from "../app/verify/verify-file.ts";
import { parseDigest } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { SignerRule } from "../core/policy.ts";
import type { QuarantinedBlob } from "../core/ports/blob-store.ts";
import type { Log } from "../core/ports/log.ts";
import { quote } from "../core/quote.ts";
import { loadPolicy } from "../policy/load-policy.ts";
import { parseIdentity } from "../policy/match-signer.ts";
import { readPolicy } from "../policy/read-policy.ts";
import { brandQuarantined } from "../store/blob-brands.ts";
import { loadKeyFile, type PinnedKey } from "../verify/openpgp/pinned-keys.ts";
import { parsePublicKey } from "../verify/public-key-file.ts";
import type { ManagedKey } from "../verify/sigstore/managed-key.ts";
import { parseTrustRoot, publicTrustRoot, type TrustRoot } from "../verify/sigstore/trust-root.ts";
import { EXIT_DONE, EXIT_REFUSED } from "./exit.ts";
import { readBounded, unreadable } from "./read-bounded.ts";
import { usage } from "./usage-error.ts";
import { verifyJson, verifyText } from "./verify-report.ts";

export interface VerifyFlags {
  readonly bundle?: readonly string[];
  readonly attestation?: readonly string[];
  readonly signature?: string;
  readonly trustedRoot?: string;
  readonly policy?: string;
  readonly key?: string;
  readonly certificateIdentity?: string;
  readonly certificateOidcIssuer?: string;
  readonly purl?: string;
  readonly name?: string;
  readonly json?: true;
}

interface VerifyCommand {
  readonly config: Config;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/** Bytes of a key or trust root. */
const MAX_KEY_BYTES = 1024 * 1024;
/** What a root from the command line is called: no configuration can call one so, hence no policy means it by mistake. */
const GIVEN_ROOT = "--trusted-root";
const DIGEST = /^sha256:/i;

/**
 * `assay verify FILE`: judges the evidence that is given with a file, with no network. Answers 0 where it is admitted and 2 where it is refused.
 * Throws USAGE for flags that make no sense together, NOT_FOUND for files that cannot be read, BAD_REQUEST for a purl that names no such file, CONFIG_INVALID for
 * a key, root or policy that is none. Evidence that is no such document is a reason, not an error.
 */
export async function verify({ config, now, print }: VerifyCommand, file: string, flags: VerifyFlags): Promise<number> {
  checkUsage(file, flags);
  const digestOnly = DIGEST.test(file);
  const log = createLog("silent");
  const { limits } = config;
  const ref = flags.purl === undefined ? undefined : refOfPurl(flags.purl, config.repositories, digestOnly ? undefined : basename(file));
  const root = await readRoot(flags, config, log);
  const given = await readKey(flags.key);
  const { policy, feeds } = await policyOf(flags, config, now);
  const request: FileRequest = {
    blob: digestOnly ? knownDigest(file) : await hashFile(file, limits.archiveBytes),
    documents: await readDocuments(flags, config),
    root,
    keys: [...given.keys, ...(await loadPolicyKeys(policy)).managed],
    pgpKeys: [...(flags.signature === undefined ? [] : await pinnedKeysOf(policy)), ...given.pgpKeys],
    ...(flags.name === undefined ? {} : { subjectName: flags.name }),
    ...(ref ? { claimed: { ref, ecosystem: ecosystemRules(ref.ecosystem, { limits, log }) } } : {}),
    signedBy: [...given.signers, ...identityOf(flags, root)],
    ruling: {
      policy,
      feeds,
      repository: config.repositories.find(({ name }) => name === ref?.repository)?.policy ?? { unclaimed: "refuse", weakChecksum: "warn" },
    },
    limits,
    log,
    now,
  };
  const report = await verifyFile(request);
  const subject = { file, digest: `sha256:${request.blob.digest}`, purl: flags.purl, digestOnly };
  print(flags.json ? verifyJson(subject, report) : verifyText(subject, report));
  return report.verdict.kind === "admit" ? EXIT_DONE : EXIT_REFUSED;
}

function checkUsage(file: string, flags: VerifyFlags): void {
  const { bundle = [], attestation = [], signature, certificateIdentity, certificateOidcIssuer } = flags;
  if (bundle.length + attestation.length === 0 && signature === undefined)
    throw usage("there is nothing to verify the file by", "give --bundle, --attestation or --signature");
  if ((certificateIdentity === undefined) !== (certificateOidcIssuer === undefined)) {
    throw usage(
      "--certificate-identity and --certificate-oidc-issuer need each other",
      "an identity is only as good as the issuer that vouches for it",
    );
  }
  if (signature !== undefined && DIGEST.test(file))
    throw usage("an OpenPGP signature is over the bytes, and only a digest is at hand", "give the file itself");
}

function identityOf({ certificateIdentity, certificateOidcIssuer }: VerifyFlags, root: TrustRoot): readonly SignerRule[] {
  if (certificateIdentity === undefined || certificateOidcIssuer === undefined) return [];
  const identity = parseIdentity(certificateIdentity);
  if (!identity.ok || certificateIdentity.includes("*")) {
    throw usage(
      `--certificate-identity: expected one e-mail address or URI, written out, got ${quote(certificateIdentity)}`,
      "a policy's signers may have wildcards",
    );
  }
  const issuers = [certificateOidcIssuer] as const;
  return [{ kind: "sigstore", name: "--certificate-identity", at: "", trust: root.name, issuers, identity: identity.value }];
}

async function policyOf(flags: VerifyFlags, config: Config, now: number): Promise<Pick<FileRequest["ruling"], "policy" | "feeds">> {
  if (flags.policy === undefined && flags.purl === undefined)
    return { policy: loadPolicy({ file: "what is built in", text: "version: 1\n", now }).policy, feeds: new Map() };
  if (flags.policy !== undefined) await requireReadable(flags.policy);
  const known = { repositories: config.repositories.map(({ name }) => name), trust: ["public", ...Object.keys(config.trust)] };
  const optional = flags.policy === undefined && config.policyPath === resolve(CONFIG_DEFAULTS.policy);
  return readPolicy({ file: config.policyPath, known, optional }, now);
}

/** Without a flag, the public root as the mirror over the same data folder has it: refreshed last, else built in. */
async function readRoot({ trustedRoot }: VerifyFlags, { trust, dataDir }: Config, log: Log): Promise<TrustRoot> {
  if (trustedRoot === undefined)
    return (await loadTrust(PUBLIC, trust[PUBLIC] ?? {}, { folder: trustFolder(dataDir), log })).root ?? publicTrustRoot();
  const configured = Object.entries(trust).find(
    ([, { sigstorePath }]) => sigstorePath !== undefined && resolve(sigstorePath) === resolve(trustedRoot),
  );
  return parseTrustRoot(await readBounded(trustedRoot, MAX_KEY_BYTES), configured?.[0] ?? GIVEN_ROOT, trustedRoot);
}

interface GivenKey {
  readonly keys: readonly ManagedKey[];
  readonly pgpKeys: readonly PinnedKey[];
  readonly signers: readonly SignerRule[];
}

/** Whoever gives a key wants that key to have signed, and no other. */
async function readKey(path: string | undefined): Promise<GivenKey> {
  if (path === undefined) return { keys: [], pgpKeys: [], signers: [] };
  const pem = (await readBounded(path, MAX_KEY_BYTES)).toString("latin1");
  if (pem.includes("-----BEGIN PGP ")) {
    const pgpKeys = await loadKeyFile(path);
    const [first = "", ...others] = pgpKeys.map(({ fingerprint }) => fingerprint);
    return { keys: [], pgpKeys, signers: [{ kind: "openpgp", name: "--key", at: "", fingerprints: [first, ...others] }] };
  }
  const der = parsePublicKey(pem, path).export({ type: "spki", format: "der" });
  const name = `SHA256:${createHash("sha256").update(der).digest("base64")}`;
  return { keys: [{ name, pem }], pgpKeys: [], signers: [{ kind: "key", name: "--key", at: "", keyId: name }] };
}

/** In the order of what is most telling. */
async function readDocuments(
  { bundle = [], attestation = [], signature }: VerifyFlags,
  { limits }: Config,
): Promise<readonly GivenDocument[]> {
  const documents: GivenDocument[] = [];
  // One byte past the bound is read: the parsers then say that it is too much.
  const read = (path: string) => readBounded(path, limits.sidecarBytes);
  for (const path of attestation) {
    const label = basename(path);
    const parsed = readAttestation(await read(path), label, limits);
    documents.push(
      parsed.ok
        ? { kind: "bundles", label, items: parsed.value }
        : { kind: "malformed", label, verifier: "sigstore", finding: parsed.finding },
    );
  }
  for (const path of bundle) {
    const item = { kind: "sigstore", label: "Sigstore bundle", bundle: await read(path) } as const;
    documents.push({ kind: "bundles", label: basename(path), items: [item] });
  }
  if (signature !== undefined) documents.push({ kind: "openpgp", label: basename(signature), signature: await read(signature) });
  return documents;
}

function knownDigest(text: string): QuarantinedBlob {
  const digest = parseDigest(text.slice("sha256:".length));
  return brandQuarantined({ digest, digests: { sha256: digest }, sizeBytes: 0, path: "" });
}

/** Every digest that evidence may speak of, in one read. Throws NOT_FOUND, PAYLOAD_TOO_LARGE. */
async function hashFile(path: string, maxBytes: number): Promise<QuarantinedBlob> {
  const hashes = (["sha256", "sha384", "sha512", "sha1"] as const).map((algorithm) => [algorithm, createHash(algorithm)] as const);
  let sizeBytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      sizeBytes += (chunk as Buffer).length;
      if (sizeBytes > maxBytes) break;
      for (const [, hash] of hashes) hash.update(chunk as Buffer);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  if (sizeBytes > maxBytes) {
    throw new AssayError("PAYLOAD_TOO_LARGE", `${path} has more than ${maxBytes} bytes`, {
      help: "raise limits.archive_bytes if that is right",
    });
  }
  const digests = Object.fromEntries(hashes.map(([algorithm, hash]) => [algorithm, hash.digest("hex")]));
  const digest = parseDigest(digests["sha256"] ?? "");
  return brandQuarantined({ digest, digests: { ...digests, sha256: digest }, sizeBytes, path });
}

async function requireReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw unreadable(path, error);
  }
}
