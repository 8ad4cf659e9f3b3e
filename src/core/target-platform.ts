/** A kind of machine, as the platform tags of wheels name it. `version` is the oldest glibc, musl or macOS that it has. */
export type TargetPlatform =
  | {
      readonly system: "manylinux" | "musllinux" | "macosx";
      readonly version: readonly [major: number, minor: number];
      readonly machine: string;
    }
  | { readonly system: "win"; readonly machine: string };

const VERSIONED = /^(manylinux|musllinux|macosx)_([0-9]{1,3})_([0-9]{1,3})_([a-z0-9_]{1,20})$/;
/** Names from before PEP 600, by the glibc that they stand for. https://peps.python.org/pep-0600/#legacy-manylinux-tags */
const LEGACY = /^manylinux(1|2010|2014)_([a-z0-9_]{1,20})$/;
const LEGACY_MINOR: Readonly<Record<string, number>> = { "1": 5, "2010": 12, "2014": 17 };
const WINDOWS: ReadonlyMap<string, string> = new Map([
  ["win32", "x86"],
  ["win_amd64", "amd64"],
  ["win_arm64", "arm64"],
]);

/** Reads `manylinux_2_28_x86_64`, `manylinux2014_aarch64`, `musllinux_1_2_x86_64`, `macosx_14_0_arm64`, `win_amd64`. Undefined for any other text. */
export function parseTargetPlatform(tag: string): TargetPlatform | undefined {
  const windows = WINDOWS.get(tag);
  if (windows !== undefined) return { system: "win", machine: windows };
  const [, legacy, legacyMachine] = LEGACY.exec(tag) ?? [];
  if (legacy !== undefined && legacyMachine !== undefined)
    return { system: "manylinux", version: [2, LEGACY_MINOR[legacy] ?? 0], machine: legacyMachine };
  const [, system, major, minor, machine] = VERSIONED.exec(tag) ?? [];
  if (machine === undefined || (system !== "manylinux" && system !== "musllinux" && system !== "macosx")) return undefined;
  return { system, version: [Number(major), Number(minor)], machine };
}

/** The machines that locked packages are wanted for. Of a list that is empty, all. */
export interface LockTarget {
  readonly pythons: readonly TargetPython[];
  readonly platforms: readonly TargetPlatform[];
}

/** A CPython. */
export interface TargetPython {
  /** Of 3.12: 12. */
  readonly minor: number;
  /** Without a global lock: `3.13t`. */
  readonly isFreeThreaded: boolean;
}

/** Reads `3.12` and `3.13t`. Undefined for any other text. */
export function parseTargetPython(text: string): TargetPython | undefined {
  const [, minor, threads] = /^3\.([0-9]{1,2})(t?)$/.exec(text) ?? [];
  return minor === undefined ? undefined : { minor: Number(minor), isFreeThreaded: threads === "t" };
}
