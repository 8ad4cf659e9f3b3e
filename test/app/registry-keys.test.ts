import { afterEach, beforeEach, expect, test } from "vitest";
import { mirrorConfig, publishTarball } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

const KEYS = "/npm/-/npm/v1/keys";

let upstream: FakeUpstream;
let mirror: MirrorBench;
beforeEach(async () => {
  upstream = await startFakeUpstream();
  mirror = await startMirror({ config: mirrorConfig(upstream) });
  const signatures = [{ keyid: "SHA256:abc", sig: Buffer.from("a signature of sorts").toString("base64") }];
  publishTarball(upstream, { name: "demo", dist: { signatures } });
});
afterEach(async () => {
  await mirror.close();
  await upstream.close();
});

const page = { contentType: "text/html", body: "<h1>Welcome</h1>" };

test.each<{ name: string; answer: () => void; status: number }>([
  { name: "404", answer: () => {}, status: 200 },
  ...[400, 401, 403, 405, 501].map((status) => ({
    name: String(status),
    answer: () => upstream.fault(KEYS, { kind: "status", status }),
    status: 200,
  })),
  { name: "a page for people", answer: () => upstream.serve(KEYS, page), status: 200 },
  { name: "an empty list", answer: () => upstream.serve(KEYS, { contentType: "application/json", body: '{"keys":[]}' }), status: 200 },
  { name: "500", answer: () => upstream.fault(KEYS, { kind: "status", status: 500 }), status: 503 },
  { name: "nothing", answer: () => upstream.fault(KEYS, { kind: "disconnect" }), status: 503 },
])("a registry that signs, and answers $name when asked for its keys: the archive is a $status", async ({ answer, status }) => {
  answer();
  expect((await mirror.get("/npm/demo/-/demo-1.0.0.tgz")).status).toBe(status);
});
