import type { Repository } from "../../../core/ports/ecosystem.ts";
import { knownPackage } from "../known-package.ts";
import { packageNotFound } from "../missing.ts";
import type { PackageName } from "../names.ts";
import { takeName } from "../route-name.ts";
import type { AamServices } from "../services.ts";

type Services = Pick<AamServices, "dialects" | "documents" | "index" | "limits" | "log" | "upstreamsFor" | "publishing">;

/**
 * Which member of a virtual repository answers a request: the owner of the package that its path names. Undefined for a path that names none.
 * Throws NOT_FOUND for a name that no member has, and what asking a mirrored member throws: while one fails, no later one steps in for it.
 */
export async function memberFor(services: Services, repository: Repository, segments: readonly string[]): Promise<Repository | undefined> {
  const path = segments[0] === "api" && segments[1] === "v1" ? segments.slice(2) : segments;
  const [top, first] = path;
  if (!repository.members || top !== "packages" || first === undefined || first === "") return undefined;
  const { name } = takeName(path.slice(1));
  const bound = await boundTo(services, repository.members, name);
  if (bound) return bound;
  const mirrors = repository.members.filter(({ hosted }) => !hosted);
  const [only, second] = mirrors;
  if (only && !second) return only;
  for (const member of mirrors) if (await knownPackage(services, member, name)) return member;
  throw packageNotFound(name);
}

/**
 * The member that a name is bound to, whatever others have under it: the one that its scope is reserved for, else the hosted one that it was published to, approved yet or not. No
 * other member hears of the name. One of which every version was rejected is free again: else whoever may publish, and not approve, could take any mirrored package away for good. Undefined for a name that is the first mirrored member's that has it.
 */
export async function boundTo(
  { publishing }: Pick<AamServices, "publishing">,
  members: readonly Repository[],
  name: PackageName,
): Promise<Repository | undefined> {
  const [scope = ""] = name.split("/", 1);
  const reserved = members.find(({ scopes }) => scopes?.includes(scope));
  if (reserved) return reserved;
  for (const member of members.filter(({ hosted }) => hosted)) {
    const found = await publishing?.packages.package(member.name, name);
    if (found?.versions.some(({ status }) => status !== "rejected")) return member;
  }
  return undefined;
}
