import { resolve } from "node:path";
import { z } from "zod";
import { parseDigest } from "../core/digest.ts";
import { parseFingerprint } from "../core/fingerprint.ts";
import { parseGlob } from "../core/glob.ts";
import { parseKeyId } from "../core/key-id.ts";
import { expected, type Parsed, parsed } from "../core/parsed.ts";
import { ON_FAILURE, SIGNATURE_KINDS, WAIVABLE_CHECKS } from "../core/policy.ts";
import { boolean, choice, duration, list, map, parsedBy, parsedText, text, unexpected, wordOr } from "../core/schema.ts";
import { LEVELS } from "../core/statement.ts";
import { parseIdentity, repositoryUrl } from "./match-signer.ts";
import { parsePurlPattern } from "./purl-pattern.ts";
import { parseVersionRange } from "./version-range.ts";

/** What the schema may look up while it checks. */
export interface PolicySurroundings {
  /** Milliseconds since the epoch; decides which waivers are over. */
  readonly now: number;
  /** Whether a file or folder can be read. Where it is left out, paths are not checked. */
  readonly isReadable?: (path: string) => boolean;
}

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const NAME_WORDS = "a name of lowercase letters, digits and hyphens that starts with a letter or digit";
const DAY_MS = 86_400_000;
const MAX_RULES = 1000;
const MAX_PATTERNS = 200;
const MAX_SIGNERS = 1000;
const DEFAULT_FEED_AGE_MS = 7 * DAY_MS;

/** The schema made last without paths to check. To make one takes ten times as long as to read a small policy with it. */
let madeLast: { readonly now: number; readonly schema: ReturnType<typeof makePolicySchema> } | undefined;

/**
 * The policy as it is written, checked and parsed key by key. What no key can tell alone (unknown signers, shadowed rules) is for `crossProblems`.
 * Every message is a noun phrase that completes "expected …".
 */
export function policySchema(surroundings: PolicySurroundings): ReturnType<typeof makePolicySchema> {
  if (surroundings.isReadable) return makePolicySchema(surroundings);
  const { now } = surroundings;
  if (madeLast?.now !== now) madeLast = { now, schema: makePolicySchema({ now }) };
  return madeLast.schema;
}

function makePolicySchema({ now, isReadable }: PolicySurroundings) {
  const name = z.string({ error: NAME_WORDS }).regex(NAME, { error: NAME_WORDS });
  const pattern = parsedText("a package pattern such as pkg:npm/%40acme/*", parsePurlPattern);
  const path = parsedBy("the path of a file or folder that can be read", (value) => {
    if (typeof value !== "string" || value === "") return undefined;
    const absolute = resolve(value);
    return isReadable === undefined || isReadable(absolute) ? absolute : undefined;
  });
  const line = (what: string) => text(what).max(500, { error: `${what}, in at most 500 characters` });

  // A word of its own: an empty list would as well be a slip.
  const signers = map({ any: list(name, MAX_PATTERNS).optional(), all: list(name, MAX_PATTERNS).optional() }).transform((keys, context) => {
    const [any, all] = [keys.any ?? [], keys.all ?? []];
    if (keys.any && keys.all) return unexpected(context, "either any or all");
    if (any.length + all.length === 0) return unexpected(context, "any or all, with the names of one or more signers");
    return keys.any ? { quantifier: "any" as const, names: any } : { quantifier: "all" as const, names: all };
  });

  const signedBy = wordOr("nobody", signers).transform((given) => (given === "nobody" ? { quantifier: "any" as const, names: [] } : given));

  const settings = {
    signature: map({
      require: boolean().optional(),
      on_missing: choice(ON_FAILURE).optional(),
      on_untrusted: choice(ON_FAILURE).optional(),
      // Ignoring it would treat a forged signature more kindly than an absent one.
      on_invalid: choice(["error", "warn"]).optional(),
    }).optional(),
    provenance: map({ level: choice(LEVELS).optional(), on_missing: choice(ON_FAILURE).optional() }).optional(),
    signed_by: signedBy.optional(),
    min_age: duration(0, 3650 * DAY_MS, "0 to 3650d").optional(),
    first_use: choice(["pin", "off"]).optional(),
    no_downgrade: z
      .union([z.literal("off"), map({ within: z.literal("major", { error: "major" }) })], { error: "off, or {within: major}" })
      .optional(),
  };

  const signer = map({
    sigstore: sigstoreSigner(name).optional(),
    gpg: list(parsedText(FINGERPRINT_WORDS, fingerprint), MAX_PATTERNS).min(1, { error: "a list of one or more fingerprints" }).optional(),
    registry_key: keyId().optional(),
    key: keyId().optional(),
    vsa_key: parsedText(KEY_ID_WORDS, sha256KeyId).optional(),
    keys: path.optional(),
    level: choice(["L1", "L2", "L3"]).optional(),
  }).transform((keys, context) => {
    const { keys: keysPath, level, ...kinds } = keys;
    const given = Object.values(kinds).filter((value) => value !== undefined).length;
    if (given !== 1) return unexpected(context, "one of sigstore, gpg, registry_key, key, vsa_key");
    if (kinds.sigstore && keysPath !== undefined)
      return unexpected(context, "no keys beside sigstore: its keys are in the certificates", ["keys"]);
    if (level !== undefined && kinds.vsa_key === undefined) return unexpected(context, "a level only beside vsa_key", ["level"]);
    return keys;
  });

  const deny = map({
    purl: pattern.optional(),
    versions: text("a version range such as vers:npm/>=1.0.0|<2.0.0").optional(),
    reason: line("why it is denied").optional(),
    feed: choice(["osv"]).optional(),
    path: path.optional(),
    entries: choice(["malicious", "all"]).optional(),
    max_age: duration(3_600_000, 365 * DAY_MS, "1h to 365d").optional(),
    on_stale: choice(["warn", "error"]).optional(),
  }).transform((keys, context) => {
    const { purl, versions, reason, feed, path: feedPath, entries, max_age, on_stale } = keys;
    if (feed !== undefined) {
      if (purl || versions !== undefined || reason !== undefined)
        return unexpected(context, "no purl, versions or reason beside a feed: it brings its own");
      if (feedPath === undefined) return unexpected(context, "the feed's folder or zip file", ["path"]);
      return {
        kind: "feed" as const,
        path: feedPath,
        entries: entries ?? "malicious",
        maxAgeMs: max_age ?? DEFAULT_FEED_AGE_MS,
        onStale: on_stale ?? "warn",
      };
    }
    const stray = (["path", "entries", "max_age", "on_stale"] as const).find((key) => keys[key] !== undefined);
    if (stray !== undefined) return unexpected(context, "it only beside feed: osv", [stray]);
    if (!purl) return unexpected(context, "a purl, or feed: osv");
    if (reason === undefined) return unexpected(context, "why it is denied", ["reason"]);
    if (versions === undefined) return { kind: "packages" as const, purl, reason };
    const [ecosystem, ...others] = Object.keys(purl.names) as (keyof typeof purl.names)[];
    if (ecosystem === undefined || others.length > 0) return unexpected(context, "versions only for a purl of one type", ["versions"]);
    if (purl.version) return unexpected(context, "either versions or a version in the purl", ["versions"]);
    const range = parseVersionRange(versions, ecosystem);
    return range.ok
      ? { kind: "packages" as const, purl, versions: range.value, reason }
      : unexpected(context, range.expected, ["versions"]);
  });

  const rule = map({
    name: name.optional(),
    match: list(pattern, MAX_PATTERNS).min(1, { error: "a list of one or more package patterns" }),
    repositories: list(name, 100).min(1, { error: "a list of one or more repositories" }).optional(),
    upstream: name.optional(),
    ...settings,
  }).superRefine((rule, context) => {
    const position = rule.match.findIndex(({ version, file }) => version !== undefined || file !== undefined);
    if (rule.upstream === undefined || position < 0) return;
    const message = "a pattern without a version or a file in a rule with `upstream`: whom to ask is settled before any version is known";
    context.addIssue({ code: "custom", path: ["match", position], message });
  });

  const waiver = map({
    purl: pattern,
    waive: list(choice(WAIVABLE_CHECKS), WAIVABLE_CHECKS.length).min(1, {
      error: `a list of one or more of ${WAIVABLE_CHECKS.join(", ")}`,
    }),
    owner: line("who answers for it, such as sec@acme.com"),
    reason: line("why it is waived"),
    expires: parsedText("the date of its last day, such as 2026-12-31", (written) => expiry(written, now)),
    digest: parsedText(DIGEST_WORDS, digest).optional(),
  }).superRefine((keys, context) => {
    // A bad signature may be the publisher's slip, but only somebody who looked at these very bytes can say so.
    if (keys.waive.includes("invalid") && keys.digest === undefined)
      unexpected(context, `${DIGEST_WORDS}, since invalid is waived`, ["digest"]);
  });

  return map({
    version: z.literal(1, { error: "1, the version of the policy language" }),
    mode: choice(["enforce", "audit"]).optional(),
    defaults: map(settings).optional(),
    signers: z
      .record(name, signer, { error: "a map of names to signers" })
      .refine((signers) => Object.keys(signers).length <= MAX_SIGNERS, { error: `at most ${MAX_SIGNERS} signers` })
      .optional(),
    builders: map({ L2: builders().optional(), L3: builders().optional() }).optional(),
    deny: list(deny, 10_000).optional(),
    rules: list(rule, MAX_RULES).optional(),
    waivers: list(waiver, 10_000).optional(),
    ...aamShape(),
  });
}

/** What Assay reads of an `aam` client's configuration, as a policy. Its other keys are that client's business. */
export function aamSchema() {
  return z.object(aamShape()).transform(({ security, governance }) => ({ version: 1 as const, security, governance }));
}

/** The blocks of the AAM specification: 14.3 and 14.5 `security`, 15.1 `governance`; with the names that the AAM dialect and its manual use. */
function aamShape() {
  const identities = list(parsedText("an identity pattern such as *@acme.com", parseIdentity), MAX_PATTERNS);
  const fingerprints = list(parsedText(FINGERPRINT_WORDS, fingerprint), MAX_PATTERNS);
  const issuers = list(issuer(), 100).min(1, { error: "a list of one or more issuers" });
  const onFailure = choice(["warn", "error", "ignore"]);
  const onFailureOrAllow = choice(["warn", "error", "ignore", "allow"]).transform((value) => (value === "allow" ? "ignore" : value));
  const blocked = parsedText("a package pattern such as @sketchy/*", (written) => {
    const purl = parsePurlPattern(`pkg:aam/${written}`);
    if (!purl.ok) return purl;
    const glob = purl.value.names.aam;
    return glob && !purl.value.version && purl.value.file === undefined ? parsed(glob) : expected("a package pattern without a version");
  });
  return {
    security: map({
      require_checksum: z.literal(true, { error: "true: a checksum is never optional" }).optional(),
      require_signature: boolean().optional(),
      trusted_identities: identities.optional(),
      trusted_issuers: issuers.optional(),
      trusted_keys: fingerprints.optional(),
      on_signature_failure: onFailure.optional(),
      require_provenance: choice(LEVELS).optional(),
      on_provenance_failure: onFailure.optional(),
      allowed_issuers: issuers.optional(),
      require_registry_attestation: boolean().optional(),
      verify_transparency_log: z.literal(true, { error: "true: a signature without its log entry is not verified" }).optional(),
      signature: map({
        accepted_types: list(choice(SIGNATURE_KINDS), SIGNATURE_KINDS.length).optional(),
        trusted_sigstore_identities: identities.optional(),
        trusted_gpg_keys: fingerprints.optional(),
      }).optional(),
      on_unsigned: onFailureOrAllow.optional(),
      on_untrusted_signer: onFailureOrAllow.optional(),
    }).optional(),
    governance: map({
      install_policy: map({
        allowed_scopes: list(
          parsedBy('a scope such as @acme, "*" for all, or "" for packages without one', (value) => {
            if (value === "" || value === "*") return value;
            return typeof value === "string" && /^@?[a-z0-9][a-z0-9_-]{0,63}$/.test(value) ? `@${value.replace("@", "")}` : undefined;
          }),
          1000,
        ).optional(),
        require_signature: boolean().optional(),
        require_tag: text("a dist-tag such as stable")
          .regex(/^[a-z0-9-]{1,32}$/, { error: "a dist-tag of lowercase letters, digits and hyphens" })
          .optional(),
        blocked_packages: list(blocked, 10_000).optional(),
      }).optional(),
      publish_policy: map({ require_signature: boolean().optional() }).optional(),
    }).optional(),
  };
}

function sigstoreSigner(name: z.ZodString) {
  return map({
    issuer: issuer(),
    identity: parsedText("an identity pattern such as *@acme.com", parseIdentity).optional(),
    repository: text("a repository as owner/name").optional(),
    repository_id: numericId("repository").optional(),
    owner_id: numericId("owner").optional(),
    workflow: text("a workflow's file name or path, such as release.yml")
      .regex(/^(?!\/)[^\s@*\\]+$/, { error: "a workflow's file name or path in the repository, without wildcards" })
      .optional(),
    ref: parsedText("a ref pattern such as refs/tags/*", (written) =>
      written.startsWith("refs/") || written.startsWith("*")
        ? parseGlob(written, "/")
        : expected("a full ref pattern, such as refs/tags/* or refs/heads/main"),
    ).optional(),
    environment: text("the name of an environment").optional(),
    runner: choice(["github-hosted", "self-hosted"]).optional(),
    trigger: z
      .preprocess(
        (value) => (typeof value === "string" ? [value] : value),
        list(text("an event such as push"), 32).min(1, { error: "a list of one or more events" }),
      )
      .optional(),
    trust: name.optional(),
  }).transform(({ repository, ...keys }, context) => {
    if (!keys.identity && repository === undefined && keys.repository_id === undefined && keys.owner_id === undefined) {
      return unexpected(
        context,
        "identity, repository, repository_id or owner_id beside the issuer, which speaks for everybody who has an account there",
      );
    }
    if (repository === undefined) return keys;
    const url = repositoryUrl(repository, keys.issuer);
    return url.ok ? { ...keys, repository: url.value } : unexpected(context, url.expected, ["repository"]);
  });
}

/** Compared exactly, so it is taken as it is written. */
function issuer() {
  const words = "an OIDC issuer: one exact https URL, such as https://token.actions.githubusercontent.com";
  return parsedBy(words, (value) => {
    const isIssuer = typeof value === "string" && /^https:\/\/[!-~]+$/.test(value) && !/[*?#@]/.test(value) && URL.canParse(value);
    return isIssuer ? value : undefined;
  });
}

function numericId(what: string) {
  return parsedBy(`the ${what}'s numeric id in quotes, such as "1234567"`, (value) => {
    // As a YAML number a long id would lose its last digits.
    if (typeof value === "number") return Number.isSafeInteger(value) && value > 0 ? String(value) : undefined;
    return typeof value === "string" && /^[1-9]\d{0,19}$/.test(value) ? value : undefined;
  });
}

function keyId() {
  const words = "a key's id of printable characters, such as SHA256:…";
  return z.string({ error: words }).regex(/^[!-~]{1,200}$/, { error: words });
}

function builders() {
  const words = "a builder's id, a URI whose host is written out, such as https://github.com/actions/runner*";
  return list(
    parsedText(words, (written) => {
      // Behind the host a builder's id is its owner's to choose, so here `*` need not stop at a slash.
      return /^[a-z][a-z0-9+.-]{0,31}:\/\/[^/*]+\//.test(written) ? parseGlob(written, "") : expected(words);
    }),
    MAX_PATTERNS,
  );
}

const KEY_ID_WORDS = "a key's id as `assay keys show` prints it, sha256: and 64 hexadecimal characters";

function sha256KeyId(written: string): Parsed<string> {
  const id = parseKeyId(written);
  return id === undefined ? expected(KEY_ID_WORDS) : parsed(id);
}

const FINGERPRINT_WORDS = "a full OpenPGP fingerprint of 40 or 64 hexadecimal characters";

function fingerprint(written: string): Parsed<string> {
  const hex = parseFingerprint(written);
  return hex === undefined ? expected(`${FINGERPRINT_WORDS}; shorter ids can be forged`) : parsed(hex);
}

const DIGEST_WORDS = "the archive's digest as sha256:HEX";

function digest(written: string) {
  return /^sha256:[0-9a-fA-F]{64}$/.test(written) ? parsed(parseDigest(written.slice("sha256:".length))) : expected(DIGEST_WORDS);
}

/** A date holds to its end, in UTC; a time to the second. */
function expiry(written: string, now: number): Parsed<number> {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?)Z)?$/.exec(written);
  const start = match ? Date.parse(`${match[1]}T00:00:00Z`) : Number.NaN;
  const at = match?.[2] === undefined ? start + DAY_MS : Date.parse(written);
  // Date.parse takes 30 February for 2 March.
  if (!match || Number.isNaN(at) || new Date(start).toISOString().slice(0, 10) !== match[1]) {
    return expected("a date such as 2026-12-31, or a time such as 2026-12-31T12:00Z");
  }
  return at > now
    ? parsed(at)
    : expected(`a date that is not over (today is ${new Date(now).toISOString().slice(0, 10)}): renew the waiver or remove it`);
}
