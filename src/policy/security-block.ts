import type { z } from "zod";
import type { Governance, IdentityPattern, PartialSettings, SignerRule } from "../core/policy.ts";
import { formatPath, type Path } from "../core/problems.ts";
import type { aamSchema } from "./schema.ts";

type Aam = z.output<ReturnType<typeof aamSchema>>;
export type SecurityBlock = NonNullable<Aam["security"]>;

/**
 * The specification's identities name no issuer, so anyone's identity provider could vouch for them. Without `trusted_issuers` these do: whom the
 * public-good Sigstore asks for e-mail addresses, and the two forges whose workflows it gives certificates to.
 */
const DEFAULT_ISSUERS: Readonly<Record<IdentityPattern["type"], readonly [string, ...string[]]>> = {
  email: ["https://accounts.google.com", "https://github.com/login/oauth", "https://login.microsoftonline.com"],
  uri: ["https://token.actions.githubusercontent.com", "https://gitlab.com"],
};

/**
 * What the AAM specification's block means, in the terms of `defaults`. `on_signature_failure` decides about missing and foreign signatures where one is required;
 * where none is, an unsigned archive is served, and one that somebody else signed is served with a warning. A signature that does not verify is refused in either case.
 */
export function readSecurityBlock(block: SecurityBlock, locate: (path: Path) => string): PartialSettings {
  const { signature: dialect } = block;
  const isRequired = block.require_signature ?? false;
  const isRegistryRequired = block.require_registry_attestation ?? false;
  // The specification gives no defaults. A mirror that cannot ask anybody refuses.
  const onFailure = block.on_signature_failure ?? "error";
  const signers = trustedSigners(block, locate);
  return {
    signature: {
      // `on_unsigned` says what becomes of unsigned archives, whether or not the specification's own key stands beside it.
      require: isRequired || (block.on_unsigned ?? "ignore") !== "ignore",
      // Of a registry's signature that is required alone, too: it would be required in name only.
      onMissing: block.on_unsigned ?? (isRequired || isRegistryRequired ? onFailure : "ignore"),
      onUntrusted: block.on_untrusted_signer ?? (isRequired ? onFailure : "warn"),
      onInvalid: "error",
      requireRegistry: isRegistryRequired,
      ...(dialect?.accepted_types ? { accepted: dialect.accepted_types } : {}),
    },
    provenance: { level: block.require_provenance ?? "L0", onMissing: block.on_provenance_failure ?? "error" },
    ...(signers.length > 0 ? { signedBy: { quantifier: "any" as const, signers } } : {}),
  };
}

function trustedSigners(block: SecurityBlock, locate: (path: Path) => string): SignerRule[] {
  const given = [...(block.trusted_issuers ?? []), ...(block.allowed_issuers ?? [])];
  const [firstIssuer, ...otherIssuers] = given;
  const identities = (patterns: readonly IdentityPattern[] | undefined, path: Path): SignerRule[] =>
    (patterns ?? []).map((identity, position) => ({
      kind: "sigstore",
      ...placed([...path, position], locate),
      trust: "public",
      issuers: firstIssuer === undefined ? DEFAULT_ISSUERS[identity.type] : [firstIssuer, ...otherIssuers],
      identity,
    }));
  const keys = (fingerprints: readonly string[] | undefined, path: Path): SignerRule[] =>
    (fingerprints ?? []).map((fingerprint, position) => ({
      kind: "openpgp",
      ...placed([...path, position], locate),
      fingerprints: [fingerprint],
    }));
  return [
    ...identities(block.trusted_identities, ["security", "trusted_identities"]),
    ...identities(block.signature?.trusted_sigstore_identities, ["security", "signature", "trusted_sigstore_identities"]),
    ...keys(block.trusted_keys, ["security", "trusted_keys"]),
    ...keys(block.signature?.trusted_gpg_keys, ["security", "signature", "trusted_gpg_keys"]),
  ];
}

/** Signers of the block have no name of their own; they are called by where they stand. No operator's name has a dot or bracket. */
function placed(path: Path, locate: (path: Path) => string): { name: string; at: string } {
  return { name: formatPath(path), at: locate(path) };
}

export function readGovernance(block: Aam["governance"]): Governance {
  const install = block?.install_policy;
  return {
    ...(install?.allowed_scopes ? { allowedScopes: install.allowed_scopes } : {}),
    blockedPackages: install?.blocked_packages ?? [],
    requireSignature: install?.require_signature ?? false,
    ...(install?.require_tag === undefined ? {} : { requireTag: install.require_tag }),
    publishRequiresSignature: block?.publish_policy?.require_signature ?? false,
  };
}
