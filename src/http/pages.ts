import { escapeHtml } from "../core/html-text.ts";
import type { Repository } from "../core/ports/ecosystem.ts";

/** How a client of each ecosystem is pointed at a repository. */
const COMMANDS: Readonly<Record<Repository["ecosystem"], (url: string) => readonly string[]>> = {
  pypi: (url) => [`pip install --index-url ${url}/simple/ requests`, `uv pip install --default-index ${url}/simple/ requests`],
  npm: (url) => [`npm install express --registry ${url}/`, `pnpm add express --registry ${url}/`],
  aam: (url) => [`curl ${url}/packages`],
};

/** The page at `/` for people: where each repository is and how to use it. Repository names are checked by config, the origin by its own parser. */
export function landingPage(repositories: readonly Repository[], origin: string): string {
  const sections = repositories.map(({ name, ecosystem, upstreams }) => {
    const note = upstreams.length === 0 ? "<p><strong>No upstream is configured for this repository.</strong></p>" : "";
    return `<h2>${escapeHtml(name)}</h2>${note}<pre>${COMMANDS[ecosystem](`${origin}/${name}`).map(escapeHtml).join("\n")}</pre>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Assay</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}pre{background:#f3f3f3;padding:.8rem;overflow:auto}</style>
<h1>Assay</h1>
<p>A mirror that checks before it serves. Point a client at it:</p>
${sections.join("\n")}
</html>
`;
}
