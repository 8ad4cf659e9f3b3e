import type { JsonObject, JsonValue } from "../../core/json.ts";
import type { Policy } from "../../core/policy.ts";
import type { Signer, SigstoreSigner } from "../../core/signer.ts";
import { forgeOf, matchSigner } from "../match-signer.ts";
import { loadFragment } from "./fragment.ts";
import { freeName } from "./free-name.ts";

/** A signer by a name of the policy. `written` is its entry; undefined where the policy has one by this name already. */
export interface NamedSigner {
  readonly name: string;
  readonly written?: JsonObject;
}

/**
 * The entry of `signers` that means exactly this verified signer: by issuer, repository with its numeric id, and workflow, where the certificate has them. Undefined
 * where the policy's language has no way to mean this one and nobody else: an identity with a `*` in it would be a pattern.
 */
export function signerEntry(signer: Signer, policy: Policy, now: number): NamedSigner | undefined {
  const known = [...policy.signers.values()].find((rule) => matchSigner(signer, rule).matches);
  if (known) return { name: known.name };
  const { name, entries } = candidates(signer);
  const free = freeName(name, (taken) => policy.signers.has(taken));
  const written = entries.find((entry) => {
    // A certificate may hold text that turns around what stands beside it. Nobody is to paste what they cannot see.
    if (!isPrintable(entry)) return false;
    const rule = loadFragment({ signers: { [free]: entry } }, policy, now)?.signers.get(free);
    return rule !== undefined && matchSigner(signer, rule).matches;
  });
  return written && { name: free, written };
}

function isPrintable(value: JsonValue): boolean {
  if (typeof value === "string") return /^[ -~]*$/.test(value);
  return typeof value !== "object" || value === null || Object.values(value).every(isPrintable);
}

/** What the signer might be called, and entries for it, the narrowest first. A registry's key and its like say nothing of who made a package. */
function candidates(signer: Signer): { readonly name: string; readonly entries: readonly JsonObject[] } {
  switch (signer.kind) {
    case "sigstore":
      return { name: nameOf(signer), entries: sigstoreEntries(signer).map((sigstore) => ({ sigstore })) };
    case "openpgp":
      return { name: `key-${signer.fingerprint.slice(-16)}`, entries: [{ gpg: [signer.fingerprint.toUpperCase()] }] };
    case "registry":
    case "key":
    case "vsa":
      return { name: "", entries: [] };
    default:
      return signer satisfies never;
  }
}

function nameOf({ source, identity }: SigstoreSigner): string {
  return source.repository === undefined ? identity.value : source.repository.split("/").slice(-2).join("-");
}

function sigstoreEntries({ trust, issuer, identity, source }: SigstoreSigner): readonly JsonObject[] {
  const { repository, repositoryId } = source;
  const trusted = trust === "public" ? {} : { trust };
  if (repository === undefined && repositoryId === undefined)
    return identity.value.includes("*") ? [] : [{ issuer, identity: identity.value, ...trusted }];
  const from = {
    issuer,
    ...(repository === undefined ? {} : { repository: shortRepository(repository, issuer) }),
    ...(repositoryId === undefined ? {} : { repository_id: repositoryId }),
  };
  const workflow = workflowOf(source, issuer);
  return [...(workflow === undefined ? [] : [{ ...from, workflow, ...trusted }]), { ...from, ...trusted }];
}

/** `owner/name` where the issuer says of which forge it is. */
function shortRepository(repository: string, issuer: string): string {
  const origin = forgeOf(issuer);
  return origin !== undefined && repository.startsWith(`${origin}/`) ? repository.slice(origin.length + 1) : repository;
}

const GITHUB_FOLDER = ".github/workflows/";

/** The workflow's path out of `<repository>/<path>@<ref>`; GitLab writes two slashes. */
function workflowOf({ repository, buildConfig, ref }: SigstoreSigner["source"], issuer: string): string | undefined {
  if (repository === undefined || buildConfig === undefined || ref === undefined) return undefined;
  const prefix = `${repository}${forgeOf(issuer) === "https://gitlab.com" ? "//" : "/"}`;
  if (!buildConfig.startsWith(prefix) || !buildConfig.endsWith(`@${ref}`)) return undefined;
  const path = buildConfig.slice(prefix.length, -(ref.length + 1));
  const file = path.startsWith(GITHUB_FOLDER) ? path.slice(GITHUB_FOLDER.length) : path;
  return file.includes("/") ? path : file;
}
