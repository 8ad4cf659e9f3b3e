import { parseRepositoryUrl } from "../../verify/provenance/source-uri.ts";

/**
 * The repository's public address `https://HOST/PATH` from a git remote in any of its spellings: `https://`, `ssh://`, `git@HOST:PATH`. User names, passwords and ports of the
 * remote are left out: they are this machine's way there. Undefined for anything else, such as a folder.
 */
export function repositoryUrl(remote: string): string | undefined {
  const url = URL.parse(remote);
  if (url && ["https:", "ssh:", "git:", "http:"].includes(url.protocol))
    return parseRepositoryUrl(`https://${url.hostname}${url.pathname}`);
  const colon = remote.indexOf(":");
  if (colon < 0 || remote.slice(0, colon).includes("/") || remote.startsWith("://", colon)) return undefined;
  const host = remote.slice(remote.lastIndexOf("@", colon) + 1, colon);
  return parseRepositoryUrl(`https://${host}/${remote.slice(colon + 1).replace(/^\//, "")}`);
}
