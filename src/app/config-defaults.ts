import { ECOSYSTEM_IDS } from "../core/artifact.ts";
import { DEFAULT_LIMITS, type Limits } from "../core/limits.ts";
import { LIMITS_BY_KEY } from "./config-schema.ts";
import { formatSize } from "./size.ts";

/** What holds where nothing else is said, written as an operator would write it. config/assay.yaml says the same, with the reasons. */
export const CONFIG_DEFAULTS = {
  listen: { host: "127.0.0.1", port: 8740 },
  data: "./data",
  policy: "./config/policy.yaml",
  trusted_proxies: [],
  repositories: ECOSYSTEM_IDS.map((id) => ({ name: id, ecosystem: id })),
  trust: {},
  withhold: "8MiB",
  metadata_ttl: "60s",
  negative_ttl: "60s",
  refusal_ttl: "30s",
  stale_if_error: "30d",
  offline: false,
  import: { keys: [] },
  aam: { every: "60s" },
  git: { hosts: [], refresh: "60s", on_rewrite: "refuse", pins: [] },
  cache: { max_size: "off", max_age: "off", min_free: "1%", pin: [], keep_refused_evidence: true, gc_every: "1h" },
  scrub: { every: "30d", rate: "50MB" },
  metrics: { enabled: true },
  log: { level: "info" },
  memory: { documents: "64MiB", bodies: "128MiB" },
  limits: Object.fromEntries([...LIMITS_BY_KEY].map(([key, limit]) => [key, writtenLimit(limit)])),
  shutdown_grace: "30s",
};

function writtenLimit(limit: keyof Limits): string | number {
  if (limit.endsWith("Bytes")) return formatSize(DEFAULT_LIMITS[limit]);
  return limit.endsWith("Seconds") ? `${DEFAULT_LIMITS[limit]}s` : DEFAULT_LIMITS[limit];
}
