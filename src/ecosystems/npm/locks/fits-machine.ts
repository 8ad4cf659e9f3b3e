import type { RunsOn } from "../../../core/lock-file.ts";
import type { TargetPlatform } from "../../../core/target-platform.ts";

/** Machines by the names that wheels give them, in npm's words. */
const CPU: ReadonlyMap<string, string> = new Map([
  ["x86_64", "x64"],
  ["amd64", "x64"],
  ["aarch64", "arm64"],
  ["arm64", "arm64"],
  ["armv7l", "arm"],
  ["i686", "ia32"],
  ["x86", "ia32"],
  ["ppc64le", "ppc64"],
  ["s390x", "s390x"],
  ["riscv64", "riscv64"],
  ["loongarch64", "loong64"],
]);
const OS = { manylinux: "linux", musllinux: "linux", macosx: "darwin", win: "win32" } as const;
const LIBC = { manylinux: "glibc", musllinux: "musl", macosx: undefined, win: undefined } as const;

/** Whether npm would install a package on the machine. https://docs.npmjs.com/cli/configuring-npm/package-json#os */
export function fitsMachine({ os, cpu, libc }: RunsOn, { system, machine }: TargetPlatform): boolean {
  const isAny = (names: readonly string[] | undefined, actual: string | undefined): boolean =>
    names === undefined || isAmong(names, actual);
  return isAny(os, OS[system]) && isAny(cpu, CPU.get(machine) ?? machine) && isAny(libc, LIBC[system]);
}

/** Names after a `!` are left out, and where there are others, one of them must be it. */
function isAmong(names: readonly string[], actual: string | undefined): boolean {
  if (names.length === 0 || (names.length === 1 && names[0] === "any")) return true;
  if (names.some((name) => name.startsWith("!") && name.slice(1) === actual)) return false;
  const wanted = names.filter((name) => !name.startsWith("!"));
  return wanted.length === 0 || (actual !== undefined && wanted.includes(actual));
}
