// Started by hand: node test/verify/sigstore/sigstore-bench.ts. Tells what one verification takes in a warm process.
import { createHash } from "node:crypto";
import { verifyBundle } from "../../../src/verify/sigstore/verify-bundle.ts";
import { type Loose, SigstoreInstance } from "../../support/sigstore-instance.ts";

const WARM_UP = 60;
const RUNS = 300;

const instance = new SigstoreInstance();
const root = instance.trustRoot();
const artifact = Buffer.from("the archive");
const digests = { sha256: createHash("sha256").update(artifact).digest("hex") };
const statement = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "a", digest: digests }],
  predicateType: "p",
  predicate: null,
};

const bundles: readonly { readonly name: string; readonly bundle: Loose }[] = [
  { name: "statement, first generation", bundle: instance.signStatement(statement) },
  { name: "message, first generation", bundle: instance.signMessage(artifact) },
  { name: "statement, second generation with timestamp", bundle: instance.signStatement(statement, { log: "rekor2" }) },
];
for (const { name, bundle } of bundles) {
  const request = { bundle: Buffer.from(JSON.stringify(bundle)), root, artifact: { digests } };
  for (let run = 0; run < WARM_UP; run++) verifyBundle(request);
  const before = process.cpuUsage();
  for (let run = 0; run < RUNS; run++) if (!verifyBundle(request).ok) throw new Error(`${name} does not verify`);
  const { user, system } = process.cpuUsage(before);
  console.log(`${name}: ${((user + system) / 1000 / RUNS).toFixed(1)} ms of CPU`);
}
