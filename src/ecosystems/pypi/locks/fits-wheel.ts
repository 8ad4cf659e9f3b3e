import { type LockTarget, parseTargetPlatform, type TargetPlatform, type TargetPython } from "../../../core/target-platform.ts";

/**
 * Whether a file may be installed on one of the wanted machines, by the tags in a wheel's name. A file that is no wheel is built there, so it fits everywhere.
 * https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
 */
export function fitsWheel(file: string, { pythons, platforms }: LockTarget): boolean {
  if (!file.toLowerCase().endsWith(".whl")) return true;
  const [platformTags = "", abiTags = "", pythonTags = ""] = file.slice(0, -".whl".length).toLowerCase().split("-").reverse();
  const isPython = pythons.length === 0 || pythons.some((python) => fitsPython(pythonTags.split("."), abiTags.split("."), python));
  return (
    isPython && (platforms.length === 0 || platforms.some((platform) => platformTags.split(".").some((tag) => fitsPlatform(tag, platform))))
  );
}

function fitsPython(pythonTags: readonly string[], abiTags: readonly string[], python: TargetPython): boolean {
  return pythonTags.some((tag) => abiTags.some((abi) => fitsTags(tag, abi, python)));
}

function fitsTags(tag: string, abi: string, { minor, isFreeThreaded }: TargetPython): boolean {
  const [, implementation, tagMinor] = /^(py|cp)3([0-9]{0,3})$/.exec(tag) ?? [];
  if (implementation === undefined) return false;
  const since = tagMinor === "" ? 0 : Number(tagMinor);
  // Without compiled parts for one interpreter: what runs on an older one runs on a newer.
  if (abi === "none") return implementation === "py" ? since <= minor : tagMinor === "" || since === minor;
  if (implementation !== "cp") return false;
  if (abi === "abi3") return !isFreeThreaded && since <= minor;
  return since === minor && abi === `cp3${minor}${isFreeThreaded ? "t" : ""}`;
}

function fitsPlatform(tag: string, wanted: TargetPlatform): boolean {
  if (tag === "any") return true;
  if (wanted.system === "manylinux" && tag === `linux_${wanted.machine}`) return true;
  const offered = parseTargetPlatform(tag);
  if (offered?.system !== wanted.system || !fitsMachine(offered.machine, wanted)) return false;
  if (offered.system === "win" || wanted.system === "win") return true;
  const [[major, minor], [wantedMajor, wantedMinor]] = [offered.version, wanted.version];
  return major < wantedMajor || (major === wantedMajor && minor <= wantedMinor);
}

/** macOS has archives for several machines at once. */
const UNIVERSAL: Readonly<Record<string, readonly string[]>> = {
  arm64: ["universal2"],
  x86_64: ["universal2", "intel", "fat64", "universal"],
};

function fitsMachine(offered: string, { system, machine }: TargetPlatform): boolean {
  return offered === machine || (system === "macosx" && UNIVERSAL[machine]?.includes(offered) === true);
}
