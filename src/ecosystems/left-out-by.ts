import type { LockedArtifact } from "../core/lock-file.ts";
import type { LockTarget } from "../core/target-platform.ts";
import { fitsMachine } from "./npm/locks/fits-machine.ts";
import { fitsWheel } from "./pypi/locks/fits-wheel.ts";

/** Why a locked archive is not wanted on the machines that it is asked for, as a clause; undefined for one that is. */
export function leftOutBy({ ecosystem, file, runsOn }: LockedArtifact, target: LockTarget): string | undefined {
  switch (ecosystem) {
    case "pypi":
      return fitsWheel(file, target) ? undefined : "its tags are of other Pythons or platforms";
    case "npm": {
      const isFor =
        runsOn === undefined || target.platforms.length === 0 || target.platforms.some((platform) => fitsMachine(runsOn, platform));
      return isFor ? undefined : "it says that it is for other machines";
    }
    case "aam":
      return undefined;
    default:
      return ecosystem satisfies never;
  }
}
