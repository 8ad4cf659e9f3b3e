export interface SourceUri {
  /** `https://HOST/PATH`, without a final `/` or `.git`. */
  readonly repository: string;
  readonly ref: string | undefined;
}

const MAX_CHARACTERS = 2048;
const HOST = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/;
const PATH = /^(?:\/[A-Za-z0-9._~-]+)+$/;

/**
 * Takes apart `git+https://HOST/PATH@REF`, whose ref may be missing. Undefined for anything that two readers could read as two repositories: user names,
 * ports, queries, percent escapes, dot segments. https://spdx.github.io/spdx-spec/v2.3/package-information/#77-package-download-location-field
 */
export function parseSourceUri(uri: string): SourceUri | undefined {
  return uri.startsWith("git+https://") ? parse(uri.slice("git+https://".length)) : undefined;
}

/** The same for `https://HOST/PATH`, as SLSA's GitHub build type writes a repository. */
export function parseRepositoryUrl(url: string): string | undefined {
  const parsed = url.startsWith("https://") ? parse(url.slice("https://".length)) : undefined;
  return parsed?.ref === undefined ? parsed?.repository : undefined;
}

function parse(rest: string): SourceUri | undefined {
  if (rest.length > MAX_CHARACTERS || /[%?\\\s]|\.\./.test(rest)) return undefined;
  const slash = rest.indexOf("/");
  const host = rest.slice(0, Math.max(slash, 0));
  // An @ before the first slash is a user name, which the host's grammar refuses.
  const at = rest.indexOf("@", slash);
  const path = rest.slice(slash, at < 0 ? undefined : at).replace(/(?:\.git|\/)$/, "");
  const ref = at < 0 ? undefined : rest.slice(at + 1);
  if (!HOST.test(host) || !PATH.test(path) || path.split("/").includes(".") || ref === "") return undefined;
  return { repository: `https://${host}${path}`, ref };
}
