import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import { AssayError } from "../core/errors.ts";
import type { EcosystemAnswer, EcosystemRequest, Repository } from "../core/ports/ecosystem.ts";
import { SingleFlight } from "../core/single-flight.ts";
import { RefusedMidway } from "../mirror/flight.ts";
import { GIT_NAME, type GitSources } from "../mirror/git/git-sources.ts";
import { answerError } from "./answer-error.ts";
import { askedOf } from "./asked-of.ts";
import type { HttpDeps } from "./deps.ts";
import { type HotPage, pageKey } from "./hot.ts";
import { originOf } from "./origin.ts";
import { landingPage } from "./pages.ts";
import { answerKeys } from "./published-keys.ts";
import { ClientLeft } from "./pump.ts";
import { readBody } from "./request-body.ts";
import { serveArtifact } from "./serve-artifact.ts";
import { serveExplanation } from "./serve-explanation.ts";
import { answerGit, GIT_PROBLEMS, serveGit } from "./serve-git.ts";
import { LOG_NAME, serveLog } from "./serve-log.ts";
import { answerManagement } from "./serve-management.ts";
import { answerMetrics } from "./serve-metrics.ts";
import { hotPage, servePage } from "./serve-page.ts";
import { servePlain } from "./serve-plain.ts";
import { serveSummary, summarizedArchive } from "./serve-summary.ts";
import type { AnswerKind } from "./tally.ts";
import { parseTargetBelow } from "./target.ts";
import { TokenGuesses } from "./token-guesses.ts";

type Env = { Bindings: HttpBindings };

/** What requests of one server share. */
interface Shared {
  readonly pages: SingleFlight<HotPage | Exclude<EcosystemAnswer, { kind: "page" }>>;
  readonly guesses: TokenGuesses;
}

/** Everything but hits. Answers are written to Node's own response: web streams cost three times the CPU, and drop the reason phrase. */
export function createRoutes(deps: HttpDeps, state: { readonly closing: boolean }): Hono<Env> {
  const app = new Hono<Env>();
  const shared: Shared = { pages: new SingleFlight(), guesses: new TokenGuesses(deps) };

  app.get("/", (context) => context.html(landingPage(deps.repositories, originOf(context.env.incoming, deps.publicUrl))));
  app.get("/healthz", (context) => context.json({ status: "ok" }));
  app.get("/readyz", async (context) => {
    if (state.closing) return context.json({ status: "closing" }, 503);
    await deps.index.counters();
    // A stale root is a reason to look, not to take the service away: what was signed by what it knows is still told from what was not.
    const trust = deps.trust.status().map(({ name, from, sha256 = null, stale = null }) => ({ name, from, sha256, stale }));
    return context.json({ status: "ok", trust });
  });
  app.get("/api/v1/artifacts", async (context) => {
    const { incoming, outgoing } = context.env;
    await serveExplanation(incoming as IncomingMessage, outgoing as ServerResponse, context.req.query("purl"), deps);
    return RESPONSE_ALREADY_SENT;
  });
  app.get("/.well-known/assay-keys.json", (context) => answerKeys(deps.keys, deps.logOrigin).then((answer) => context.json(answer)));
  app.all(`/${LOG_NAME}/*`, async (context) => {
    const { incoming, outgoing } = context.env;
    await serveLog(incoming as IncomingMessage, outgoing as ServerResponse, deps.publicLog, deps.limits.pathCharacters);
    return RESPONSE_ALREADY_SENT;
  });
  const { metrics } = deps;
  if (metrics) app.get("/metrics", (context) => answerMetrics(metrics, context.req.header("authorization")));
  const { git } = deps;
  if (git) {
    app.get("/api/v1/git", (context) => answerGit(context.req.query("repository"), git).then((answer) => context.json(answer)));
    app.all(`/${GIT_NAME}/*`, (context) => answerGitClient(context, git, deps));
  }
  for (const repository of deps.repositories) {
    const handler = (context: Context<Env>): Promise<Response> => serveRepository(context, repository, deps, shared);
    app.all(`/${repository.name}`, handler);
    app.all(`/${repository.name}/*`, handler);
  }
  app.notFound((context) => answerFailed(context, new AssayError("NOT_FOUND", "nothing is served at this path"), undefined, deps));
  app.onError((error, context) => answerFailed(context, error, undefined, deps));
  return app;
}

async function answerGitClient(context: Context<Env>, git: GitSources, deps: HttpDeps): Promise<Response> {
  const { incoming, outgoing } = context.env;
  try {
    await serveGit(incoming as IncomingMessage, outgoing as ServerResponse, git, deps);
  } catch (error) {
    countFailure(error, GIT_NAME, deps);
    answerError(incoming as IncomingMessage, outgoing as ServerResponse, error, { log: deps.log, askedOf: GIT_PROBLEMS });
  } finally {
    deps.tally.answered(GIT_NAME, "other", outgoing.statusCode);
  }
  return RESPONSE_ALREADY_SENT;
}

async function serveRepository(
  context: Context<Env>,
  repository: Repository,
  deps: HttpDeps,
  { pages, guesses }: Shared,
): Promise<Response> {
  const { incoming, outgoing } = context.env;
  let kind: AnswerKind = "other";
  try {
    const managed = await answerManagement(incoming as IncomingMessage, outgoing as ServerResponse, repository, { ...deps, guesses });
    if (managed) {
      await servePlain(incoming as IncomingMessage, outgoing as ServerResponse, managed);
      return RESPONSE_ALREADY_SENT;
    }
    const request = ecosystemRequest(incoming as IncomingMessage, repository, deps);
    const owner = await ownerOf(repository, request, deps);
    const summarized = await summarizedArchive(request, owner, deps);
    if (summarized) {
      const about = { repository: owner, ref: summarized, origin: request.origin };
      await serveSummary(incoming as IncomingMessage, outgoing as ServerResponse, about, deps);
      return RESPONSE_ALREADY_SENT;
    }
    const work = async (): Promise<HotPage | Exclude<EcosystemAnswer, { kind: "page" }>> => {
      const madeAt = deps.hot.moment;
      const answer = await deps.ecosystems[owner.ecosystem].handle(owner, request);
      return answer.kind === "page" ? hotPage(owner.name, answer, madeAt, deps) : answer;
    };
    // Any number of first requests for one page make it once. A request with a body is its own.
    const answer = request.method === "POST" ? await work() : await pages.run(pageKey(incoming as IncomingMessage), work);
    kind = kindOf(answer);
    await send(incoming as IncomingMessage, outgoing as ServerResponse, owner, request, answer, deps);
    return RESPONSE_ALREADY_SENT;
  } catch (error) {
    countFailure(error, repository.name, deps);
    return answerFailed(context, error, repository, deps);
  } finally {
    deps.tally.answered(repository.name, kind, outgoing.statusCode);
  }
}

/** Who answers: of a virtual repository the member that owns the package, so that one archive has one place, one history and one verdict whichever way it is asked for. */
async function ownerOf(repository: Repository, { segments }: EcosystemRequest, { ecosystems }: HttpDeps): Promise<Repository> {
  if (!repository.members) return repository;
  return (await ecosystems[repository.ecosystem].memberFor?.(repository, segments)) ?? repository;
}

function kindOf(answer: HotPage | Exclude<EcosystemAnswer, { kind: "page" }>): AnswerKind {
  if (!("kind" in answer)) return "page";
  return answer.kind === "artifact" ? "archive" : "other";
}

function countFailure(error: unknown, repository: string, { tally }: HttpDeps): void {
  if (error instanceof RefusedMidway) tally.cut(repository);
  else if (!(error instanceof ClientLeft)) tally.failed(repository, error instanceof AssayError ? error.code : "INTERNAL");
}

function ecosystemRequest(incoming: IncomingMessage, repository: Repository, deps: HttpDeps): EcosystemRequest {
  const { method } = incoming;
  if (method !== "GET" && method !== "HEAD" && method !== "POST") {
    throw new AssayError("METHOD_NOT_ALLOWED", `${repository.name} takes no writes: it answers GET and HEAD`, {
      help: "publish to a hosted repository, or to the registry itself",
    });
  }
  const { segments, query } = parseTargetBelow(repository.name, incoming.url ?? "", deps.limits.pathCharacters);
  return {
    method,
    segments,
    query,
    accept: incoming.headers.accept,
    origin: originOf(incoming, deps.publicUrl),
    mount: `/${repository.name}`,
    body: () => readBody(incoming, deps.limits.requestBodyBytes),
    requestContentType: incoming.headers["content-type"],
  };
}

async function send(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  repository: Repository,
  request: EcosystemRequest,
  answer: HotPage | Exclude<EcosystemAnswer, { kind: "page" }>,
  deps: HttpDeps,
): Promise<void> {
  if (!("kind" in answer)) return servePage(incoming, outgoing, answer, deps);
  switch (answer.kind) {
    case "artifact":
      return serveArtifact(incoming, outgoing, repository, answer, request.origin, deps);
    case "redirect":
      // Behind a reverse proxy the path that a client sees may have a prefix that we do not.
      outgoing.writeHead(answer.status, {
        Location: `${deps.publicUrl ?? ""}${answer.location}`,
        "Content-Length": "0",
        "Cache-Control": "public, max-age=600",
      });
      outgoing.end();
      return;
    case "plain":
      return servePlain(incoming, outgoing, answer);
    default:
      return answer satisfies never;
  }
}

function answerFailed(context: Context<Env>, error: unknown, repository: Repository | undefined, deps: HttpDeps): Response {
  const { incoming, outgoing } = context.env;
  const request = incoming as IncomingMessage;
  const about = repository && askedOf(request, repository, deps);
  answerError(request, outgoing as ServerResponse, error, { log: deps.log, askedOf: about });
  return RESPONSE_ALREADY_SENT;
}
