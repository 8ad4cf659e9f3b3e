import { builtinModules } from "node:module";
import { posix } from "node:path";
import type { Import, SourceFile } from "./imports.ts";

const ROOMS_BEFORE_MIRROR = ["policy", "verify", "store", "upstream", "ecosystems"];

/** Which rooms each room may import, besides itself: core <- rooms <- mirror <- http, cli; app wires all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  policy: ["core"],
  verify: ["core"],
  store: ["core"],
  upstream: ["core"],
  ecosystems: ["core"],
  mirror: ["core", ...ROOMS_BEFORE_MIRROR],
  http: ["core", "mirror"],
  app: ["core", ...ROOMS_BEFORE_MIRROR, "mirror", "http"],
  cli: ["core", ...ROOMS_BEFORE_MIRROR, "mirror", "http", "app"],
  "main.ts": ["cli"],
};

/** The rooms that may import a package. One owner each where it reaches outside the process; pure helpers may have several. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  "@fastify/busboy": ["http"],
  "@hono/node-server": ["http"],
  "@noble/curves": ["verify"],
  "@renovatebot/pep440": ["ecosystems", "policy"],
  "@sigstore/bundle": ["verify"],
  "@sigstore/core": ["verify"],
  "@sigstore/protobuf-specs": ["verify"],
  "@sigstore/sign": ["verify"],
  "@sigstore/tuf": ["verify"],
  "@sigstore/verify": ["verify"],
  "better-sqlite3": ["store"],
  commander: ["cli"],
  hono: ["http"],
  htmlparser2: ["ecosystems"],
  "ipaddr.js": ["core", "upstream"],
  "lru-cache": ["http", "mirror", "store"],
  negotiator: ["ecosystems", "http"],
  openpgp: ["verify"],
  "packageurl-js": ["core"],
  pino: ["app"],
  "prom-client": ["app"],
  "seek-bzip": ["verify"],
  semver: ["ecosystems", "policy"],
  "smol-toml": ["ecosystems"],
  tar: ["ecosystems", "verify"],
  "tuf-js": ["verify"],
  undici: ["upstream"],
  yaml: ["core", "ecosystems"],
  yauzl: ["policy", "verify"],
  zod: ["app", "core", "policy", "store"],
};

/** The parts of Node that reach outside the process. Type imports do not, nor do these pure functions. */
const GUARDED_BUILTINS: Readonly<Record<string, readonly string[]>> = {
  http: ["http"],
  https: ["http"],
  http2: ["http"],
  net: ["upstream"],
  tls: ["upstream"],
  dns: ["upstream"],
  "dns/promises": ["upstream"],
  dgram: [],
  child_process: ["app", "cli", "upstream"],
  sqlite: [],
};
const PURE_NAMES = new Set(["isIP", "isIPv4", "isIPv6"]);

/** Rooms that may read the environment: the others are given what they need. */
const ENVIRONMENT_ROOMS = ["app", "cli", "main.ts"];
const ENVIRONMENT = /\bprocess\s*(?:\.|\?\.|\[)\s*["']?env\b/;

/** Every import of `files` that the architecture does not allow, one line each. `packages` are the names in package.json's `dependencies`. */
export function findViolations(files: readonly SourceFile[], packages: readonly string[]): string[] {
  const unowned = packages
    .filter((name) => !Object.hasOwn(OWNERS, name))
    .map((name) => `package.json: ${name} has no owner in import-rules.ts`);
  return [...unowned, ...files.flatMap((file) => [...importViolations(file), ...environmentViolations(file)]), ...cycles(files)];
}

function importViolations(file: SourceFile): string[] {
  const room = roomOf(file.path);
  if (!Object.hasOwn(MAY_IMPORT, room)) return [`${file.path}: ${room} is no room of the architecture`];
  return file.imports.flatMap((found) => {
    const problem = found.specifier.startsWith(".") ? wrongWay(file.path, room, found) : notOwned(room, found);
    return problem === undefined ? [] : [`${file.path}: imports ${found.specifier}, but ${problem}`];
  });
}

function wrongWay(path: string, room: string, { specifier }: Import): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  if (!target.startsWith("src/")) return "src imports nothing from outside src";
  const other = roomOf(target);
  if (other !== room && !MAY_IMPORT[room]?.includes(other))
    return `${room} may import only ${["itself", ...(MAY_IMPORT[room] ?? [])].join(", ")}`;
  const [mine, theirs] = [ecosystemOf(path), ecosystemOf(target)];
  if (mine !== undefined && theirs !== undefined && mine !== theirs) return "ecosystems do not know each other";
  return undefined;
}

function notOwned(room: string, { specifier, names, typeOnly }: Import): string | undefined {
  const builtin = specifier.replace(/^node:/, "");
  if (builtin !== specifier || builtinModules.includes(specifier)) {
    const rooms = GUARDED_BUILTINS[builtin];
    if (rooms === undefined || rooms.includes(room) || typeOnly || (names.length > 0 && names.every((name) => PURE_NAMES.has(name))))
      return undefined;
    return `only ${rooms.join(" and ") || "nobody"} may`;
  }
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const owners = OWNERS[name];
  if (owners === undefined) return "it has no owner in import-rules.ts";
  return owners.includes(room) ? undefined : `it belongs to ${owners.join(" and ")}`;
}

function environmentViolations({ path, text }: SourceFile): string[] {
  if (ENVIRONMENT_ROOMS.includes(roomOf(path)) || !ENVIRONMENT.test(text)) return [];
  return [`${path}: reads process.env, which only app and cli may`];
}

/** Cycles of imports that remain at run time. Each is told once, by the file it starts from. */
function cycles(files: readonly SourceFile[]): string[] {
  const edges = new Map(
    files.map(({ path, imports }) => [
      path,
      imports
        .filter(({ specifier, typeOnly }) => specifier.startsWith(".") && !typeOnly)
        .map(({ specifier }) => posix.join(posix.dirname(path), specifier)),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push(`${path}: imports itself by way of ${[...trail.slice(start + 1), path].join(" -> ")}`);
    if (start >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) walk(path, []);
  return found;
}

/** `src/core/ports/log.ts` is in `core`, `src/main.ts` in `main.ts`. */
function roomOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** The ecosystem whose folder a file is in; undefined for what they share. */
function ecosystemOf(path: string): string | undefined {
  const [, room, folder, rest] = path.split("/");
  return room === "ecosystems" && rest !== undefined ? folder : undefined;
}
