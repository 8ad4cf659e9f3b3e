import { parentPort } from "node:worker_threads";
import { parseTrustRoot, type TrustRoot } from "./trust-root.ts";
import type { VerificationJob } from "./verification-job.ts";
import { verifyBundle } from "./verify-bundle.ts";

/** Roots already made, by what they were made from: keys and certificates take longer to read than most bundles. */
const roots = new Map<string, TrustRoot>();
const MAX_ROOTS = 16;

// One job at a time: the pool sends the next one only after the answer.
parentPort?.on("message", ({ bundle, root, digests, keys, limits }: VerificationJob) => {
  parentPort?.postMessage(verifyBundle({ bundle: Buffer.from(bundle), root: rootOf(root), artifact: { digests }, keys, limits }));
});

function rootOf({ name, source, sha256, text }: VerificationJob["root"]): TrustRoot {
  const key = `${sha256} ${name}`;
  const root = roots.get(key) ?? parseTrustRoot(Buffer.from(text), name, source);
  if (roots.size >= MAX_ROOTS) roots.clear();
  roots.set(key, root);
  return root;
}
