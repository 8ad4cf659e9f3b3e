import seeds from "@sigstore/tuf/seeds.json" with { type: "json" };
import { parseRegistryKeys, type RegistryKey } from "./registry-keys.ts";

/** A registry that the public Sigstore instance's TUF repository vouches for. */
export interface BuiltInRegistry {
  readonly registry: URL;
  readonly keys: readonly RegistryKey[];
}

const TARGET = /^([a-z0-9.-]{1,253})\/keys\.json$/;

/** The registries whose keys the installed library ships, as targets named `<host>/keys.json`. They work with no network for ever. */
export function builtInRegistries(): readonly BuiltInRegistry[] {
  return Object.values(seeds).flatMap(({ targets }) =>
    Object.entries(targets).flatMap(([target, body]) => {
      const host = TARGET.exec(decodeURIComponent(target))?.[1];
      if (host === undefined) return [];
      const source = "the registry keys that are built in";
      return [{ registry: new URL(`https://${host}/`), keys: parseRegistryKeys(Buffer.from(body, "base64"), { source }) }];
    }),
  );
}
