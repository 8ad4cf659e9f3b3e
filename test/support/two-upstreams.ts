import { createHash } from "node:crypto";
import { buildAam } from "./archives.ts";
import { publishTarball, publishWheel } from "./fake-registry.ts";
import type { FakeUpstream, RecordedRequest } from "./fake-upstream.ts";

/** The names that belong to the internal registry, as a rule of a policy binds them. */
export const BINDING = 'rules: [{name: acme, match: ["pkg:pypi/acme-*", "pkg:npm/%40acme/*", "pkg:aam/%40acme/*"], upstream: internal}]';

/** Publishes `acme-tool` and `@acme/tool` in all three ecosystems. `mark` is in every archive, so that those of two registries differ. */
export function publishTool(upstream: FakeUpstream, version: string, mark: string): void {
  publishWheel(upstream, { name: "acme-tool", version, files: { "acme_tool/mark.py": mark } });
  publishTarball(upstream, { name: "@acme/tool", version, files: { mark } });
  const { bytes } = buildAam({ name: "@acme/tool", version, files: { "skills/demo/mark.txt": mark } });
  upstream.serve(`/aam/packages/@acme/tool/${version}/tarball`, { body: bytes });
  upstream.serve("/aam/packages/@acme/tool", {
    contentType: "application/json",
    body: JSON.stringify({
      name: "@acme/tool",
      versions: { [version]: { version, integrity: `sha256-${createHash("sha256").update(bytes).digest("base64")}` } },
      "dist-tags": { latest: version },
    }),
  });
  upstream.serve("/aam/packages", {
    contentType: "application/json",
    body: JSON.stringify({ packages: [{ name: "@acme/tool", latest: version }, { name: "free" }] }),
  });
}

/** A registry that has a search and audits, and finds `@acme/tool` whatever is asked. */
export function answerServices(upstream: FakeUpstream): void {
  const json = (value: unknown) => ({ contentType: "application/json", body: JSON.stringify(value) });
  upstream.serve("/npm/-/v1/search", json({ objects: [{ package: { name: "@acme/tool" } }, { package: { name: "free" } }], total: 2 }));
  for (const path of ["advisories/bulk", "audits", "audits/quick"]) upstream.serve(`/npm/-/npm/v1/security/${path}`, json({}));
}

/** Configuration text: each repository has both, the outside one first, as a careless operator would order them. */
export function twoUpstreamsConfig(outside: FakeUpstream, internal: FakeUpstream, more = ""): string {
  const pair = (path: string): string =>
    `[{url: "${outside.origin}${path}", retries: 0}, {name: internal, url: "${internal.origin}${path}", retries: 0}]`;
  return `
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: ${pair("/pypi/simple/")}}
  - {name: npm, ecosystem: npm, upstreams: ${pair("/npm/")}}
  - {name: aam, ecosystem: aam, upstreams: ${pair("/aam/")}}
${more}
`;
}

/** The requests that tell whoever gets them of a name with `acme` in it, however it is written. */
export function leaks({ requests }: FakeUpstream): readonly RecordedRequest[] {
  return requests.filter(({ path, body, headers }) => {
    const told = `${decodeURIComponent(path)} ${JSON.stringify(headers)} ${body.toString("utf8")}`;
    return told.toLowerCase().includes("acme");
  });
}
