import { describe, formatPath, type Path, type Problem } from "../core/problems.ts";
import { asList, asTree } from "../core/schema.ts";
import type { Layers } from "./config-layers.ts";

/** What no single key of the configuration can tell. Read from the values as written, so that it is reported together with everything else. */
export function crossProblems(layers: Layers): Problem[] {
  const problem = (path: Path, expected: string, value: unknown): Problem => ({
    at: layers.locate(path),
    key: formatPath(path),
    expected,
    got: describe(value, path),
  });
  const trusted = ["public", ...Object.keys(asTree(layers.values["trust"]))];
  const repositories = asList(layers.values["repositories"]).map(asTree);
  const ofRepositories = repositories.flatMap((repository, position) => {
    const { name } = repository;
    const isRepeated = typeof name === "string" && repositories.findIndex((other) => other["name"] === name) < position;
    const upstreams = asList(repository["upstreams"]).map(asTree);
    return [
      ...(isRepeated ? [problem(["repositories", position, "name"], "a name that no other repository has", name)] : []),
      ...(typeof repository["trust"] === "string" && !trusted.includes(repository["trust"])
        ? [problem(["repositories", position, "trust"], `one of ${trusted.join(", ")}`, repository["trust"])]
        : []),
      ...memberProblems(repositories, position, problem),
      ...upstreams.flatMap((_, index) =>
        upstreamProblems(upstreams, index, trusted, ["repositories", position, "upstreams", index], problem),
      ),
    ];
  });
  return [
    ...ofRepositories,
    ...aamProblems(asTree(layers.values["aam"]), repositories, problem),
    ...gitProblems(asTree(layers.values["git"]), problem),
  ];
}

/** The directory is of one repository that there is, where it is not of all. */
function aamProblems(
  { repository }: Tree,
  repositories: readonly Tree[],
  problem: (path: Path, expected: string, value: unknown) => Problem,
): readonly Problem[] {
  const names = repositories.filter(({ ecosystem }) => ecosystem === "aam").map(({ name }) => name);
  if (typeof repository !== "string" || names.includes(repository)) return [];
  return [problem(["aam", "repository"], `one of ${names.join(", ") || "no repositories, since there are none of aam"}`, repository)];
}

/** A host is known by its name; pins are of repositories that are mirrored, one for each name of a ref. */
function gitProblems(git: Tree, problem: (path: Path, expected: string, value: unknown) => Problem): readonly Problem[] {
  const hosts = asList(git["hosts"]).map((host) => asTree(host)["host"]);
  const pins = asList(git["pins"]).map(asTree);
  return [
    ...hosts.flatMap((host, index) =>
      hosts.indexOf(host) < index ? [problem(["git", "hosts", index, "host"], "a host that is not listed yet", host)] : [],
    ),
    ...pins.flatMap(({ repository, ref }, index) => {
      if (typeof repository !== "string") return [];
      const path = ["git", "pins", index];
      const isKnown = hosts.includes(repository.split("/", 1)[0]);
      if (!isKnown) return [problem([...path, "repository"], "HOST/OWNER/NAME of a repository of one of git.hosts", repository)];
      const isRepeated = pins.findIndex((other) => other["repository"] === repository && other["ref"] === ref) < index;
      return isRepeated ? [problem([...path, "ref"], "a ref that is not pinned yet", ref)] : [];
    }),
  ];
}

type Tree = Readonly<Record<string, unknown>>;

/** Members must be there, and be repositories that hold something themselves; a scope has one owner. */
function memberProblems(
  repositories: readonly Tree[],
  position: number,
  problem: (path: Path, expected: string, value: unknown) => Problem,
): readonly Problem[] {
  const path = ["repositories", position];
  const members = asList(repositories[position]?.["members"]);
  const scopes = asList(repositories[position]?.["scopes"]);
  const holding = repositories.filter(({ ecosystem, type }) => ecosystem === "aam" && type !== "virtual").map(({ name }) => name);
  const taken = repositories.slice(0, position).flatMap((other) => asList(other["scopes"]));
  return [
    ...members.flatMap((member, index) => {
      if (!holding.includes(member))
        return [
          problem([...path, "members", index], `one of ${holding.join(", ") || "no repositories, since there are none of aam"}`, member),
        ];
      return members.indexOf(member) < index ? [problem([...path, "members", index], "each member once", member)] : [];
    }),
    ...scopes.flatMap((scope, index) =>
      taken.includes(scope) || scopes.indexOf(scope) < index
        ? [problem([...path, "scopes", index], "a scope that no other repository has", scope)]
        : [],
    ),
  ];
}

function upstreamProblems(
  upstreams: readonly Readonly<Record<string, unknown>>[],
  index: number,
  trusted: readonly string[],
  path: Path,
  problem: (path: Path, expected: string, value: unknown) => Problem,
): readonly Problem[] {
  const { name, url, trust } = upstreams[index] ?? {};
  const problems: Problem[] = [];
  if (typeof trust === "string" && !trusted.includes(trust))
    problems.push(problem([...path, "trust"], `one of ${trusted.join(", ")}`, trust));
  for (const [position, other] of upstreams.entries()) {
    if (position === index) continue;
    // A rule of the policy may mean an upstream by its own name or by that of its trust, so that one text must not mean two of them.
    if (typeof name === "string" && (other["trust"] ?? "public") === name) {
      problems.push(problem([...path, "name"], "a name that is not the trust of another upstream here", name));
    }
    if (position > index) continue;
    if (typeof name === "string" && other["name"] === name) {
      problems.push(problem([...path, "name"], "a name that no other upstream of the repository has", name));
    }
    if (typeof url === "string" && sameAddress(other["url"], url)) {
      problems.push(problem([...path, "url"], "an address that no other upstream of the repository has", url));
    }
  }
  return problems;
}

/** What is held of an upstream is known by its address. */
function sameAddress(left: unknown, right: string): boolean {
  const plain = (text: string): string => (URL.canParse(text) ? new URL(text).href : text).replace(/\/+$/, "");
  return typeof left === "string" && plain(left) === plain(right);
}
