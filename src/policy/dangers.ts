import { matchGlob } from "../core/glob.ts";
import type { Policy, PurlPattern, SignerRule, SigstoreRule } from "../core/policy.ts";
import { formatPath, type Path } from "../core/problems.ts";
import { valueAt, type WrittenDocument } from "../core/schema.ts";
import { forgeOf } from "./match-signer.ts";
import type { PolicyWarning } from "./policy-warning.ts";
import { mergeSettings } from "./settings.ts";

const DAY_MS = 86_400_000;
const SOON_MS = 14 * DAY_MS;
const LATE_MS = 366 * DAY_MS;

/** What a policy allows that its operator may not mean, each with what to do about it. */
export function dangers(policy: Policy, now: number, document: WrittenDocument): PolicyWarning[] {
  const warning = (path: Path, code: PolicyWarning["code"], text: string): PolicyWarning => ({
    at: document.locate(path),
    key: formatPath(path),
    code,
    text,
  });
  return [
    ...(policy.mode === "audit"
      ? [warning(["mode"], "AUDIT_MODE", "audit refuses nothing by policy: what would be refused is served and recorded")]
      : []),
    ...settingDangers(policy, document, warning),
    ...signerDangers(policy, warning),
    ...patternDangers(policy, warning),
    ...waiverDangers(policy, now, warning),
    ...securityDangers(policy, document, warning),
  ];
}

type Warn = (path: Path, code: PolicyWarning["code"], text: string) => PolicyWarning;

function settingDangers(policy: Policy, document: WrittenDocument, warning: Warn): PolicyWarning[] {
  const isWritten = (path: Path): boolean => valueAt(document.values, path) !== undefined;
  const places: { path: Path; settings: Policy["defaults"] }[] = [
    { path: ["defaults"], settings: policy.defaults },
    ...policy.rules.map((rule, position) => ({ path: ["rules", position], settings: mergeSettings(policy.defaults, rule.settings) })),
  ];
  return places.flatMap(({ path, settings }) => {
    const found: PolicyWarning[] = [];
    const { signature, provenance } = settings;
    if (signature.onInvalid === "warn" && isWritten([...path, "signature", "on_invalid"])) {
      const text = "archives whose signature does not verify are served with a warning; a waiver with a digest lets a single one through";
      found.push(warning([...path, "signature", "on_invalid"], "INVALID_NOT_REFUSED", text));
    }
    if (signature.require && signature.onMissing !== "error" && isWritten([...path, "signature"])) {
      const text = `a signature is required, but without one the archive is still served (on_missing: ${signature.onMissing})`;
      found.push(warning([...path, "signature"], "FAILURE_ONLY_WARNED", text));
    }
    const mustBeAbove = provenance.level === "L2" || provenance.level === "L3";
    if (provenance.level === "L3" && isWritten([...path, "provenance", "level"])) {
      const text = "L3 needs a rebuild with the same result; no archive reaches it before `assay audit --reproducible` has rebuilt it";
      found.push(warning([...path, "provenance", "level"], "NEVER_REACHED", text));
    } else if (mustBeAbove && policy.builders.length === 0 && isWritten([...path, "provenance", "level"])) {
      found.push(warning([...path, "provenance", "level"], "NEVER_REACHED", "no archive reaches L2: `builders` names no builder"));
    }
    return found;
  });
}

function signerDangers(policy: Policy, warning: Warn): PolicyWarning[] {
  const used = new Set<SignerRule>(
    [policy.defaults, ...policy.rules.map(({ settings }) => settings)].flatMap(({ signedBy }) => signedBy?.signers ?? []),
  );
  const listed = policy.defaults.signedBy?.signers.filter(({ name }) => !policy.signers.has(name)) ?? [];
  return [...policy.signers.values(), ...listed].flatMap((signer) => {
    const path: Path = policy.signers.has(signer.name) ? ["signers", signer.name] : pathOfListed(signer.name);
    if (signer.kind === "openpgp" && signer.keysPath === undefined) {
      return [
        warning(path, "NO_KEYS", "no `keys` are given, so signatures by it can be checked only where the registry publishes the key"),
      ];
    }
    if (signer.kind === "vsa" && signer.keysPath === undefined)
      return [warning(path, "NO_KEYS", "no `keys` are given, so no verdict by it can be verified, and none is asked for")];
    // Keys count by being here: they are what signatures are checked with.
    if (signer.kind !== "sigstore") return [];
    const unused = used.has(signer) ? [] : [warning(path, "WITHOUT_EFFECT", "no rule names this signer, so it does nothing")];
    return [...unused, ...sigstoreDangers(signer, path, warning)];
  });
}

/** `security.trusted_identities[0]` back as a path. */
function pathOfListed(name: string): Path {
  return name
    .split(/[.[\]]+/)
    .filter((step) => step !== "")
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

function sigstoreDangers(signer: SigstoreRule, path: Path, warning: Warn): PolicyWarning[] {
  const { identity, repository, repositoryId, ownerId } = signer;
  const pinsSource = repository !== undefined || repositoryId !== undefined || ownerId !== undefined;
  if (identity && !pinsSource && matchesAnyone(identity)) {
    const text = `${JSON.stringify(identity.glob.text)} matches anyone whom ${signer.issuers.join(" or ")} knows; write the host or the owner out`;
    return [warning(path, "ANYONE_MATCHES", text)];
  }
  const isForge = signer.issuers.some((issuer) => forgeOf(issuer) !== undefined);
  if (identity?.type === "uri" && isForge && !pinsSource) {
    const text =
      "the identity names the workflow that signs, which other repositories may call as a reusable one; add repository_id (and repository) to say whose source it is";
    return [warning(path, "NAME_WITHOUT_ID", text)];
  }
  if (repository !== undefined && repositoryId === undefined && ownerId === undefined) {
    return [warning(path, "NAME_WITHOUT_ID", "names of repositories can change hands; add repository_id, which `assay explain` shows")];
  }
  return [];
}

function matchesAnyone({ type, glob }: { type: "email" | "uri"; glob: Parameters<typeof matchGlob>[0] }): boolean {
  if (type === "email") return matchGlob(glob, "somebody@host.invalid");
  const host = /^[a-z][a-z0-9+.-]*:\/\/[^/]+\//.exec(glob.text)?.[0];
  return host !== undefined && matchGlob(glob, `${host}somebody/anything/.github/workflows/any.yml@refs/heads/any`);
}

/** `pkg:npm/*` reads like "all of npm", but `*` stops at the slash of a scope. */
function patternDangers(policy: Policy, warning: Warn): PolicyWarning[] {
  type Written = { readonly path: Path; readonly pattern: PurlPattern };
  const patterns: Written[] = [
    ...policy.rules.flatMap(({ match }, rule) =>
      match.map((pattern, index): Written => ({ path: ["rules", rule, "match", index], pattern })),
    ),
    ...policy.deny.flatMap((entry, index): Written[] =>
      entry.kind === "packages" ? [{ path: ["deny", index, "purl"], pattern: entry.purl }] : [],
    ),
  ];
  const written = new Set(patterns.map(({ pattern }) => pattern.text));
  return patterns.flatMap(({ path, pattern }) => {
    const isAllButScopes = /^pkg:(?:npm|aam|\*)\/\*$/.test(pattern.text);
    if (!isAllButScopes || written.has(`${pattern.text}*`) || written.has(`${pattern.text}/*`)) return [];
    return [warning(path, "SCOPES_NOT_MATCHED", `${pattern.text} does not mean packages with a scope; ${pattern.text}* means those too`)];
  });
}

function waiverDangers(policy: Policy, now: number, warning: Warn): PolicyWarning[] {
  return policy.waivers.flatMap(({ purl, expiresAt, digest }, position) => {
    const path: Path = ["waivers", position];
    const found: PolicyWarning[] = [];
    if (digest === undefined && (purl.version === undefined || purl.text.includes("*"))) {
      found.push(
        warning([...path, "purl"], "WAIVER_WIDE", "this waives more than one version, also those not published yet; name the version"),
      );
    }
    const day = new Date(expiresAt).toISOString().slice(0, 10);
    if (expiresAt - now <= SOON_MS) {
      found.push(
        warning(
          [...path, "expires"],
          "WAIVER_ENDS_SOON",
          `it is over before ${day}; after that this policy does not load until it is renewed or removed`,
        ),
      );
    } else if (expiresAt - now > LATE_MS) {
      found.push(
        warning([...path, "expires"], "WAIVER_ENDS_LATE", "it holds for more than a year, which is hardly different from no expiry"),
      );
    }
    return found;
  });
}

function securityDangers(policy: Policy, document: WrittenDocument, warning: Warn): PolicyWarning[] {
  const written = (key: string): unknown => valueAt(document.values, ["security", key]);
  const found: PolicyWarning[] = [];
  const { signature, signedBy } = policy.defaults;
  const isForeignWarned = written("require_signature") !== true && written("on_untrusted_signer") === undefined;
  if (written("on_signature_failure") === "error" && signedBy && isForeignWarned) {
    const unsigned = signature.require ? "" : ", and an unsigned one without";
    const text = `without require_signature: true an archive that somebody else signed is served with a warning${unsigned}`;
    found.push(warning(["security", "on_signature_failure"], "FAILURE_ONLY_WARNED", text));
  }
  if (written("require_signature") === true && signature.onMissing !== "error") {
    const text = `unsigned archives are served all the same (on_signature_failure: ${signature.onMissing})`;
    found.push(warning(["security", "require_signature"], "FAILURE_ONLY_WARNED", text));
  }
  if (written("require_signature") === true && !signedBy) {
    found.push(
      warning(
        ["security", "require_signature"],
        "ANYONE_MATCHES",
        "a verified signature by anybody will do, since trusted_identities and trusted_keys name nobody",
      ),
    );
  }
  return found;
}
