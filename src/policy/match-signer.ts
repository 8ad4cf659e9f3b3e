import { type Glob, matchGlob, parseGlob } from "../core/glob.ts";
import { expected, type Parsed, parsed } from "../core/parsed.ts";
import type { IdentityPattern, SignerRule, SigstoreRule } from "../core/policy.ts";
import { quote } from "../core/quote.ts";
import type { Signer, SigstoreSigner } from "../core/signer.ts";

export type SignerMatch = { readonly matches: true } | { readonly matches: false; readonly detail: string };

/** A `*` in an identity stops at these, so that it can take in neither another host nor another folder. */
const IDENTITY_STOPS = "/@";

const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";
const GITLAB_ISSUER = "https://gitlab.com";

/**
 * Reads an identity pattern. One with a scheme means URIs only, one without means e-mail addresses only: a branch may be called `x@acme.com`, and its
 * name stands at the end of a URI identity.
 */
export function parseIdentity(text: string): Parsed<IdentityPattern> {
  if (!/^[!-~]+$/.test(text)) return expected("an identity of printable characters without spaces");
  if (text.includes("://")) {
    if (!/^[a-z][a-z0-9+.-]{0,31}:\/\/[^/*@]+/.test(text))
      return expected("a URI pattern whose scheme and host are written out, such as https://github.com/acme/**");
    const glob = parseGlob(text, IDENTITY_STOPS);
    return glob.ok ? parsed({ type: "uri", glob: glob.value }) : glob;
  }
  const isEmail = text === "**" || /^[^@]+@[^@]+$/.test(text);
  if (!isEmail) return expected("an e-mail pattern such as *@acme.com, or a URI pattern with its scheme");
  const glob = parseGlob(lowerHost(text), IDENTITY_STOPS);
  return glob.ok ? parsed({ type: "email", glob: glob.value }) : glob;
}

/**
 * Whether a signer, as cryptography proved it, is the one the policy names. What the rule says must all hold, and what the certificate does not say does not hold.
 * `detail` is one sentence part that names both sides.
 */
export function matchSigner(signer: Signer, rule: SignerRule): SignerMatch {
  switch (rule.kind) {
    case "sigstore":
      return signer.kind === "sigstore" ? matchSigstore(signer, rule) : otherKind(signer, "a Sigstore identity");
    case "openpgp":
      if (signer.kind !== "openpgp") return otherKind(signer, "an OpenPGP key");
      return is("OpenPGP key", rule.fingerprints, signer.fingerprint);
    case "registry":
    case "key":
    case "vsa":
      return signer.kind === rule.kind ? is("key", [rule.keyId], signer.keyId) : otherKind(signer, KIND_WORDS[rule.kind]);
    default:
      return rule satisfies never;
  }
}

/** The repository's address in a certificate, from `owner/name` and the issuer, or from a whole URL. */
export function repositoryUrl(text: string, issuer: string): Parsed<string> {
  if (text.includes("*")) return expected("one repository without wildcards; for all of an owner's use owner_id");
  if (text.includes("://")) {
    const isPlain = URL.canParse(text) && /^https:\/\/[A-Za-z0-9.-]+(?::\d+)?(?:\/[\w.-]+)+$/.test(text) && !text.endsWith(".git");
    return isPlain ? parsed(text) : expected("the repository's https URL without a final / and without .git");
  }
  const origin = forgeOf(issuer);
  if (origin === undefined)
    return expected("the repository's whole https URL, since the issuer is neither GitHub's nor GitLab's public one");
  const grammar = origin === GITLAB_ISSUER ? /^[\w.-]+(?:\/[\w.-]+)+$/ : /^[\w.-]+\/[\w.-]+$/;
  return grammar.test(text) && !text.endsWith(".git") ? parsed(`${origin}/${text}`) : expected("a repository as owner/name");
}

/** The forge whose workflows the issuer speaks for. An enterprise on GitHub has an issuer below the common one. */
export function forgeOf(issuer: string): string | undefined {
  if (issuer === GITHUB_ISSUER || issuer.startsWith(`${GITHUB_ISSUER}/`)) return "https://github.com";
  return issuer === GITLAB_ISSUER ? GITLAB_ISSUER : undefined;
}

function matchSigstore(signer: SigstoreSigner, rule: SigstoreRule): SignerMatch {
  const { source } = signer;
  const checks: (() => SignerMatch)[] = [
    () => is("trust root", [rule.trust], signer.trust),
    () => is("issuer", rule.issuers, signer.issuer),
    () => matchIdentity(signer, rule.identity),
    () => matchRepository(rule.repository, source.repository),
    () => isAsWritten("repository id", rule.repositoryId, source.repositoryId),
    () => isAsWritten("owner id", rule.ownerId, source.ownerId),
    () => matchWorkflow(signer, rule.workflow),
    () => matchRef(rule.ref, source.ref),
    () => isAsWritten("environment", rule.environment, source.environment),
    () => isAsWritten("runner", rule.runner, source.runner),
    () => (rule.triggers ? is("trigger", rule.triggers, source.trigger) : MATCH),
  ];
  for (const check of checks) {
    const result = check();
    if (!result.matches) return result;
  }
  return MATCH;
}

function matchIdentity({ identity }: SigstoreSigner, pattern: IdentityPattern | undefined): SignerMatch {
  if (!pattern) return MATCH;
  const { type, glob } = pattern;
  if (type !== identity.type)
    return no(`identity ${quote(glob.text)}, which means ${TYPE_WORDS[type]}`, `the ${TYPE_WORD[identity.type]} ${quote(identity.value)}`);
  // Hosts of e-mail addresses have no case; what stands before the @ may have.
  const value = type === "email" ? lowerHost(identity.value) : identity.value;
  return matchGlob(glob, value) ? MATCH : no(`identity ${quote(glob.text)}`, quote(identity.value));
}

/** Forges take names in any case, and give a name in any case to one repository only. */
function matchRepository(wanted: string | undefined, claimed: string | undefined): SignerMatch {
  if (wanted === undefined || claimed?.toLowerCase() === wanted.toLowerCase()) return MATCH;
  return no(`repository ${quote(wanted)}`, claimed === undefined ? NOTHING : quote(claimed));
}

/**
 * The build config URI is `<repository>/<path>@<ref>`, and GitLab's has two slashes. It is compared whole where the certificate names the ref: a file may be called
 * `release.yml@x.yml`, and a ref may hold an `@`.
 */
function matchWorkflow({ issuer, source }: SigstoreSigner, workflow: string | undefined): SignerMatch {
  if (workflow === undefined) return MATCH;
  const { repository, buildConfig, ref } = source;
  if (repository === undefined || buildConfig === undefined) return no(`workflow ${quote(workflow)}`, NOTHING);
  const isGitHub = forgeOf(issuer) !== GITLAB_ISSUER;
  const path = isGitHub && !workflow.includes("/") ? `.github/workflows/${workflow}` : workflow;
  const prefix = `${repository}${isGitHub ? "/" : "//"}${path}@`;
  const rest = buildConfig.startsWith(prefix) ? buildConfig.slice(prefix.length) : undefined;
  const matches = rest !== undefined && (ref === undefined ? rest.startsWith("refs/") : rest === ref);
  return matches ? MATCH : no(`workflow ${quote(`${prefix}${ref ?? "…"}`)}`, quote(buildConfig));
}

function matchRef(glob: Glob | undefined, ref: string | undefined): SignerMatch {
  if (!glob || (ref !== undefined && matchGlob(glob, ref))) return MATCH;
  return no(`ref ${quote(glob.text)}`, ref === undefined ? NOTHING : quote(ref));
}

function isAsWritten(what: string, wanted: string | undefined, claimed: string | undefined): SignerMatch {
  return wanted === undefined ? MATCH : is(what, [wanted], claimed);
}

function is(what: string, wanted: readonly string[], claimed: string | undefined): SignerMatch {
  if (claimed !== undefined && wanted.includes(claimed)) return MATCH;
  return no(`${what} ${wanted.map(quote).join(" or ")}`, claimed === undefined ? NOTHING : quote(claimed));
}

function otherKind(signer: Signer, wanted: string): SignerMatch {
  return no(wanted, KIND_WORDS[signer.kind]);
}

function no(wanted: string, got: string): SignerMatch {
  return { matches: false, detail: `expected ${wanted}, got ${got}` };
}

/** Everything after the last @ in lowercase. Patterns and identities go through the same function. */
function lowerHost(address: string): string {
  const at = address.lastIndexOf("@");
  return address.slice(0, at + 1) + address.slice(at + 1).toLowerCase();
}

const MATCH: SignerMatch = { matches: true };
const NOTHING = "a certificate that does not say";
const TYPE_WORD = { email: "e-mail address", uri: "URI" } as const;
const TYPE_WORDS = { email: "e-mail addresses", uri: "URIs" } as const;
const KIND_WORDS: Readonly<Record<Signer["kind"], string>> = {
  sigstore: "a Sigstore identity",
  key: "a managed key",
  openpgp: "an OpenPGP key",
  registry: "a registry's key",
  vsa: "the key of another Assay",
};
