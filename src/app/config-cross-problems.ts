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
  return repositories.flatMap((repository, position) => {
    const { name } = repository;
    const isRepeated = typeof name === "string" && repositories.findIndex((other) => other["name"] === name) < position;
    const upstreams = asList(repository["upstreams"]).map(asTree);
    return [
      ...(isRepeated ? [problem(["repositories", position, "name"], "a name that no other repository has", name)] : []),
      ...upstreams.flatMap((_, index) =>
        upstreamProblems(upstreams, index, trusted, ["repositories", position, "upstreams", index], problem),
      ),
    ];
  });
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
