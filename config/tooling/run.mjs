// Runs a script or a tool of this project, after whatever set-up a fresh clone needs:
//   node config/tooling/run.mjs src/main.ts serve
//   node config/tooling/run.mjs vitest run
// Plain JavaScript, because it must start on any Node from 18 on; everything it starts may count on the Node that package.json asks for.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureDependencies } from "./set-up/dependencies.mjs";
import { launch } from "./set-up/launch.mjs";
import { ensureNode } from "./set-up/node.mjs";
import { SetUpError, say } from "./set-up/say.mjs";
import { resolveTarget } from "./set-up/target.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const [target, ...rest] = process.argv.slice(2);

try {
  if (!target)
    throw new SetUpError("run.mjs was started without a target", "name a script or a tool: node config/tooling/run.mjs src/main.ts serve");
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const node = await ensureNode(root, engines.node);
  await ensureDependencies(root, node);
  launch(node, [...resolveTarget(root, target), ...rest]);
} catch (error) {
  if (!(error instanceof SetUpError)) throw error;
  say(error.message);
  say(`next step: ${error.nextStep}`);
  process.exitCode = 1;
}
