import type { Origins, PartialSettings, SettingKey, Settings } from "../core/policy.ts";
import { SETTING_KEYS } from "../core/policy.ts";

/** What holds where no policy says otherwise. config/policy.yaml says the same, with the reasons. */
export const BUILT_IN_SETTINGS: Settings = {
  signature: { require: false, onMissing: "ignore", onUntrusted: "error", onInvalid: "error", requireRegistry: false },
  provenance: { level: "L0", onMissing: "warn" },
  signedBy: undefined,
  minAgeMs: 0,
  firstUse: "pin",
  noDowngrade: { within: "major" },
};

export const BUILT_IN_ORIGINS: Origins = originsFrom(() => "built in");

/** `over` key by key on top of `base`. */
export function mergeSettings(base: Settings, over: PartialSettings): Settings {
  return {
    signature: { ...base.signature, ...over.signature },
    provenance: { ...base.provenance, ...over.provenance },
    signedBy: over.signedBy ?? base.signedBy,
    minAgeMs: over.minAgeMs ?? base.minAgeMs,
    firstUse: over.firstUse ?? base.firstUse,
    noDowngrade: over.noDowngrade ?? base.noDowngrade,
  };
}

/** The same for where each setting is from. */
export function mergeOrigins(base: Origins, over: PartialSettings, label: string): Origins {
  return originsFrom((key) => (GIVEN[key](over) === undefined ? base[key] : label));
}

const GIVEN: Readonly<Record<SettingKey, (settings: PartialSettings) => unknown>> = {
  "signature.require": ({ signature }) => signature.require,
  "signature.on_missing": ({ signature }) => signature.onMissing,
  "signature.on_untrusted": ({ signature }) => signature.onUntrusted,
  "signature.on_invalid": ({ signature }) => signature.onInvalid,
  "signature.accepted_types": ({ signature }) => signature.accepted,
  "signature.require_registry": ({ signature }) => signature.requireRegistry,
  signed_by: ({ signedBy }) => signedBy,
  "provenance.level": ({ provenance }) => provenance.level,
  "provenance.on_missing": ({ provenance }) => provenance.onMissing,
  min_age: ({ minAgeMs }) => minAgeMs,
  first_use: ({ firstUse }) => firstUse,
  no_downgrade: ({ noDowngrade }) => noDowngrade,
};

function originsFrom(origin: (key: SettingKey) => string): Origins {
  return Object.fromEntries(SETTING_KEYS.map((key) => [key, origin(key)])) as unknown as Origins;
}
