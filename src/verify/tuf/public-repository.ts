import seeds from "@sigstore/tuf/seeds.json" with { type: "json" };

/** The TUF repository of the public Sigstore instance, as the installed library ships it. https://theupdateframework.github.io/specification/latest/ */
export interface PublicRepository {
  /** Where it is published: the library's own default. */
  readonly mirror: URL;
  /** Its `root.json`, which everything else is verified from. */
  readonly root: Buffer;
  /** What it vouched for when the library was released, by target name. */
  readonly targets: ReadonlyMap<string, Buffer>;
}

export const TRUSTED_ROOT_TARGET = "trusted_root.json";

export function publicRepository(): PublicRepository {
  const [mirror, seed] = Object.entries(seeds).find(([, { targets }]) => TRUSTED_ROOT_TARGET in targets) ?? [];
  if (mirror === undefined || seed === undefined) throw new Error("the library ships no trust root");
  const targets = Object.entries(seed.targets).map(([name, body]) => [decodeURIComponent(name), Buffer.from(body, "base64")] as const);
  return { mirror: new URL(mirror), root: Buffer.from(seed["root.json"], "base64"), targets: new Map(targets) };
}
