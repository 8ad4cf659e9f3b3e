import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { SetUpError } from "./say.mjs";

/** What Node runs for a target: a script of this project by its path, or a tool by the name it has in node_modules/.bin. */
export function resolveTarget(root, target) {
  if (/\.[cm]?[jt]s$/.test(target)) return [scriptPath(root, target)];
  const link = join(root, "node_modules", ".bin", target);
  if (!/^[a-z0-9-]+$/.test(target) || !existsSync(link)) {
    throw new SetUpError(
      `${JSON.stringify(target)} is neither a script nor an installed tool`,
      "name a .ts file of this project or a tool of package.json's devDependencies",
    );
  }
  const tool = realpathSync(link);
  const firstLine = readFileSync(tool, { encoding: "utf8" }).split("\n", 1)[0] ?? "";
  if (!firstLine.includes("node")) throw new SetUpError(`${target} is not a Node program`, "start it directly");
  return [tool];
}

function scriptPath(root, target) {
  const path = join(root, target);
  if (!existsSync(path))
    throw new SetUpError(`there is no ${target} in this project`, "check the path, which is relative to the project's root");
  return path;
}
