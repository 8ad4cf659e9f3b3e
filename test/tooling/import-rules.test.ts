import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findViolations } from "../../config/tooling/import-rules.ts";
import { readSources } from "../../config/tooling/imports.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "assay-imports-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function violations(files: Record<string, string>, packages: readonly string[] = []): string[] {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return findViolations(readSources(root), packages);
}

test.each([
  { wrong: "core knows nobody", path: "src/core/a.ts", text: 'import { b } from "../store/b.ts";', says: "core may import only itself" },
  { wrong: "not even a type", path: "src/core/a.ts", text: 'import type { B } from "../app/b.ts";', says: "core may import only itself" },
  {
    wrong: "a re-export",
    path: "src/policy/a.ts",
    text: 'export { b } from "../verify/b.ts";',
    says: "policy may import only itself, core",
  },
  {
    wrong: "a dynamic import",
    path: "src/store/a.ts",
    text: 'await import("../upstream/b.ts");',
    says: "store may import only itself, core",
  },
  {
    wrong: "an import for its effect",
    path: "src/verify/a.ts",
    text: 'import "../http/b.ts";',
    says: "verify may import only itself, core",
  },
  { wrong: "mirror looks down only", path: "src/mirror/a.ts", text: 'import { b } from "../http/b.ts";', says: "mirror may import only" },
  {
    wrong: "http goes by way of mirror",
    path: "src/http/a.ts",
    text: 'import { b } from "../store/b.ts";',
    says: "http may import only itself, core, mirror",
  },
  {
    wrong: "main hands over to cli",
    path: "src/main.ts",
    text: 'import { b } from "./app/b.ts";',
    says: "main.ts may import only itself, cli",
  },
  {
    wrong: "ecosystems are strangers",
    path: "src/ecosystems/npm/a.ts",
    text: 'import { b } from "../pypi/b.ts";',
    says: "ecosystems do not know each other",
  },
  {
    wrong: "tests stay outside",
    path: "src/app/a.ts",
    text: 'import { b } from "../../test/b.ts";',
    says: "src imports nothing from outside src",
  },
  { wrong: "a new room", path: "src/helpers/a.ts", text: "export const a = 1;", says: "helpers is no room" },
  {
    wrong: "the database belongs to store",
    path: "src/mirror/a.ts",
    text: 'import Database from "better-sqlite3";',
    says: "it belongs to store",
  },
  {
    wrong: "a scoped package below its root",
    path: "src/app/a.ts",
    text: 'import { x } from "@hono/node-server/utils/response";',
    says: "it belongs to http",
  },
  { wrong: "a package that nobody owns", path: "src/core/a.ts", text: 'import { x } from "left-pad";', says: "it has no owner" },
  { wrong: "a way out besides upstream", path: "src/verify/a.ts", text: 'import { connect } from "node:net";', says: "only upstream may" },
  { wrong: "without the prefix too", path: "src/verify/a.ts", text: 'import { request } from "https";', says: "only http may" },
  { wrong: "Node's own database", path: "src/store/a.ts", text: 'import { DatabaseSync } from "node:sqlite";', says: "only nobody may" },
  { wrong: "other programs", path: "src/verify/a.ts", text: 'import { spawn } from "node:child_process";', says: "only app and cli" },
  { wrong: "the environment", path: "src/store/a.ts", text: 'export const a = process.env["HOME"];', says: "reads process.env" },
  {
    wrong: "the environment by another spelling",
    path: "src/http/a.ts",
    text: 'export const a = process["env"];',
    says: "reads process.env",
  },
  { wrong: "itself", path: "src/core/a.ts", text: 'import { a } from "./a.ts";', says: "imports itself by way of src/core/a.ts" },
])("$wrong", ({ path, text, says }) => {
  const found = violations({ [path]: text });
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(path);
  expect(found[0]).toContain(says);
});

test("a cycle is told with its way round", () => {
  const found = violations({
    "src/core/a.ts": 'import { b } from "./b.ts";\nexport const a = b;',
    "src/core/b.ts": 'import { c } from "./c.ts";\nexport const b = c;',
    "src/core/c.ts": 'import { a } from "./a.ts";\nexport const c = a;',
  });
  expect(found).toEqual(["src/core/a.ts: imports itself by way of src/core/b.ts -> src/core/c.ts -> src/core/a.ts"]);
});

test("a dependency without an owner is told", () => {
  expect(violations({}, ["left-pad", "undici"])).toEqual(["package.json: left-pad has no owner in import-rules.ts"]);
});

test("what the architecture allows passes", () => {
  const found = violations(
    {
      "src/main.ts": 'import { run } from "./cli/run.ts";',
      "src/cli/run.ts": 'import { compose } from "../app/compose.ts";\nexport const run = () => compose(process.env);',
      "src/app/compose.ts": 'import { get } from "../upstream/get.ts";\nexport const compose = (env: unknown) => get(env);',
      "src/upstream/get.ts":
        'import { connect } from "node:net";\nimport { request } from "undici";\nexport const get = (x: unknown) => [connect, request, x];',
      "src/ecosystems/shared.ts": "export const shared = 1;",
      "src/ecosystems/npm/names.ts":
        'import { isIP } from "node:net";\nimport { shared } from "../shared.ts";\nexport const n = [isIP, shared];',
      "src/core/a.ts": 'import type { B } from "./b.ts";\nexport type A = B;',
      "src/core/b.ts": 'import type { A } from "./a.ts";\nexport type B = A;',
      "src/http/a.ts": 'import type { Socket } from "node:net";\nexport type S = Socket;',
    },
    ["undici"],
  );
  expect(found).toEqual([]);
});
