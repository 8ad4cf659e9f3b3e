import { describeAgainstLies } from "./lying-upstream.ts";

describeAgainstLies("pnpm", "npm");
