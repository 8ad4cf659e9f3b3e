import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { AssayError } from "../core/errors.ts";
import type { GitRepository } from "../core/git.ts";
import type { GitProtocol } from "../core/ports/git.ts";
import { printableLine } from "../core/printable-line.ts";
import type { DescribedRepository, GitSources, OpenedRepository } from "../mirror/git/git-sources.ts";
import type { AskedOf } from "./asked-of.ts";
import type { HttpDeps } from "./deps.ts";
import { ClientLeft } from "./pump.ts";
import { readBody } from "./request-body.ts";
import { parseTarget } from "./target.ts";

const unzip = promisify(gunzip);
const REASON_CHARACTERS = 300;
const SERVICE = "git-upload-pack";
const PUSH_SERVICE = "git-receive-pack";

/** Git shows a body to its user where it is plain text, and nothing else of an answer but its status. */
export const GIT_PROBLEMS: AskedOf = {
  ecosystem: { problemBody: ({ detail }) => ({ contentType: "text/plain; charset=utf-8", body: Buffer.from(`assay: ${detail}\n`) }) },
  context: { path: "", base: "" },
};

/** What a request below `/git` is for. */
type GitRequest = { readonly repository: GitRepository } & ({ readonly kind: "refs" } | { readonly kind: "pack" });

/**
 * Answers git over smart HTTP, for reading. https://git-scm.com/docs/gitprotocol-http. Throws FORBIDDEN for a push and for the dumb protocol, which would hand out files as they are;
 * NOT_FOUND, METHOD_NOT_ALLOWED, BAD_REQUEST, PAYLOAD_TOO_LARGE, and what `GitSources` throws.
 */
export async function serveGit(request: IncomingMessage, response: ServerResponse, git: GitSources, deps: HttpDeps): Promise<void> {
  const wanted = gitRequest(request, git, deps.limits.pathCharacters);
  const protocol = protocolOf(request.headers["git-protocol"]);
  switch (wanted.kind) {
    case "refs": {
      const opened = await git.open(wanted.repository);
      const body = await git.advertise(wanted.repository, protocol);
      response.writeHead(200, {
        ...NEVER_CACHED,
        ...freshness(opened, deps.clock.now()),
        "Content-Type": `application/x-${SERVICE}-advertisement`,
        "Content-Length": String(body.length),
      });
      response.end(request.method === "HEAD" ? undefined : body);
      return;
    }
    case "pack": {
      const body = await bodyOf(request, deps.limits.requestBodyBytes);
      const pack = await git.uploadPack(wanted.repository, protocol, body);
      response.writeHead(200, { ...NEVER_CACHED, "Content-Type": `application/x-${SERVICE}-result` });
      return send(response, pack);
    }
    default:
      return wanted satisfies never;
  }
}

/** What is known of one repository, as JSON: `?repository=HOST/OWNER/NAME`. Throws BAD_REQUEST and NOT_FOUND. */
export async function answerGit(repository: string | undefined, git: GitSources) {
  const [host, owner, name, ...rest] = (repository ?? "").split("/");
  if (host === undefined || owner === undefined || name === undefined || rest.length > 0) {
    throw new AssayError("BAD_REQUEST", "expected ?repository=HOST/OWNER/NAME of a mirrored git repository");
  }
  return describe(await git.describe(git.find(host, owner, name)));
}

function describe({ repository, record, served, pins, changes }: DescribedRepository) {
  const recorded = new Map(record.refs.map((ref) => [ref.ref, ref]));
  const names = [...new Set([...recorded.keys(), ...served.refs.keys()])].toSorted();
  return {
    repository,
    head: served.head ?? null,
    checkedAt: new Date(record.checkedAt).toISOString(),
    refs: names.map((ref) => ({ ref, object: served.refs.get(ref) ?? null, upstream: recorded.get(ref)?.upstream ?? null })),
    pins: pins.map(({ ref, commit }) => ({ ref, commit })),
    changes: changes.map((change) => ({ ...change, at: new Date(change.at).toISOString() })),
  };
}

const NEVER_CACHED = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } as const;

function gitRequest(request: IncomingMessage, git: GitSources, maxCharacters: number): GitRequest {
  const { segments, query } = parseTarget(request.url ?? "", maxCharacters);
  const [, host = "", owner = "", name = "", ...rest] = segments;
  // As it was sent, so that an encoded slash is none: one address for one thing.
  const what = rest.map(encodeURIComponent).join("/");
  if (what === PUSH_SERVICE || query.get("service") === PUSH_SERVICE) {
    throw new AssayError("FORBIDDEN", "this is a mirror: it takes no pushes", { help: "push to the repository itself" });
  }
  const repository = git.find(host, owner, name);
  if (what === "info/refs") {
    if (query.get("service") !== SERVICE)
      throw new AssayError("FORBIDDEN", "only git's smart HTTP protocol is served here", { help: "use git 1.6.6 or newer" });
    mustBe(request, ["GET", "HEAD"]);
    return { kind: "refs", repository };
  }
  if (what === SERVICE) {
    mustBe(request, ["POST"]);
    return { kind: "pack", repository };
  }
  throw new AssayError("NOT_FOUND", "nothing is served at this path", { help: "clone /git/HOST/OWNER/NAME with git" });
}

function mustBe({ method = "" }: IncomingMessage, methods: readonly string[]): void {
  if (methods.includes(method)) return;
  throw new AssayError("METHOD_NOT_ALLOWED", `expected ${methods.join(" or ")}, got ${printableLine(method, 20)}`);
}

/** A client that names none, or one that we do not know, speaks version 0. Several are separated by colons. https://git-scm.com/docs/protocol-v2 */
function protocolOf(header: string | string[] | undefined): GitProtocol {
  const named = [header ?? ""].flat().join(":").split(":");
  if (named.includes("version=2")) return 2;
  return named.includes("version=1") ? 1 : 0;
}

/** Git compresses requests that are long. At most `maxBytes`, both as sent and unpacked. */
async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (request.headers["content-type"] !== `application/x-${SERVICE}-request`) {
    throw new AssayError("BAD_REQUEST", `expected a request of type application/x-${SERVICE}-request`);
  }
  const coding = request.headers["content-encoding"] ?? "identity";
  if (coding !== "identity" && coding !== "gzip" && coding !== "x-gzip")
    throw new AssayError("BAD_REQUEST", "expected a request body that is plain or gzipped");
  const body = await readBody(request, maxBytes);
  if (coding === "identity") return body;
  try {
    return await unzip(body, { maxOutputLength: maxBytes });
  } catch (error) {
    const isTooLarge = error instanceof RangeError;
    if (isTooLarge) throw new AssayError("PAYLOAD_TOO_LARGE", `the request body unpacks to more than ${maxBytes} bytes`);
    throw new AssayError("BAD_REQUEST", "the request body is not valid gzip", { cause: error });
  }
}

/** Refs that upstream could not confirm say so, as index pages do; and how many upstream has rewritten. */
function freshness({ stale, checkedAt, refusedRefs }: OpenedRepository, now: number): Record<string, string> {
  return {
    ...(refusedRefs === 0 ? {} : { "X-Assay-Refused-Refs": String(refusedRefs) }),
    ...(stale === undefined
      ? {}
      : {
          Age: String(Math.max(0, Math.round((now - checkedAt) / 1000))),
          Warning: '110 - "Response is Stale"',
          "X-Assay-Stale": printableLine(stale, REASON_CHARACTERS),
        }),
  };
}

/** At the client's pace. Git ends when the client leaves. */
async function send(response: ServerResponse, pack: Readable): Promise<void> {
  const leave = (): void => void pack.destroy();
  response.once("close", leave);
  try {
    for await (const chunk of pack as AsyncIterable<Buffer>) {
      if (response.destroyed) throw new ClientLeft();
      if (!response.write(chunk)) await drained(response);
    }
    response.end();
  } catch (error) {
    throw response.destroyed ? new ClientLeft() : error;
  } finally {
    response.off("close", leave);
    pack.destroy();
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      response.off("drain", settle);
      response.off("close", settle);
      if (response.destroyed) reject(new ClientLeft());
      else resolve();
    };
    response.once("drain", settle);
    response.once("close", settle);
  });
}
