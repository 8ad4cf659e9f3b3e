import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { runNpm } from "./npm.mjs";
import { SetUpError, say } from "./say.mjs";

/** Makes node_modules hold what package-lock.json says, by `npm ci`, where it does not yet. */
export async function ensureDependencies(root, node) {
  const wanted = stampOf(root);
  const stamp = join(root, "node_modules", ".assay-stamp");
  if (readText(stamp) === wanted) return;
  await withLock(root, async () => {
    // Another process may have done it while we waited.
    if (readText(stamp) === wanted) return;
    if (!holdsLocked(root)) {
      say("installing dependencies (npm ci)");
      // No script of a dependency is needed, so none is run. Tests and checks need the development ones, whatever NODE_ENV says.
      runNpm(["ci", "--include=dev", "--ignore-scripts"], { cwd: root, env: node.env, node: node.path, what: "dependencies" });
    }
    writeFileSync(stamp, wanted);
  });
}

/** Changes with the lock file, and with the platform that optional packages are chosen by. */
function stampOf(root) {
  const lock = readText(join(root, "package-lock.json"));
  if (lock === undefined) throw new SetUpError("package-lock.json is missing", "restore it: git checkout package-lock.json");
  return `${createHash("sha256").update(lock).digest("hex")} ${process.platform}-${process.arch}\n`;
}

/**
 * Whether npm's own record of node_modules names every package of the lock file, with the same content.
 * So `npm install NAME` by a developer is not followed by a second installation.
 */
function holdsLocked(root) {
  const record = readText(join(root, "node_modules", ".package-lock.json"));
  if (record === undefined) return false;
  const wanted = JSON.parse(readText(join(root, "package-lock.json"))).packages;
  const present = JSON.parse(record).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    const found = present[path];
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity && existsSync(join(root, path));
  });
}

function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
