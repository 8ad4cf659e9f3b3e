import { describeAgainstLies } from "./lying-upstream.ts";

describeAgainstLies("uv", "pypi");
