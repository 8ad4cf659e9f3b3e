import { globSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { parseSync } from "oxc-parser";

export interface Import {
  /** As written: `./a.ts`, `node:fs`, `@hono/node-server/utils/response`. */
  readonly specifier: string;
  /** What is imported by name; `*` for everything, `default` for the default. Empty for an import for its effect. */
  readonly names: readonly string[];
  /** Gone at run time. */
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** Relative to the root, with `/`: `src/core/digest.ts`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** Every TypeScript file below `src/` of `root` with what it imports: statically, by re-export, dynamically with a literal. */
export function readSources(root: string): SourceFile[] {
  return globSync("src/**/*.ts", { cwd: root })
    .map((path) => relative(root, join(root, path)).split(sep).join("/"))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), "utf8");
      return { path, text, imports: importsOf(path, text) };
    });
}

function importsOf(path: string, text: string): Import[] {
  const { module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const imports: Import[] = module.staticImports.map(({ moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    names: entries.map(({ importName }) => nameOf(importName)),
    typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
  }));
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, importName, isType } of entries) {
      if (moduleRequest) imports.push({ specifier: moduleRequest.value, names: [nameOf(importName)], typeOnly: isType });
    }
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const written = text.slice(moduleRequest.start, moduleRequest.end);
    imports.push({ specifier: written.replace(/^["'`]|["'`]$/g, ""), names: ["*"], typeOnly: false });
  }
  return imports;
}

function nameOf({ kind, name }: { kind: string; name?: string | null }): string {
  if (kind === "Default") return "default";
  return name ?? "*";
}
