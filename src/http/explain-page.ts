import { createHash } from "node:crypto";
import { escapeHtml } from "../core/html-text.ts";
import type { Problem } from "../core/ports/ecosystem.ts";
import { printable, shown } from "../core/printable.ts";
import { type DescribedSection, type DescribedSuggestion, describe } from "../mirror/explain/describe.ts";
import type { ArtifactReport } from "../mirror/explain/report.ts";

const STYLE = `
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem;overflow-wrap:anywhere}h2{font-size:1rem;margin:1.5rem 0 .3rem}
table{border-collapse:collapse}th{font-weight:600;text-align:left;vertical-align:top;white-space:nowrap;padding:.1rem 1rem .1rem 0}
td{overflow-wrap:anywhere}pre{background:#f3f3f3;padding:.8rem;overflow:auto}.verdict{font-weight:600}`;

/**
 * What the page may load or do: nothing but show text in its own style. The text is escaped; this is for the day on which it is not.
 * https://www.w3.org/TR/CSP3/
 */
export const PAGE_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The page that the `why` of a refusal leads people to: one report after the other. */
export function explainPage(artifacts: readonly ArtifactReport[]): string {
  return page("What Assay knows", artifacts.map(articleOf).join("\n"));
}

/** The page of a request that came to nothing. */
export function problemPage({ title, detail }: Pick<Problem, "title" | "detail">): string {
  return page(title, `<h1>${text(title)}</h1>\n<p>${text(detail)}</p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${text(title)}</title>
<style>${STYLE}</style>
${body}
</html>
`;
}

function articleOf(report: ArtifactReport): string {
  const { title, verdict, sections, suggestions } = describe(report);
  return `<article>
<h1>${text(title)}</h1>
<p class="verdict">${text(verdict)}</p>
${sections.map(sectionOf).join("\n")}
${suggestions.length === 0 ? "" : `<h2>What would change it</h2>\n${suggestions.map(suggestionOf).join("\n")}`}
</article>`;
}

function sectionOf({ heading, rows }: DescribedSection): string {
  const lines = rows.map(([label, words]) => `<tr><th>${text(label)}</th><td>${text(words)}</td></tr>`);
  return `<h2>${text(heading)}</h2>\n<table>${lines.join("\n")}</table>`;
}

/** YAML to be copied is printable already, so that escaping its lines changes nothing. */
function suggestionOf({ text: words, outcome, edits }: DescribedSuggestion): string {
  const parts = edits.map(
    ({ where, yaml }) => `<p>${text(where)}:</p>\n<pre>${yaml.split("\n").map(printable).map(escapeHtml).join("\n")}</pre>`,
  );
  return `<p>${text(words)} (${text(outcome)})</p>\n${parts.join("\n")}`;
}

function text(words: string): string {
  return escapeHtml(shown(words));
}
