import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";

/** What two readers find in a directory: the version of each package, in the layout of the `aam` client and in that of the specification. */
export interface ReadDirectory {
  readonly versions: number;
  /** What no reader may ever find: metadata that cannot be read, an archive that is missing or has other bytes. */
  readonly problems: readonly string[];
}

/** Reads a directory as clients do, while it is written to: metadata first, then the archives that it names. */
export async function readDirectory(path: string): Promise<ReadDirectory> {
  const folders = await readdir(join(path, "packages")).catch(() => []);
  const problems: string[] = [];
  let versions = 0;
  for (const folder of folders) {
    for (const file of ["metadata.yaml", "meta.json"]) {
      for (const [version, checksum] of await listed(path, folder, file, problems)) {
        versions++;
        const archive = await readFile(join(path, "packages", folder, "versions", `${version}.aam`)).catch(() => undefined);
        const digest = archive && `sha256:${createHash("sha256").update(archive).digest("hex")}`;
        if (digest === checksum) continue;
        // It may have been taken out since the metadata was read, and then the metadata does not name it any more.
        const again = await listed(path, folder, file, problems);
        if (digest !== undefined || again.has(version))
          problems.push(`${file} of ${folder} names ${version}, whose archive is ${digest ?? "missing"}`);
      }
    }
  }
  return { versions, problems };
}

/** Checksums by version. */
async function listed(path: string, folder: string, file: string, problems: string[]): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(path, "packages", folder, file), "utf8").catch(() => undefined);
  if (text === undefined) return new Map();
  try {
    if (file === "meta.json") {
      const { versions } = JSON.parse(text) as { versions: Record<string, { integrity: string }> };
      return new Map(Object.entries(versions).map(([version, { integrity }]) => [version, hexOf(integrity)]));
    }
    const { versions } = parse(text, { version: "1.1" }) as { versions: { version: string; checksum: string }[] };
    return new Map(versions.map(({ version, checksum }) => [version, checksum]));
  } catch (error) {
    problems.push(`${file} of ${folder} cannot be read: ${String(error)}`);
    return new Map();
  }
}

function hexOf(integrity: string): string {
  return `sha256:${Buffer.from(integrity.slice("sha256-".length), "base64").toString("hex")}`;
}
