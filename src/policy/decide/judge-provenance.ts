import { LEVELS, type Level } from "../../core/statement.ts";
import type { EffectiveRule } from "../select-rule.ts";
import { type Judgement, judge } from "./judgement.ts";

/** The level that evidence makes, and why it is not the next higher one. */
export interface LevelReached {
  readonly level: Level;
  readonly why: string;
}

/** Whether the archive reaches the level that the rule asks for. */
export function judgeProvenance({ level, why }: LevelReached, { settings, origins }: EffectiveRule): readonly Judgement[] {
  const wanted = settings.provenance.level;
  if (LEVELS.indexOf(level) >= LEVELS.indexOf(wanted)) return [];
  const text = `expected level ${wanted}, got ${level}: ${why}`;
  return judge(settings.provenance.onMissing, {
    code: "PROVENANCE_TOO_LOW",
    text,
    rule: origins["provenance.level"],
    check: "provenance",
  });
}
