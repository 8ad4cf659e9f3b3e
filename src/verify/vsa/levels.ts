import { LEVELS, type Level } from "../../core/statement.ts";

/** Levels of our own. SLSA reserves names that begin with `SLSA_`. */
const OWN = "AAM_";

/** What SLSA's build levels amount to here: provenance by a hosted builder is L2, and none of them says that anybody has rebuilt anything. */
const SLSA: ReadonlyMap<string, Level> = new Map([
  ["SLSA_BUILD_LEVEL_2", "L2"],
  ["SLSA_BUILD_LEVEL_3", "L2"],
]);

/** A level as a summary states it: in SLSA's words for whoever knows no others, and in ours, which say more. */
export function statedLevels(level: Level): readonly string[] {
  const isBuilt = LEVELS.indexOf(level) >= LEVELS.indexOf("L2");
  return [isBuilt ? "SLSA_BUILD_LEVEL_2" : "SLSA_BUILD_LEVEL_0", `${OWN}${level}`];
}

/** The highest level among those that a summary states. A signed summary is a signature, so never less than L1; what is not known counts for nothing. */
export function levelStatedBy(stated: readonly string[]): Exclude<Level, "L0"> {
  const levels = stated.map((text) => SLSA.get(text) ?? LEVELS.find((level) => text === `${OWN}${level}`));
  return levels.includes("L3") ? "L3" : levels.includes("L2") ? "L2" : "L1";
}
