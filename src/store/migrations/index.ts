import { initial } from "./0001-initial.ts";
import { admissionTimes } from "./0002-admission-times.ts";
import { decisionLog } from "./0003-decision-log.ts";
import { storeTotals } from "./0004-store-totals.ts";
import { hostedPackages } from "./0005-hosted-packages.ts";
import { gitRefs } from "./0006-git-refs.ts";
import { decisionTree } from "./0007-decision-tree.ts";
import { askedTags } from "./0008-asked-tags.ts";
import { cache } from "./0009-cache.ts";
import { activity } from "./0010-activity.ts";

/**
 * Every change of the schema, oldest first; a database's `user_version` is how many of them it has had.
 * One that was released is never edited: databases out there have had it as it was. Add the next number.
 */
export const MIGRATIONS: readonly string[] = [
  initial,
  admissionTimes,
  decisionLog,
  storeTotals,
  hostedPackages,
  gitRefs,
  decisionTree,
  askedTags,
  cache,
  activity,
];
