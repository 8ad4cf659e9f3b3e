/** The name and version that a key of `packages` speaks of: for what no registry publishes, the version is an address or a path. Both are foreign text. */
export interface LockedKey {
  readonly name: string;
  readonly version: string;
}

/** Versions 6 and 9: `@scope/name@1.0.0`, `/name@1.0.0(peer@2.0.0)`, `name@https://…`. */
export function parseKey(key: string): LockedKey {
  const text = key.startsWith("/") ? key.slice(1) : key;
  const at = text.indexOf("@", 1);
  if (at < 0) return { name: text, version: text };
  const version = text.slice(at + 1);
  const peers = version.indexOf("(");
  return { name: text.slice(0, at), version: peers < 0 ? version : version.slice(0, peers) };
}

/** Version 5: `/@scope/name/1.0.0_peer@2.0.0`, and without its first slash but with the registry's host before it, `host/name/1.0.0`. Git and paths have no such form. */
export function parseLegacyKey(key: string): LockedKey {
  const parts = key.split("/");
  const [, ...rest] = parts;
  const isScoped = rest[0]?.startsWith("@") === true;
  const [name, version] = isScoped ? [rest.slice(0, 2).join("/"), rest.slice(2)] : [rest[0], rest.slice(1)];
  if (/^(?:file|link|git|https?)[:+]/.test(key) || name === undefined || version[0] === undefined) return { name: key, version: key };
  // Peers may hold slashes of scopes in some versions; a version holds neither slash nor underscore.
  return { name, version: version[0].split("_", 1)[0] ?? "" };
}
