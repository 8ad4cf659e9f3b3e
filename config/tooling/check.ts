// `npm run check`: everything that must hold before a change is pushed. Every step runs even where an earlier one failed, so that one run
// tells all there is to mend. `--skip-tests` leaves out the tests, for `.ci/run`, which has run them already.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const RUN = fileURLToPath(new URL("run.mjs", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** Long enough for its progress to be worth showing. */
  readonly live?: true;
}

const STEPS: readonly Step[] = [
  { name: "types", command: ["tsc"] },
  {
    name: "lint and format",
    command: ["biome", "check", "--config-path=config/tooling/lint.json", "src", "test", "config/tooling", "package.json", "tsconfig.json"],
  },
  { name: "import boundaries", command: ["config/tooling/boundaries.ts"] },
  { name: "hosts and paths", command: ["config/tooling/foreign-names.ts"] },
  { name: "dead code", command: ["knip", "--config", "config/tooling/knip.json", "--no-progress", "--no-config-hints"] },
  { name: "tests", command: ["vitest", "run", "--config", "config/tooling/vitest.config.ts"], live: true },
];

const steps = process.argv.includes("--skip-tests") ? STEPS.filter(({ name }) => name !== "tests") : STEPS;
const failed: string[] = [];
for (const { name, command, live } of steps) {
  const started = Date.now();
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [RUN, ...command], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: live ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
    maxBuffer: 256 * 1024 * 1024,
  });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (status === 0) {
    console.log(`ok      ${name} (${seconds} s)`);
    continue;
  }
  failed.push(name);
  if (!live) console.log(`${stdout}${stderr}`.trimEnd());
  console.log(`FAILED  ${name} (${seconds} s)${signal ? `, ended by ${signal}` : ""}`);
}
if (failed.length > 0) console.log(`\nto mend: ${failed.join(", ")}`);
// .ci/run adds these to the count of the tests.
console.log(`checks: ${steps.length - failed.length} passed, ${failed.length} failed`);
if (failed.length > 0) process.exitCode = 1;
