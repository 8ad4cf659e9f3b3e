import { publicRepository } from "../tuf/public-repository.ts";
import { parseRegistryKeys, type RegistryKey } from "./registry-keys.ts";

/** A registry that the public Sigstore instance's TUF repository vouches for. */
export interface VouchedRegistry {
  readonly registry: URL;
  readonly keys: readonly RegistryKey[];
}

const TARGET = /^([a-z0-9.-]{1,253})\/keys\.json$/;

/** The registries whose keys the installed library ships. They work with no network for ever. */
export function builtInRegistries(): readonly VouchedRegistry[] {
  return vouchedRegistries(publicRepository().targets, "the registry keys that are built in");
}

/** The registries that a TUF repository has keys of, as targets named `<host>/keys.json`. Throws what `parseRegistryKeys` throws; `source` names them in messages. */
export function vouchedRegistries(targets: ReadonlyMap<string, Buffer>, source: string): readonly VouchedRegistry[] {
  return [...targets].flatMap(([target, body]) => {
    const host = TARGET.exec(target)?.[1];
    return host === undefined ? [] : [{ registry: new URL(`https://${host}/`), keys: parseRegistryKeys(body, { source }) }];
  });
}
