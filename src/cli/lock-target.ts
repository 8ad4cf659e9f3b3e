import { quote } from "../core/quote.ts";
import { type LockTarget, parseTargetPlatform, parseTargetPython } from "../core/target-platform.ts";
import { usage } from "./usage-error.ts";

export interface TargetFlags {
  readonly python?: readonly string[];
  readonly platform?: readonly string[];
}

/** The machines that `--python` and `--platform` name. Throws USAGE for words that name none. */
export function lockTarget({ python = [], platform = [] }: TargetFlags): LockTarget {
  return {
    pythons: python.map((text) => parseTargetPython(text) ?? wrong("--python", "a Python such as 3.12 or 3.13t", text)),
    platforms: platform.map(
      (text) =>
        parseTargetPlatform(text) ??
        wrong("--platform", "a platform such as manylinux_2_28_x86_64, musllinux_1_2_aarch64, macosx_14_0_arm64 or win_amd64", text),
    ),
  };
}

function wrong(flag: string, expected: string, got: string): never {
  throw usage(`${flag}: expected ${expected}, got ${quote(got)}`);
}
