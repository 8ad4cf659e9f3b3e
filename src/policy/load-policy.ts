import type { z } from "zod";
import { AssayError } from "../core/errors.ts";
import { type Glob, parseGlob } from "../core/glob.ts";
import type { PartialSettings, Policy, Rule, SignedBy, SignerRule, TrustedBuilder } from "../core/policy.ts";
import { describe, formatPath, formatProblem, type Path, type Problem } from "../core/problems.ts";
import { isTree, schemaProblems, type Tree, type WrittenDocument, withoutNulls } from "../core/schema.ts";
import { parseYamlText } from "../core/yaml-text.ts";
import { crossProblems, type KnownNames } from "./cross-problems.ts";
import { dangers } from "./dangers.ts";
import type { PolicyWarning } from "./policy-warning.ts";
import { aamSchema, policySchema } from "./schema.ts";
import { readGovernance, readSecurityBlock } from "./security-block.ts";
import { BUILT_IN_ORIGINS, BUILT_IN_SETTINGS, mergeOrigins, mergeSettings } from "./settings.ts";

/** Far more than any policy needs. */
export const MAX_POLICY_CHARACTERS = 1024 * 1024;

export interface PolicySource {
  /** The file's name, for messages. */
  readonly file: string;
  readonly text: string;
  /** Milliseconds since the epoch; decides which waivers are over. */
  readonly now: number;
  /** Names that the policy may refer to; what is left out is not checked. */
  readonly known?: KnownNames;
  /** Whether a file or folder that the policy names can be read; left out where that shall not be asked. */
  readonly isReadable?: (path: string) => boolean;
}

export interface LoadedPolicy {
  readonly policy: Policy;
  /** What is dangerous in it, or does nothing. */
  readonly warnings: readonly PolicyWarning[];
}

/** CONFIG_INVALID with every problem there is, one line each in the message. */
export class PolicyInvalid extends AssayError {
  readonly file: string;
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const ordered = problems.toSorted((left, right) => compareText(left.at, right.at));
    const lines = [...new Set(ordered.map(formatProblem))];
    super("CONFIG_INVALID", `the policy is not valid:\n${lines.join("\n")}`, {
      help: "config/policy.yaml of the distribution shows the whole language; `assay policy check` reads a file without using it",
    });
    this.file = file;
    this.problems = ordered;
  }
}

/** From the top of the file to its end: numbers in the text compare as numbers. */
const { compare: compareText } = new Intl.Collator("en", { numeric: true });

/**
 * Reads a policy, or the `security` and `governance` blocks of an `aam` client's configuration (a file without `version` that has one of them).
 * Pure: it reads no file and asks no clock. Throws PolicyInvalid with all problems at once.
 */
export function loadPolicy(source: PolicySource): LoadedPolicy {
  const { file } = source;
  if (source.text.length > MAX_POLICY_CHARACTERS) {
    throw new PolicyInvalid(file, [
      { at: `${file}:1:1`, key: "", expected: `at most ${MAX_POLICY_CHARACTERS} characters`, got: `${source.text.length}` },
    ]);
  }
  const yaml = parseYamlText(source.text);
  const document: WrittenDocument = {
    values: withoutNulls(yaml.values),
    locate: (path, options) => `${file}:${yaml.locate(path, options)}`,
  };
  const problems: Problem[] = yaml.problems.map(({ at, text }) => ({ at: `${file}:${at}`, key: "", expected: "valid YAML", got: text }));
  const { values } = document;
  if (!isTree(values)) {
    const got = describe(values, []);
    throw new PolicyInvalid(
      file,
      problems.length > 0 ? problems : [{ at: `${file}:1:1`, key: "", expected: "a policy, which is a map of keys", got }],
    );
  }
  const result = isAamConfiguration(values) ? aamSchema().safeParse(values) : policySchema(source).safeParse(values);
  const crossed = crossProblems(document, source.known ?? {});
  problems.push(...(result.error ? schemaProblems(result.error, document) : []), ...crossed.problems);
  if (!result.success || problems.length > 0) throw new PolicyInvalid(file, problems);
  const policy = toPolicy(result.data, document);
  return { policy, warnings: [...dangers(policy, source.now, document), ...crossed.warnings] };
}

type Written = z.output<ReturnType<typeof policySchema>>;

export const AAM_KEYS = ["security", "governance"];
const POLICY_KEYS = ["version", "mode", "defaults", "signers", "builders", "deny", "rules", "waivers"];

/** A policy whose `version` was forgotten must not pass for an `aam` configuration: its rules would be ignored as somebody else's keys. */
export function isAamConfiguration(values: Tree): boolean {
  return AAM_KEYS.some((key) => key in values) && !POLICY_KEYS.some((key) => key in values);
}

function toPolicy(written: Written, document: WrittenDocument): Policy {
  const at = (...path: Path): string => document.locate(path);
  const signers = new Map(
    Object.entries(written.signers ?? {}).map(([name, signer]) => [name, toSigner(name, signer, at("signers", name))]),
  );
  const named = (names: readonly string[]): SignerRule[] => names.flatMap((name) => signers.get(name) ?? []);
  const settingsOf = (keys: WrittenSettings): PartialSettings => toSettings(keys, named);

  const security = written.security && readSecurityBlock(written.security, document.locate);
  const defaults = settingsOf(written.defaults ?? {});
  const [withSecurity, securityOrigins] = security
    ? [mergeSettings(BUILT_IN_SETTINGS, security), mergeOrigins(BUILT_IN_ORIGINS, security, "security")]
    : [BUILT_IN_SETTINGS, BUILT_IN_ORIGINS];
  return {
    version: 1,
    mode: written.mode ?? "enforce",
    defaults: mergeSettings(withSecurity, defaults),
    defaultOrigins: mergeOrigins(securityOrigins, defaults, "defaults"),
    signers,
    builders: written.builders ? toBuilders(written.builders) : BUILT_IN_BUILDERS,
    deny: (written.deny ?? []).map((entry, position) => ({ ...entry, label: formatPath(["deny", position]), at: at("deny", position) })),
    rules: (written.rules ?? []).map((rule, position) => toRule(rule, formatPath(["rules", position]), at("rules", position), settingsOf)),
    waivers: (written.waivers ?? []).map(({ purl, waive, owner, reason, expires, digest }, position) => ({
      label: formatPath(["waivers", position]),
      at: at("waivers", position),
      purl,
      waive,
      owner,
      reason,
      expiresAt: expires,
      ...(digest === undefined ? {} : { digest }),
    })),
    governance: readGovernance(written.governance),
  };
}

type WrittenRule = NonNullable<Written["rules"]>[number];
type WrittenSettings = NonNullable<Written["defaults"]>;

function toRule(rule: WrittenRule, position: string, at: string, settingsOf: (keys: WrittenSettings) => PartialSettings): Rule {
  const [first, ...others] = rule.match;
  if (!first) throw new Error("the schema lets no rule pass without a pattern");
  return {
    label: rule.name ?? position,
    at,
    match: [first, ...others],
    ...(rule.repositories ? { repositories: rule.repositories } : {}),
    ...(rule.upstream === undefined ? {} : { upstream: rule.upstream }),
    settings: settingsOf(rule),
  };
}

/** Naming who must sign is asking for a signature: without this, `signed_by` would let an unsigned archive pass. */
function toSettings(keys: WrittenSettings, named: (names: readonly string[]) => SignerRule[]): PartialSettings {
  const { signature, provenance, signed_by, min_age, first_use, no_downgrade } = keys;
  const signedBy: SignedBy | undefined = signed_by && { quantifier: signed_by.quantifier, signers: named(signed_by.names) };
  const implied = signedBy ? { require: true, onMissing: "error" as const } : {};
  return {
    signature: {
      ...implied,
      ...(signature?.require === undefined ? {} : { require: signature.require }),
      ...(signature?.on_missing === undefined ? {} : { onMissing: signature.on_missing }),
      ...(signature?.on_untrusted === undefined ? {} : { onUntrusted: signature.on_untrusted }),
      ...(signature?.on_invalid === undefined ? {} : { onInvalid: signature.on_invalid }),
    },
    provenance: {
      ...(provenance?.level === undefined ? {} : { level: provenance.level }),
      ...(provenance?.on_missing === undefined ? {} : { onMissing: provenance.on_missing }),
    },
    ...(signedBy ? { signedBy } : {}),
    ...(min_age === undefined ? {} : { minAgeMs: min_age }),
    ...(first_use === undefined ? {} : { firstUse: first_use }),
    ...(no_downgrade === undefined ? {} : { noDowngrade: no_downgrade }),
  };
}

function toSigner(name: string, written: NonNullable<Written["signers"]>[string], at: string): SignerRule {
  const { sigstore, gpg, keys } = written;
  const keysPath = keys === undefined ? {} : { keysPath: keys };
  if (sigstore) {
    return {
      kind: "sigstore",
      name,
      at,
      trust: sigstore.trust ?? "public",
      issuers: [sigstore.issuer],
      ...(sigstore.identity ? { identity: sigstore.identity } : {}),
      ...("repository" in sigstore ? { repository: sigstore.repository } : {}),
      ...(sigstore.repository_id === undefined ? {} : { repositoryId: sigstore.repository_id }),
      ...(sigstore.owner_id === undefined ? {} : { ownerId: sigstore.owner_id }),
      ...(sigstore.workflow === undefined ? {} : { workflow: sigstore.workflow }),
      ...(sigstore.ref ? { ref: sigstore.ref } : {}),
      ...(sigstore.environment === undefined ? {} : { environment: sigstore.environment }),
      ...(sigstore.runner === undefined ? {} : { runner: sigstore.runner }),
      ...(sigstore.trigger ? { triggers: sigstore.trigger } : {}),
    };
  }
  const [first, ...others] = gpg ?? [];
  if (first !== undefined) return { kind: "openpgp", name, at, fingerprints: [first, ...others], ...keysPath };
  if (written.registry_key !== undefined) return { kind: "registry", name, at, keyId: written.registry_key, ...keysPath };
  if (written.vsa_key !== undefined) return { kind: "vsa", name, at, keyId: written.vsa_key, level: written.level ?? "L1", ...keysPath };
  if (written.key !== undefined) return { kind: "key", name, at, keyId: written.key, ...keysPath };
  throw new Error("the schema lets no signer pass without a kind");
}

function toBuilders(written: NonNullable<Written["builders"]>): TrustedBuilder[] {
  const of = (level: TrustedBuilder["level"], ids: readonly Glob[] | undefined): TrustedBuilder[] =>
    (ids ?? []).map((id) => ({ level, id }));
  return [...of("L3", written.L3), ...of("L2", written.L2)];
}

/** The two forges whose runners PyPI, npm and AAM packages are mostly built on. */
const BUILT_IN_BUILDERS: readonly TrustedBuilder[] = ["https://github.com/actions/runner*", "https://gitlab.com/*"].flatMap((id) => {
  const glob = parseGlob(id, "");
  return glob.ok ? [{ level: "L2" as const, id: glob.value }] : [];
});
