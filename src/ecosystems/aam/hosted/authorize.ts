import { type AccessToken, coversName, hasScope, type TokenScope } from "../../../core/access-token.ts";
import { AssayError } from "../../../core/errors.ts";
import type { Repository } from "../../../core/ports/ecosystem.ts";
import type { HostedPackage } from "../../../core/ports/hosted-packages.ts";

/** Throws FORBIDDEN for a token that may not do this in the repository, or not with this name, whoever's it is. */
export function requireScope(token: AccessToken, { name: repository }: Repository, scope: TokenScope, name?: string): void {
  if (!hasScope(token, repository, scope)) {
    throw forbidden(`the token ${token.id} of ${token.owner} may not ${scope} in ${repository}`, `ask for one with the scope ${scope}`);
  }
  if (name !== undefined && coversName(token, name) === false) {
    throw forbidden(`the token ${token.id} of ${token.owner} is for ${token.packages.join(", ")}, not for ${name}`, "ask for one that is");
  }
}

/** The same for a package that is there: it is its owner's, and theirs who have a token for its name. */
export function requireOwner(
  token: AccessToken,
  repository: Repository,
  scope: TokenScope,
  { name, owner }: Pick<HostedPackage, "name" | "owner">,
): void {
  requireScope(token, repository, scope, name);
  if (owner !== token.owner && coversName(token, name) === undefined) throw ownedByAnother(name, owner, token);
}

export function ownedByAnother(name: string, owner: string, token: AccessToken): AssayError {
  return forbidden(
    `${name} belongs to ${owner}, who published it first; the token ${token.id} is of ${token.owner}`,
    `use another name, or a token that was made for ${name}`,
  );
}

function forbidden(message: string, help: string): AssayError {
  return new AssayError("FORBIDDEN", message, { help, detailCode: "FORBIDDEN" });
}
