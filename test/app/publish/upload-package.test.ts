import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { readPackage } from "../../../src/app/publish/read-package.ts";
import type { PackageSignature } from "../../../src/app/publish/sign-package.ts";
import { uploadPackage } from "../../../src/app/publish/upload-package.ts";
import { Secret } from "../../../src/core/secret.ts";
import { folderOf, packageContent } from "../../support/package-folder.ts";

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Cut the connection in place of an answer. */
  readonly cut?: true;
}

interface Asked {
  readonly what: string;
  readonly authorization: string | undefined;
  readonly form: FormData | undefined;
}

/** A registry that gives these answers in their order. */
async function registry(...answers: readonly Answer[]): Promise<{ readonly url: URL; readonly asked: readonly Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const { status, body, headers = {}, cut } = answers[asked.length] ?? { status: 500 };
    asked.push({ what: `${request.method} ${request.url}`, authorization: request.headers.authorization, form: await formOf(request) });
    if (cut) response.destroy();
    else response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/skills`), asked };
}

async function formOf(request: IncomingMessage): Promise<FormData | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { "content-type": type } = request.headers;
  return type === undefined ? undefined : new Response(Buffer.concat(chunks), { headers: { "content-type": type } }).formData();
}

const subject = () => readPackage(folderOf(packageContent()), { epochSeconds: 0, source: undefined });
const GPG: PackageSignature = { kind: "gpg", text: Buffer.from("-----BEGIN PGP SIGNATURE-----"), fingerprint: "a".repeat(40) };

async function upload(url: URL, options: { signatures?: readonly PackageSignature[]; tag?: string; token?: string } = {}) {
  const { signatures = [], tag, token = "aam_secret" } = options;
  const progress: string[] = [];
  const wishes = {
    registry: url,
    token: new Secret(token),
    tag,
    env: {},
    progress: (sent: number, total: number) => void progress.push(`${sent}/${total}`),
  };
  return { ...(await uploadPackage(await subject(), signatures, wishes)), progress };
}

test.each([
  { name: "a registry that everybody on the way can read", url: "http://registry.example/" },
  { name: "no registry", url: "file:///srv/registry" },
])("a token is not sent to $name", async ({ url }) => {
  await expect(upload(new URL(url))).rejects.toMatchObject({ code: "USAGE", message: expect.stringContaining("https") });
});

test("a redirect is not followed with the token", async () => {
  const elsewhere = await registry();
  const { url } = await registry({ status: 307, headers: { location: elsewhere.url.href } });
  await expect(upload(url)).rejects.toMatchObject({ code: "UPSTREAM_REDIRECT" });
  expect(elsewhere.asked).toEqual([]);
});

test.each<{ name: string; answer: Answer; code: string; message: string }>([
  {
    name: "no token",
    answer: { status: 401, body: { error: { code: "UNAUTHORIZED", message: "who?" } } },
    code: "UNAUTHORIZED",
    message: '"who?"',
  },
  {
    name: "a signature that it does not take",
    answer: { status: 403, body: { error: { code: "SIGNATURE_INVALID", message: "no" } } },
    code: "FORBIDDEN",
    message: '"SIGNATURE_INVALID"',
  },
  {
    name: "a manifest that it does not take, in the flat dialect",
    answer: { status: 400, body: { error: "invalid_manifest", message: "wrong", details: [{ field: "name", error: "too\u001b[2Jlong" }] } },
    code: "BAD_REQUEST",
    message: '"name": "too\\u001b[2Jlong"',
  },
  { name: "no reason", answer: { status: 422, body: [] }, code: "UNPROCESSABLE", message: "no reason" },
  { name: "an archive that is too large for it", answer: { status: 413 }, code: "PAYLOAD_TOO_LARGE", message: "413" },
  { name: "a bug of its own", answer: { status: 500 }, code: "UPSTREAM_STATUS", message: "500" },
])("a registry that refuses for $name is told in its own words, and asked once", async ({ answer, code, message }) => {
  const { url, asked } = await registry(answer);
  const error = await upload(url).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  expect(String(error)).not.toContain("aam_secret");
  expect(asked).toHaveLength(1);
});

test.each([
  { name: "UAAPS", document: (hex: string) => ({ integrity: `sha256-${Buffer.from(hex, "hex").toString("base64")}` }) },
  { name: "AAM", document: (hex: string) => ({ checksum: { sha256: hex } }) },
])("a version that is there with other bytes is a conflict, one with the same bytes is done: $name", async ({ document }) => {
  const other = await registry({ status: 409 }, { status: 200, body: document("f".repeat(64)) });
  await expect(upload(other.url)).rejects.toMatchObject({ code: "CONFLICT" });
  const { digest } = await subject();
  const same = await registry({ status: 409 }, { status: 200, body: document(digest) });
  expect(await upload(same.url)).toMatchObject({ outcome: "there" });
  expect(same.asked.map(({ what }) => what)).toEqual(["POST /skills/packages", "GET /skills/packages/@myorg/demo/1.2.3"]);
});

test("a registry that keeps other bytes than were sent has not published them", async () => {
  const { url } = await registry({ status: 201, body: { checksum: { sha256: "f".repeat(64) } } });
  await expect(upload(url)).rejects.toMatchObject({
    code: "UPSTREAM_MALFORMED",
    help: expect.stringContaining("between here and the registry"),
  });
});

test("an answer past its bound is cut off", async () => {
  const { url } = await registry({ status: 201, body: { filler: "x".repeat(1024 * 1024) } });
  await expect(upload(url)).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
});

test.each([
  { name: "a gateway without a registry", first: { status: 503 } },
  { name: "a cut connection", first: { status: 0, cut: true } },
] as const)("after $name the same bytes are sent again", async ({ first }) => {
  const { url, asked } = await registry(first, { status: 201 });
  expect(await upload(url)).toMatchObject({ outcome: "published" });
  expect(asked).toHaveLength(2);
});

test("archive, signatures, attestation and tag are parts of one form, with the token beside it", async () => {
  const { url, asked } = await registry({ status: 201, body: { approval_status: "pending" } });
  const { outcome, url: place, progress } = await upload(url, { signatures: [GPG], tag: "beta" });
  const [{ form, authorization } = { form: undefined, authorization: undefined }] = asked;
  expect({ outcome, place, authorization }).toEqual({
    outcome: "pending",
    place: `${url}/packages/@myorg/demo/1.2.3`,
    authorization: "Bearer aam_secret",
  });
  expect([...(form?.keys() ?? [])]).toEqual(["archive", "signature_type", "signature", "tag"]);
  const [archive, signature] = [form?.get("archive"), form?.get("signature")];
  if (!(archive instanceof File) || !(signature instanceof File)) throw new Error("archive and signature are no files");
  expect(archive.name).toBe("myorg--demo-1.2.3.aam");
  expect(Buffer.from(await archive.arrayBuffer()).equals((await subject()).bytes)).toBe(true);
  expect([form?.get("signature_type"), await signature.text(), form?.get("tag")]).toEqual(["gpg", GPG.text.toString(), "beta"]);
  expect(progress.at(-1)).toMatch(/^(\d+)\/\1$/);
});
