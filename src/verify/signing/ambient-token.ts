import { CIContextProvider } from "@sigstore/sign";

/** The identity token that the surrounding CI service gives: GitHub Actions and Buildkite, which the library finds by the process's environment. Undefined where there is none. */
export async function ambientToken(audience: string): Promise<string | undefined> {
  return new CIContextProvider(audience).getToken().catch(() => undefined);
}
