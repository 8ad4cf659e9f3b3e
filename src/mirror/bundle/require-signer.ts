import { AssayError } from "../../core/errors.ts";
import type { BundleReader } from "./bundle-reader.ts";

/** Throws BAD_REQUEST for a bundle that is signed by another key than those that the operator named. */
export function requireSigner({ keyId }: Pick<BundleReader, "keyId">, accepted: ReadonlySet<string>): void {
  if (accepted.has(keyId)) return;
  const named = accepted.size === 0 ? "no key was named" : `the keys named are ${[...accepted].join(", ")}`;
  throw new AssayError("BAD_REQUEST", `the bundle is signed by ${keyId}, and ${named}: nothing was imported`, {
    help: "compare that id with `assay keys show` of the Assay that made the bundle, then give it with --key or `import: {keys: [...]}`",
  });
}
