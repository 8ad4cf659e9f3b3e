import { describeAgainstLies } from "./lying-upstream.ts";

describeAgainstLies("pip", "pypi");
