import { describeAgainstLies } from "./lying-upstream.ts";

describeAgainstLies("npm", "npm");
