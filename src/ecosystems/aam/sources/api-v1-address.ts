/** What we ask registries of the AAM dialect for. It has one media type. */
export const API_V1_ACCEPT = "application/json";

/** Where the dialect begins at an upstream, with a final slash. Its clients are configured with the address before `/api/v1`; one that ends in it is meant so. */
export function apiV1Base(registry: URL): URL {
  return registry.pathname.endsWith("/api/v1/") ? registry : new URL("api/v1/", registry);
}
