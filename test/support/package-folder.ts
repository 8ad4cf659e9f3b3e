import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** What stands at a path of a package's folder: a text or bytes, a file that may be run, or a link. */
export type FolderContent = string | Buffer | { readonly run: string } | { readonly link: string };

/** A package that `assay pack` and the `aam` client take: `files` are added to it, or stand in the place of what it has. */
export function packageContent(files: Readonly<Record<string, FolderContent>> = {}): Readonly<Record<string, FolderContent>> {
  return {
    "package.agent.json": manifestText(),
    "aam.yaml": [
      'name: "@myorg/demo"',
      'version: "1.2.3"',
      "description: made in a test",
      "artifacts:",
      "  skills:",
      "    - {name: demo, path: skills/demo/, description: a skill}",
      "dependencies: {}",
      "",
    ].join("\n"),
    "skills/demo/SKILL.md": "---\nname: demo\ndescription: a skill\n---\n",
    ...files,
  };
}

/** The `package.agent.json` of that package, with other or more fields. */
export function manifestText(fields: Readonly<Record<string, unknown>> = {}): string {
  const manifest = { name: "@myorg/demo", version: "1.2.3", artifacts: { skills: [{ name: "demo", path: "skills/demo/" }] }, ...fields };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Writes a folder that is removed with the test. */
export function folderOf(content: Readonly<Record<string, FolderContent>>): string {
  const folder = mkdtempSync(join(tmpdir(), "assay-package-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, what] of Object.entries(content)) {
    const place = join(folder, path);
    mkdirSync(dirname(place), { recursive: true });
    if (typeof what === "string" || Buffer.isBuffer(what)) writeFileSync(place, what);
    else if ("link" in what) symlinkSync(what.link, place);
    else {
      writeFileSync(place, what.run);
      chmodSync(place, 0o755);
    }
  }
  return folder;
}
