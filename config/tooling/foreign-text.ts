/** Folders that every Unix has: a path below them says nothing about a machine. */
const COMMON_FOLDERS = new Set([
  "app",
  "bin",
  "boot",
  "data",
  "dev",
  "etc",
  "home",
  "lib",
  "media",
  "mnt",
  "opt",
  "proc",
  "root",
  "run",
  "sbin",
  "srv",
  "sys",
  "tmp",
  "usr",
  "var",
  "Users",
]);

/** The hosts of the addresses that clients printed, without those that stand for this machine, a local name or an example. */
export function publicHosts(printed: string): string[] {
  const hosts = printed
    .split(/\s+/)
    .filter((text) => URL.canParse(text))
    .map((text) => new URL(text).hostname)
    .filter((host) => host.includes(".") && !/^[\d.]+$/.test(host) && !/(?:^|\.)(?:example|localhost|internal)$/.test(host));
  return [...new Set(hosts)];
}

/** Beginnings of paths that only this machine has: of the clone, of whoever works in it, and of a top folder made for it. */
export function machineFolders(root: string, home: string): string[] {
  const top = root.split("/")[1] ?? "";
  const folders = [root.replace(/\/$/, ""), home, COMMON_FOLDERS.has(top) ? "" : `/${top}`];
  return [...new Set(folders)]
    .filter((folder) => folder.startsWith("/") && folder !== "/" && folder !== "/root")
    .map((folder) => `${folder}/`);
}

/** One line for each place where a file names one of them. The lock file may: npm writes it. */
export function findForeignNames(path: string, text: string, needles: { hosts: readonly string[]; folders: readonly string[] }): string[] {
  if (path === "package-lock.json") return [];
  return text
    .split("\n")
    .flatMap((line, index) => [
      ...needles.hosts
        .filter((host) => stands(line, host, /[A-Za-z0-9.-]/))
        .map(() => `${path}:${index + 1}: names the host of a public registry`),
      ...needles.folders
        .filter((folder) => stands(line, folder, /[A-Za-z0-9_]/))
        .map((folder) => `${path}:${index + 1}: names ${folder}, a path of this machine`),
    ]);
}

/** Whether `line` holds `needle` other than as the end of a longer word. */
function stands(line: string, needle: string, wordCharacter: RegExp): boolean {
  for (let at = line.indexOf(needle); at >= 0; at = line.indexOf(needle, at + 1)) {
    if (at === 0 || !wordCharacter.test(line.charAt(at - 1))) return true;
  }
  return false;
}
