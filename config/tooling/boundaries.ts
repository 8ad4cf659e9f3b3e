import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findViolations } from "./import-rules.ts";
import { readSources } from "./imports.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: Record<string, string> };
const files = readSources(root);
const violations = findViolations(files, Object.keys(dependencies));

for (const violation of violations) console.log(violation);
console.log(`${files.length} files, ${violations.length === 0 ? "no import goes the wrong way" : `${violations.length} wrong imports`}`);
if (violations.length > 0) process.exitCode = 1;
