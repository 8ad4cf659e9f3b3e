import type { EcosystemId } from "./artifact.ts";
import type { Digest } from "./digest.ts";
import type { Glob } from "./glob.ts";
import type { Signer } from "./signer.ts";
import type { Level } from "./statement.ts";

/** What a repository's configuration leaves to the operator. Everything else about checksums and archives is fixed. */
export interface RepositoryPolicy {
  /** An archive that nobody claims a digest for. */
  readonly unclaimed: "refuse" | "allow";
  /** An archive whose only claims are SHA-1 or MD5, as with some old npm versions: served with a warning, or refused. */
  readonly weakChecksum: "warn" | "error";
}

/** What to do about something, strictest first: refuse, serve and say so, serve and only record it. */
export const ON_FAILURE = ["error", "warn", "ignore"] as const;
export type OnFailure = (typeof ON_FAILURE)[number];

/** Kinds of signature that count, where a policy says that not all do. */
export const SIGNATURE_KINDS = ["sigstore", "gpg", "registry"] as const;
export type SignatureKind = (typeof SIGNATURE_KINDS)[number];

export interface SignatureSetting {
  /** Whether an archive must have a verified signature at all. */
  readonly require: boolean;
  /** Nobody signed it. Decides where `require` holds. */
  readonly onMissing: OnFailure;
  /** A verified signature by somebody else than the policy names. */
  readonly onUntrusted: OnFailure;
  /** A signature that does not verify. Never ignored: a forged signature must not be treated more kindly than an absent one. */
  readonly onInvalid: Exclude<OnFailure, "ignore">;
  /** Only signatures of these kinds count (AAM `accepted_types`); undefined for all. */
  readonly accepted?: readonly SignatureKind[];
  /** One of the verified signers must be a registry's key (AAM `require_registry_attestation`). */
  readonly requireRegistry: boolean;
}

export interface ProvenanceSetting {
  /** The least level that an archive must reach. */
  readonly level: Level;
  /** It does not reach it. */
  readonly onMissing: OnFailure;
}

/** Who must have signed: any of these signers, or each of them. Any of none is nobody: whatever no waiver speaks about is refused. */
export interface SignedBy {
  readonly quantifier: "any" | "all";
  readonly signers: readonly SignerRule[];
}

/** Everything that can differ from package to package. */
export interface Settings {
  readonly signature: SignatureSetting;
  readonly provenance: ProvenanceSetting;
  /** Undefined where the policy names nobody: a verified signature by whomever is then *unlisted*, not untrusted. */
  readonly signedBy: SignedBy | undefined;
  /** Age below which a version is not served, in milliseconds. An unknown publish time counts as too young. */
  readonly minAgeMs: number;
  /** Whether the first verified signer of a package is remembered, and another one is untrusted from then on. */
  readonly firstUse: "pin" | "off";
  /** Whether a package that had verified evidence must keep it, among versions of one major. */
  readonly noDowngrade: { readonly within: "major" } | "off";
}

/** The settings one by one, by the names that they are written under. */
export const SETTING_KEYS = [
  "signature.require",
  "signature.on_missing",
  "signature.on_untrusted",
  "signature.on_invalid",
  "signature.accepted_types",
  "signature.require_registry",
  "signed_by",
  "provenance.level",
  "provenance.on_missing",
  "min_age",
  "first_use",
  "no_downgrade",
] as const;
export type SettingKey = (typeof SETTING_KEYS)[number];

/** Whom a setting is from: `built in`, `defaults`, a rule's label, `security`, `governance`. */
export type Origins = Readonly<Record<SettingKey, string>>;

/** Where something stands in the policy file: `config/policy.yaml:12:5`. */
export interface Placed {
  readonly at: string;
}

/** Somebody whose signature the policy speaks about. `name` is the operator's; for reasons and `explain`. */
export type SignerRule = Placed & { readonly name: string } & (
    | {
        readonly kind: "sigstore";
        /** The trust root that the certificate must come from. Another root may mint any identity it likes. */
        readonly trust: string;
        /** OIDC issuers, one of which the certificate must name exactly. */
        readonly issuers: readonly [string, ...string[]];
        /** The whole subject alternative name, and of which type it must be. */
        readonly identity?: IdentityPattern;
        /** `https://github.com/acme/tool`. */
        readonly repository?: string;
        readonly repositoryId?: string;
        readonly ownerId?: string;
        /** A workflow's file name, or its path in the repository. */
        readonly workflow?: string;
        readonly ref?: Glob;
        readonly environment?: string;
        readonly runner?: string;
        readonly triggers?: readonly string[];
      }
    | {
        readonly kind: "openpgp";
        /** Primary keys, 40 or 64 lowercase hexadecimal characters each. */
        readonly fingerprints: readonly [string, ...string[]];
        /** Armored file or folder with the keys; absolute. */
        readonly keysPath?: string;
      }
    | {
        /** A registry's key, or a managed key of a bundle. */
        readonly kind: "registry" | "key";
        readonly keyId: string;
        /** File with the public key; absolute. */
        readonly keysPath?: string;
      }
    | {
        /** The key of another Assay, whose verdicts count. */
        readonly kind: "vsa";
        /** As `keyIdOf` makes it. */
        readonly keyId: string;
        /** File with the public key; absolute. */
        readonly keysPath?: string;
        /** How far its word is taken for the level of an archive. */
        readonly level: Exclude<Level, "L0">;
      }
  );
export type SigstoreRule = Extract<SignerRule, { kind: "sigstore" }>;

export interface IdentityPattern {
  readonly type: "email" | "uri";
  readonly glob: Glob;
}

/** Which packages are meant: `pkg:npm/%40acme/*`, `pkg:pypi/acme-*@1.*`. `*` stops at a slash, `**` does not. */
export interface PurlPattern {
  /** As written. */
  readonly text: string;
  /** A pattern for the name by ecosystem, in that ecosystem's canonical form. One entry, or all of them for `pkg:*`. */
  readonly names: Readonly<Partial<Record<EcosystemId, Glob>>>;
  /** Undefined for every version. */
  readonly version?: Glob;
  /** One file of it, by its exact name. Undefined for every file. */
  readonly file?: string;
}

/** Versions of one package: `vers:npm/>=1.0.0|<2`. https://github.com/package-url/vers-spec */
export interface VersionRange {
  /** As written. */
  readonly text: string;
  readonly ecosystem: EcosystemId;
  /** Ascending by version; `*` for every version. */
  readonly constraints: readonly VersionConstraint[] | "*";
}
export const COMPARATORS = ["=", "!=", "<", "<=", ">", ">="] as const;
export interface VersionConstraint {
  readonly comparator: (typeof COMPARATORS)[number];
  readonly version: string;
}

export interface DeniedPackages extends Placed {
  readonly kind: "packages";
  /** `deny[0]`. */
  readonly label: string;
  readonly purl: PurlPattern;
  /** Undefined for every version. */
  readonly versions?: VersionRange;
  readonly reason: string;
}

/** A feed of known-bad packages in the OSV format. https://ossf.github.io/osv-schema/ */
export interface DeniedByFeed extends Placed {
  readonly kind: "feed";
  readonly label: string;
  /** Folder or zip; absolute. */
  readonly path: string;
  /** Which of its entries deny: those about malicious packages, or every one, vulnerabilities too. */
  readonly entries: "malicious" | "all";
  /** Milliseconds without news after which the feed counts as stale. */
  readonly maxAgeMs: number;
  /** A stale feed is told of, or stops the policy from loading. */
  readonly onStale: "warn" | "error";
}

export interface Rule extends Placed {
  /** Its name if it has one, else `rules[0]`. Stands in reasons as `[rule]`. */
  readonly label: string;
  readonly match: readonly [PurlPattern, ...PurlPattern[]];
  /** Repositories it is for; undefined for all. */
  readonly repositories?: readonly string[];
  /** The one upstream that these packages may come from. */
  readonly upstream?: string;
  readonly settings: PartialSettings;
}

/** What a rule says itself; the rest comes from `defaults`. */
export interface PartialSettings {
  readonly signature: Partial<SignatureSetting>;
  readonly provenance: Partial<ProvenanceSetting>;
  readonly signedBy?: SignedBy;
  readonly minAgeMs?: number;
  readonly firstUse?: "pin" | "off";
  readonly noDowngrade?: { readonly within: "major" } | "off";
}

/** What a waiver can set aside. `invalid` only together with a digest: for those bytes, not for whatever comes next. */
export const WAIVABLE_CHECKS = [
  "deny",
  "signature",
  "signed_by",
  "provenance",
  "min_age",
  "first_use",
  "no_downgrade",
  "governance",
  "invalid",
] as const;
export type WaivableCheck = (typeof WAIVABLE_CHECKS)[number];

export interface Waiver extends Placed {
  /** `waivers[0]`. */
  readonly label: string;
  readonly purl: PurlPattern;
  readonly waive: readonly WaivableCheck[];
  readonly owner: string;
  readonly reason: string;
  /** Milliseconds since the epoch; from then on it does not hold. */
  readonly expiresAt: number;
  readonly digest?: Digest;
}

/** The AAM specification's gates (15.1). They block and never warn, and they speak about AAM packages only. */
export interface Governance {
  /** `@acme`, without a slash; `*` and the empty text let packages without a scope in. Undefined for every scope. */
  readonly allowedScopes?: readonly string[];
  readonly blockedPackages: readonly Glob[];
  readonly requireSignature: boolean;
  /** Only versions that carry this dist-tag. */
  readonly requireTag?: string;
  /** For what is published to a hosted repository. */
  readonly publishRequiresSignature: boolean;
}

/** Build systems whose provenance makes a level. The level is the operator's judgement, not a claim in the file. */
export interface TrustedBuilder {
  readonly level: Extract<Level, "L2" | "L3">;
  readonly id: Glob;
}

/** What the operator allows, as read from the policy file. Plain data: nothing in it changes after it was loaded. */
export interface Policy {
  readonly version: 1;
  /** `audit` serves what would have been refused by policy, and records it. Integrity is never a matter of policy. */
  readonly mode: "enforce" | "audit";
  readonly defaults: Settings;
  readonly defaultOrigins: Origins;
  readonly signers: ReadonlyMap<string, SignerRule>;
  readonly builders: readonly TrustedBuilder[];
  readonly deny: readonly (DeniedPackages | DeniedByFeed)[];
  /** First match wins. */
  readonly rules: readonly Rule[];
  readonly waivers: readonly Waiver[];
  readonly governance: Governance;
}

/** Which kind of signature a signer makes, for `accepted`. A VSA is a verdict and no kind of signature over the archive. */
export function signatureKind(signer: Signer): SignatureKind | undefined {
  switch (signer.kind) {
    case "sigstore":
    case "key":
      return "sigstore";
    case "openpgp":
      return "gpg";
    case "registry":
      return "registry";
    case "vsa":
      return undefined;
    default:
      return signer satisfies never;
  }
}
