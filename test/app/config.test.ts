import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Config, loadConfig } from "../../src/app/config.ts";
import { CONFIG_DEFAULTS } from "../../src/app/config-defaults.ts";
import type { ConfigFlags } from "../../src/app/config-layers.ts";
import { AssayError } from "../../src/core/errors.ts";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";

const SHIPPED = fileURLToPath(new URL("../../config/assay.yaml", import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(yaml: string, env: Record<string, string> = {}, flags: ConfigFlags = {}): Config {
  const config = join(folder, "assay.yaml");
  writeFileSync(config, yaml);
  return loadConfig({ env, flags: { config, ...flags } });
}

/** The lines of the error, with the file's path shortened to its name. */
function problemsOf(attempt: () => unknown): string[] {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    expect(error.code).toBe("CONFIG_INVALID");
    return error.message.replaceAll(`${folder}/`, "").split("\n").slice(1);
  }
  throw new Error("expected CONFIG_INVALID, got a configuration");
}

function upstream(keys: string): string {
  return `repositories: [{name: r, ecosystem: npm, upstreams: [{${keys}}]}]`;
}

describe("what is wrong stops the start, with its place, its key and both sides", () => {
  test.each([
    { wrong: "unknown key", yaml: "data: ./d\nprot: 1", says: "assay.yaml:2:1 prot: expected one of the keys" },
    {
      wrong: "slip",
      yaml: "listen:\n  prot: 1",
      says: "assay.yaml:2:3 listen.prot: expected one of the keys host, port (did you mean port?)",
    },
    { wrong: "duplicate key", yaml: "data: a\ndata: b", says: "assay.yaml:2:1: expected valid YAML, got Map keys must be unique" },
    { wrong: "broken YAML", yaml: "listen: {port: 1", says: "assay.yaml:1:17: expected valid YAML" },
    { wrong: "a second document", yaml: "data: a\n---\ndata: b", says: "assay.yaml:2:1: expected valid YAML" },
    { wrong: "no map at all", yaml: "- data", says: "assay.yaml:1:1: expected a map of keys, got a list" },
    {
      wrong: "port out of range",
      yaml: "listen: {port: 70000}",
      says: "assay.yaml:1:16 listen.port: expected a whole number from 0 to 65535, got 70000",
    },
    { wrong: "port one past", yaml: "listen: {port: 65536}", says: "got 65536" },
    { wrong: "negative port", yaml: "listen: {port: -1}", says: "got -1" },
    { wrong: "fraction", yaml: "listen: {port: 80.5}", says: "got 80.5" },
    { wrong: "text for a number", yaml: 'listen: {port: "80"}', says: 'got "80"' },
    {
      wrong: "host with a port",
      yaml: "listen: {host: 'localhost:80'}",
      says: "listen.host: expected a host name or an IP address without a port",
    },
    { wrong: "map for a text", yaml: "data: {}", says: "assay.yaml:1:7 data: expected a path, got a map" },
    { wrong: "duration without a unit", yaml: "metadata_ttl: 5", says: "metadata_ttl: expected a duration with a unit" },
    { wrong: "negative duration", yaml: "metadata_ttl: -5s", says: 'got "-5s"' },
    { wrong: "duration past its bound", yaml: "metadata_ttl: 31d", says: 'got "31d"' },
    { wrong: "size without a unit", yaml: "limits: {archive: 5}", says: "limits.archive: expected a size with a unit" },
    { wrong: "a size of nothing", yaml: "limits: {archive: 0B}", says: 'got "0B"' },
    { wrong: "withholding next to nothing", yaml: "withhold: 63KiB", says: "withhold: expected all, or a size from 64KiB" },
    { wrong: "a limit of zero", yaml: "limits: {json_depth: 0}", says: "limits.json_depth: expected a whole number from 1" },
    { wrong: "unknown level", yaml: "log: {level: loud}", says: 'log.level: expected one of debug, info, warn, error, silent, got "loud"' },
    { wrong: "yes for true", yaml: "offline: yes", says: 'offline: expected true or false, got "yes"' },
    { wrong: "public_url with a query", yaml: "public_url: https://a.example/?x=1", says: "public_url: expected an http or https url" },
    { wrong: "public_url with credentials", yaml: "public_url: https://u:hidden@a.example/", says: "//[secret]@a.example" },
    {
      wrong: "trusted_proxies by name",
      yaml: "trusted_proxies: [localhost]",
      says: "trusted_proxies[0]: expected an IP address or a range",
    },
    { wrong: "trusted_proxies with shorthands", yaml: "trusted_proxies: [10.1/8]", says: "expected an IP address or a range" },
    {
      wrong: "metrics token that is not set",
      yaml: "metrics: {token_env: NO_SUCH_VARIABLE}",
      says: "metrics.token_env: expected the name of",
    },
    {
      wrong: "metrics with two tokens",
      yaml: "metrics: {token_env: TOKEN, token_file: config/policy.yaml}",
      env: { TOKEN: "x" },
      says: "metrics: expected either token_env or token_file",
    },
    { wrong: "an aam directory without a name", yaml: "aam: {directory: ''}", says: "aam.directory: expected a path" },
    { wrong: "an aam directory written all the time", yaml: "aam: {every: 999ms}", says: "aam.every: expected a duration with a unit" },
    {
      wrong: "an aam directory of a repository that there is not",
      yaml: "aam: {repository: npm}",
      says: 'aam.repository: expected one of aam, got "npm"',
    },
    {
      wrong: "reserved name",
      yaml: "repositories: [{name: api, ecosystem: npm}]",
      says: "repositories[0].name: expected a name that Assay does not use itself",
    },
    { wrong: "name with a slash", yaml: "repositories: [{name: a/b, ecosystem: npm}]", says: 'got "a/b"' },
    { wrong: "name with a capital", yaml: "repositories: [{name: Npm, ecosystem: npm}]", says: 'got "Npm"' },
    { wrong: "name of 65 characters", yaml: `repositories: [{name: ${"a".repeat(65)}, ecosystem: npm}]`, says: "repositories[0].name" },
    {
      wrong: "two of one name",
      yaml: "repositories:\n  - {name: a, ecosystem: npm}\n  - {name: a, ecosystem: pypi}",
      says: 'assay.yaml:3:12 repositories[1].name: expected a name that no other repository has, got "a"',
    },
    {
      wrong: "no ecosystem",
      yaml: "repositories: [{name: a}]",
      says: "repositories[0].ecosystem: expected one of pypi, npm, aam, got nothing",
    },
    {
      wrong: "a hosted repository of an ecosystem without them",
      yaml: "repositories: [{name: a, ecosystem: npm, type: hosted}]",
      says: "repositories[0].type: expected mirror: only aam repositories can be hosted or virtual",
    },
    {
      wrong: "upstreams of a hosted repository",
      yaml: "repositories: [{name: a, ecosystem: aam, type: hosted, upstreams: []}]",
      says: "repositories[0].upstreams: expected nothing here: it is for repositories of type mirror",
    },
    {
      wrong: "a virtual repository without members",
      yaml: "repositories: [{name: a, ecosystem: aam, type: virtual}]",
      says: "repositories[0].members: expected a list of names of other aam repositories",
    },
    {
      wrong: "a member that is virtual itself",
      yaml: "repositories: [{name: a, ecosystem: aam, type: virtual, members: [a]}]",
      says: "repositories[0].members[0]: expected one of no repositories",
    },
    {
      wrong: "a member twice",
      yaml: "repositories: [{name: b, ecosystem: aam, type: hosted}, {name: a, ecosystem: aam, type: virtual, members: [b, b]}]",
      says: "repositories[1].members[1]: expected each member once",
    },
    {
      wrong: "a scope with two owners",
      yaml: 'repositories: [{name: b, ecosystem: aam, type: hosted, scopes: ["@acme"]}, {name: a, ecosystem: aam, scopes: ["@acme"]}]',
      says: "repositories[1].scopes[0]: expected a scope that no other repository has",
    },
    {
      wrong: "a scope without its sign",
      yaml: "repositories: [{name: a, ecosystem: aam, scopes: [acme]}]",
      says: "repositories[0].scopes[0]: expected a scope such as @acme",
    },
    {
      wrong: "101 repositories",
      yaml: `repositories: [${Array.from({ length: 101 }, (_, i) => `{name: r${i}, ecosystem: npm}`)}]`,
      says: "a list of at most 100",
    },
    { wrong: "unknown trust", yaml: upstream("url: https://a.example/, trust: mine"), says: "upstreams[0].trust: expected one of public" },
    {
      wrong: "trust that shadows the built-in one",
      yaml: "trust: {public: {sigstore: ./a}}",
      says: "trust.public.sigstore: expected no file",
    },
    { wrong: "keys beside the built-in ones", yaml: "trust: {public: {npm_keys: ./a}}", says: "trust.public.npm_keys: expected no file" },
    {
      wrong: "another beginning for public",
      yaml: "trust: {public: {tuf: {root: ./root.json}}}",
      says: "trust.public.tuf.root: expected no file",
    },
    {
      wrong: "a mirror without a beginning",
      yaml: 'trust: {mine: {tuf: {mirror: "https://tuf.example/"}}}',
      says: "mine.tuf: expected the repository's root.json",
    },
    { wrong: "a beginning without a mirror", yaml: "trust: {mine: {tuf: {root: ./root.json}}}", says: "mine.tuf: expected the mirror" },
    { wrong: "own trust switched off", yaml: "trust: {mine: {tuf: off}}", says: "mine.tuf: expected {mirror, root}: only" },
    {
      wrong: "a mirror with credentials",
      yaml: 'trust: {public: {tuf: {mirror: "https://me:hidden@tuf.example/"}}}',
      says: "trust.public.tuf.mirror: expected an https, http or file url",
    },
    { wrong: "refreshes too often", yaml: "trust: {public: {tuf: {every: 1s}}}", says: "trust.public.tuf.every: expected a duration" },
    { wrong: "an unknown key of a mirror", yaml: "trust: {public: {tuf: {miror: x}}}", says: "did you mean mirror?" },
    { wrong: "no mirror at all", yaml: "trust: {public: {tuf: false}}", says: "trust.public.tuf: expected" },
    {
      wrong: "an upstream's name with a capital",
      yaml: upstream("url: https://a.example/, name: Mine"),
      says: "upstreams[0].name: expected a name",
    },
    {
      wrong: "two upstreams of one name",
      yaml: upstream("url: https://a.example/, name: mine}, {url: https://b.example/, name: mine"),
      says: "upstreams[1].name: expected a name that no other upstream of the repository has",
    },
    {
      wrong: "two upstreams of one address",
      yaml: upstream("url: https://a.example}, {url: https://A.example/"),
      says: "upstreams[1].url: expected an address that no other upstream of the repository has",
    },
    {
      wrong: "a name that is another upstream's trust",
      yaml: upstream("url: https://a.example/, name: public}, {url: https://b.example/"),
      says: "upstreams[0].name: expected a name that is not the trust of another upstream here",
    },
    { wrong: "url with a query", yaml: upstream("url: 'https://a.example/?a'"), says: "upstreams[0].url: expected" },
    { wrong: "url of another scheme", yaml: upstream("url: 'ftp://a.example/'"), says: "upstreams[0].url: expected" },
    { wrong: "file url for npm", yaml: upstream("url: 'file:///srv/a'"), says: "only aam registries can be folders" },
    {
      wrong: "file url with a host",
      yaml: "repositories: [{name: a, ecosystem: aam, upstreams: [{url: 'file://host/a'}]}]",
      says: "upstreams[0].url: expected",
    },
    {
      wrong: "certificates that are not there",
      yaml: upstream("url: https://a.example/, ca: ./nowhere.pem"),
      says: "upstreams[0].ca: expected the path of a readable file",
    },
    {
      wrong: "proxy with credentials",
      yaml: upstream("url: https://a.example/, proxy: 'http://u:hidden@p.example:1'"),
      says: "upstreams[0].proxy: expected",
    },
    {
      wrong: "file origin with a path",
      yaml: upstream("url: https://a.example/, file_origins: ['https://a.example/x']"),
      says: "file_origins[0]: expected an origin",
    },
    {
      wrong: "a dialect that does not exist",
      yaml: "repositories: [{name: aam, ecosystem: aam, upstreams: [{url: 'https://a.example/', dialect: v2}]}]",
      says: "upstreams[0].dialect: expected one of uaaps, api-v1",
    },
    {
      wrong: "a dialect of a folder",
      yaml: "repositories: [{name: aam, ecosystem: aam, upstreams: [{url: 'file:///srv/aam', dialect: uaaps}]}]",
      says: "upstreams[0].dialect: expected nothing here for a file: url",
    },
    {
      wrong: "a dialect of another ecosystem's registry",
      yaml: "repositories: [{name: npm, ecosystem: npm, upstreams: [{url: 'https://a.example/', dialect: uaaps}]}]",
      says: "upstreams[0].dialect: expected nothing here: only aam registries",
    },
    { wrong: "too many retries", yaml: upstream("url: https://a.example/, retries: 11"), says: "a whole number from 0 to 10" },
    {
      wrong: "both kinds of credentials",
      yaml: upstream("url: https://a.example/, auth: {token_env: TOKEN, username: u, password_env: TOKEN}"),
      says: "either token_env or token_file",
    },
    {
      wrong: "a password alone",
      yaml: upstream("url: https://a.example/, auth: {password_env: TOKEN}"),
      says: "either token_env or token_file",
    },
    {
      wrong: "a variable that is not set",
      yaml: upstream("url: https://a.example/, auth: {token_env: NO_SUCH}"),
      says: "auth.token_env: expected the name of an environment variable that is set",
    },
    {
      wrong: "credentials in the clear",
      yaml: upstream("url: http://a.example/, auth: {token_env: TOKEN}"),
      says: "auth: expected credentials only for an https url",
    },
  ])("$wrong", ({ yaml, says }) => {
    const problems = problemsOf(() => load(yaml, { TOKEN: "hidden" }));
    expect(problems.join("\n")).toContain(says);
    expect(problems.join("\n")).not.toContain("hidden");
  });

  test("a secret that stands where its variable's name should is not shown", () => {
    const [problem] = problemsOf(() => load(upstream("url: https://a.example/, auth: {token_env: ghp_hidden}")));
    expect(problem).toContain("a text of 10 characters, not shown here");
  });

  test("all problems are told at once", () => {
    const yaml = "listen: {port: 70000}\nunknown: 1\nrepositories: [{name: a, ecosystem: npm}, {name: a, ecosystem: x}]\ndata: []";
    expect(problemsOf(() => load(yaml, { ASSAY_WITHHOLD: "2" })).map((line) => line.split(": expected")[0])).toEqual([
      "assay.yaml:1:16 listen.port",
      "assay.yaml:4:7 data",
      "assay.yaml:3:64 repositories[1].ecosystem",
      "ASSAY_WITHHOLD withhold",
      "assay.yaml:2:1 unknown",
      "assay.yaml:3:50 repositories[1].name",
    ]);
  });

  test("a file that was named must be there", () => {
    expect(() => loadConfig({ env: {}, flags: { config: join(folder, "none.yaml") } })).toThrow(/cannot read the configuration file/);
    expect(() => loadConfig({ env: { ASSAY_CONFIG: join(folder, "none.yaml") }, flags: {} })).toThrow(/cannot read the configuration file/);
  });

  test("a file larger than any configuration is not read", () => {
    expect(() => load(`#${"a".repeat(1024 * 1024)}`)).toThrow(/at most 1048576 bytes/);
  });
});

describe("layers", () => {
  test("the shipped file says what holds without it", () => {
    const written = parse(readFileSync(SHIPPED, "utf8"));
    expect(written).toEqual({ ...CONFIG_DEFAULTS, public_url: null });
    expect({ ...loadConfig({ env: {}, flags: { config: SHIPPED } }), file: undefined }).toEqual({ ...load(""), file: undefined });
  });

  test("the defaults of limits are those of the code", () => {
    expect(load("").limits).toEqual(DEFAULT_LIMITS);
  });

  test("flags win over the environment, that over the file, that over the defaults", () => {
    const yaml = "listen: {host: 10.0.0.1, port: 1}\ndata: ./file\npolicy: ./file\nmetadata_ttl: 1s";
    const env = { ASSAY_LISTEN_PORT: "2", ASSAY_DATA: "./env", ASSAY_METADATA_TTL: "2s" };
    const config = load(yaml, env, { port: "3", data: "./flag" });
    expect(config.listen).toEqual({ host: "10.0.0.1", port: 3 });
    expect(config.dataDir).toBe(join(process.cwd(), "flag"));
    expect(config.policyPath).toBe(join(process.cwd(), "file"));
    expect(config.metadataTtlMs).toBe(2000);
    expect(config.negativeTtlMs).toBe(60_000);
  });

  test.each([
    { variable: "ASSAY_OFFLINE", text: "true", read: (c: Config) => c.offline, is: true },
    { variable: "ASSAY_DATA", text: "/2026", read: (c: Config) => c.dataDir, is: "/2026" },
    { variable: "ASSAY_PUBLIC_URL", text: "https://a.example/b/", read: (c: Config) => c.publicUrl, is: "https://a.example/b" },
    { variable: "ASSAY_LOG_LEVEL", text: "debug", read: (c: Config) => c.log.level, is: "debug" },
    { variable: "ASSAY_LIMITS_JSON_DEPTH", text: "7", read: (c: Config) => c.limits.jsonDepth, is: 7 },
    { variable: "ASSAY_LIMITS_VERIFY", text: "2m", read: (c: Config) => c.limits.verifySeconds, is: 120 },
    { variable: "ASSAY_LIMITS", text: '{"archive": "1KiB"}', read: (c: Config) => c.limits.archiveBytes, is: 1024 },
    { variable: "ASSAY_WITHHOLD", text: "all", read: (c: Config) => c.withholdBytes, is: "all" },
    {
      variable: "ASSAY_REPOSITORIES",
      text: "[{name: one, ecosystem: npm, upstreams: []}]",
      read: (c: Config) => c.repositories.map((r) => r.name),
      is: ["one"],
    },
    { variable: "ASSAY_METADATA_TTL", text: "", read: (c: Config) => c.metadataTtlMs, is: 60_000 },
  ])("$variable=$text", ({ variable, text, read, is }) => {
    expect(read(load("", { [variable]: text }))).toEqual(is);
  });

  test("a key inside a section wins over the section", () => {
    const config = load("", { ASSAY_LISTEN: "{host: 10.0.0.1, port: 1}", ASSAY_LISTEN_PORT: "2" });
    expect(config.listen).toEqual({ host: "10.0.0.1", port: 2 });
  });

  test.each([
    {
      name: "a wrong value names its variable",
      env: { ASSAY_LISTEN_PORT: "70000" },
      says: "ASSAY_LISTEN_PORT listen.port: expected a whole number",
    },
    {
      name: "text that is no YAML names its variable",
      env: { ASSAY_REPOSITORIES: "[{" },
      says: "ASSAY_REPOSITORIES:1:3 repositories: expected YAML or JSON",
    },
    { name: "a slip in a variable's name is told", env: { ASSAY_METADTA_TTL: "1s" }, says: "did you mean ASSAY_METADATA_TTL?" },
  ])("$name", ({ env, says }) => {
    expect(problemsOf(() => load("", env)).join("\n")).toContain(says);
  });

  test("a wrong flag is named", () => {
    expect(problemsOf(() => load("", {}, { port: "x" }))).toEqual(['--port listen.port: expected a whole number from 0 to 65535, got "x"']);
  });

  test("variables that a container platform makes up for a service called assay are left alone", () => {
    const env = { ASSAY_PORT: "tcp://10.0.0.1:8740", ASSAY_SERVICE_HOST: "10.0.0.1", ASSAY_PORT_8740_TCP_ADDR: "10.0.0.1" };
    expect(load("", env).listen.port).toBe(8740);
  });

  test("a key or a section without a value counts as not given", () => {
    expect(load("limits:\nlisten:\n  port:\n").listen.port).toBe(8740);
  });
});

describe("repositories", () => {
  test("without upstreams they are discovered, with an empty list they have none", () => {
    const config = load("repositories: [{name: a, ecosystem: npm}, {name: b, ecosystem: npm, upstreams: []}]");
    expect(config.repositories.map((repository) => repository.upstreams)).toEqual(["discover", []]);
  });

  test("every key of an upstream is read", () => {
    const ca = join(folder, "ca.pem");
    const token = join(folder, "token");
    writeFileSync(ca, "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
    writeFileSync(token, "hidden\n");
    const config = load(`
trust:
  internal: {sigstore: ./root.json, npm_keys: ./keys.json}
  public: {tuf: {mirror: "https://tuf.example/public"}}
  other: {tuf: {mirror: "file:///srv/tuf", root: ./other.json, every: 6h}}
repositories:
  - name: npm
    ecosystem: npm
    unclaimed: allow
    weak_checksum: error
    upstreams:
      - url: https://registry.example/npm
        auth: {token_file: ${token}}
        ca: ${ca}
        proxy: http://proxy.example:3128
        timeouts: {connect: 1s, idle: 2s}
        retries: 0
        concurrency: 4
        file_origins: ["https://files.example/"]
        trust: internal
        name: mine
`);
    expect(config.repositories[0]?.policy).toEqual({ unclaimed: "allow", weakChecksum: "error" });
    const [first] = config.repositories[0]?.upstreams ?? [];
    expect(first).toMatchObject({
      url: new URL("https://registry.example/npm/"),
      ca: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
      proxy: { url: new URL("http://proxy.example:3128/") },
      timeouts: { connectMs: 1000, headersMs: 12_000, idleMs: 2000 },
      retries: 0,
      concurrency: 4,
      fileOrigins: ["https://files.example"],
      trust: "internal",
      name: "mine",
    });
    const spoken = load("repositories: [{name: aam, ecosystem: aam, upstreams: [{url: 'https://a.example/', dialect: api-v1}]}]");
    expect(spoken.repositories[0]?.upstreams).toMatchObject([{ dialect: "api-v1" }]);
    expect(config.trust).toEqual({
      internal: { sigstorePath: "./root.json", npmKeysPath: "./keys.json" },
      public: { tuf: { mirror: new URL("https://tuf.example/public/"), everyMs: 86_400_000 } },
      other: { tuf: { mirror: new URL("file:///srv/tuf/"), rootPath: "./other.json", everyMs: 21_600_000 } },
    });
    expect(load("trust: {public: {tuf: off}}").trust).toEqual({ public: { tuf: "off" } });
  });

  test("credentials can be used, but no way of printing the configuration shows them", () => {
    const auth = "auth: {username: u, password_env: PASSWORD}";
    const config = load(upstream(`url: https://a.example/, ${auth}`), { PASSWORD: "hidden" });
    const [first] = config.repositories[0]?.upstreams ?? [];
    const credentials = typeof first === "object" ? first.auth : undefined;
    expect(credentials?.kind === "basic" && credentials.password.reveal()).toBe("hidden");
    for (const printed of [
      JSON.stringify(config),
      inspect(config, { depth: 10, showHidden: true }),
      `${Object.values(credentials ?? {})}`,
    ]) {
      expect(printed).not.toContain("hidden");
      expect(printed).toContain("[secret]");
    }
  });

  test("credentials may go over http to this machine", () => {
    expect(load(upstream("url: 'http://127.0.0.1:1/', auth: {token_env: TOKEN}"), { TOKEN: "hidden" }).repositories).toHaveLength(1);
  });
});
