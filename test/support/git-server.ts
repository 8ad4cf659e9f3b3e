import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { devNull, tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Nothing of this machine's own git configuration, and the same author and time for everybody. */
const GIT_ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: devNull,
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "A U Thor",
  GIT_AUTHOR_EMAIL: "author@registry.example",
  GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
  GIT_COMMITTER_NAME: "C O Mitter",
  GIT_COMMITTER_EMAIL: "committer@registry.example",
  GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
};

export interface GitRun {
  readonly code: number;
  /** Standard output and error together. */
  readonly output: string;
}

/** Runs a git client. `config` is set for this run only. */
export function runGitClient(folder: string, args: readonly string[], config: Readonly<Record<string, string>> = {}): Promise<GitRun> {
  const settings = Object.entries(config).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  return new Promise((resolve) => {
    const options = { cwd: folder, env: GIT_ENVIRONMENT, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 };
    execFile("git", [...settings, ...args], options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
      resolve({ code, output: `${stdout}\n${stderr}` });
    });
  });
}

function git(folder: string, args: readonly string[], input?: string | Buffer): string {
  return execFileSync("git", args, {
    cwd: folder,
    env: GIT_ENVIRONMENT,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
    input: input ?? "",
  }).trim();
}

/** A repository upstream, and a work tree to change it from. */
export interface UpstreamRepository {
  /** Commits one file on top of what is checked out and publishes it as `branch`. Answers the commit. */
  commit(text: string, options?: { readonly branch?: string; readonly file?: string }): string;
  /** Publishes another history as `branch`: a commit without parents, with this text as one of its files. */
  rewrite(text: string, options?: { readonly branch?: string; readonly file?: string }): string;
  /** Puts a ref wherever it is told, by force. */
  point(ref: string, object: string): void;
  delete(ref: string): void;
  /** Runs git in the bare repository. */
  git(args: readonly string[], input?: string | Buffer): string;
  remove(): void;
}

export interface GitServer {
  readonly origin: string;
  /** Method and target of every request so far, oldest first. */
  readonly requests: readonly string[];
  /** `Authorization` of every request so far; undefined where there was none. */
  readonly authorizations: readonly (string | undefined)[];
  /** Makes an empty repository at `OWNER/NAME`. */
  repository(name: string): UpstreamRepository;
  /** Answers every request with this from now on; undefined to be well again. Never ending it is being slow. */
  answerInstead(answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined): void;
  /** Answers one request as it does when it is well. */
  answer(request: IncomingMessage, response: ServerResponse): void;
  /** Safe to call twice. */
  close(): Promise<void>;
}

/** A git host on loopback: `git http-backend` over bare repositories, as any operator would set it up. */
export async function startGitServer(): Promise<GitServer> {
  const root = mkdtempSync(join(tmpdir(), "assay-git-server-"));
  const requests: string[] = [];
  const authorizations: (string | undefined)[] = [];
  let instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    authorizations.push(request.headers.authorization);
    if (instead) instead(request, response);
    else backend(join(root, "bare"), request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  let isClosed = false;
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    authorizations,
    repository: (name) => makeRepository(root, name),
    answerInstead: (answer) => {
      instead = answer;
    },
    answer: (request, response) => backend(join(root, "bare"), request, response),
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function makeRepository(root: string, name: string): UpstreamRepository {
  const [bare, work] = [join(root, "bare", name), join(root, "work", name)];
  for (const folder of [bare, work]) mkdirSync(folder, { recursive: true });
  git(bare, ["init", "--quiet", "--bare", "--initial-branch=main"]);
  git(work, ["init", "--quiet", "--initial-branch=main"]);
  const commit = (text: string, file: string): string => {
    mkdirSync(dirname(join(work, file)), { recursive: true });
    writeFileSync(join(work, file), text);
    git(work, ["add", "--all"]);
    git(work, ["commit", "--quiet", "--allow-empty", "--message", text.slice(0, 50)]);
    return git(work, ["rev-parse", "HEAD"]);
  };
  const publish = (branch: string): void => void git(work, ["push", "--quiet", "--force", bare, `HEAD:refs/heads/${branch}`]);
  return {
    commit: (text, { branch = "main", file = "README.md" } = {}) => {
      const made = commit(text, file);
      publish(branch);
      return made;
    },
    rewrite: (text, { branch = "main", file = "README.md" } = {}) => {
      git(work, ["checkout", "--quiet", "--orphan", `other-${Math.random().toString(36).slice(2)}`]);
      const made = commit(text, file);
      publish(branch);
      return made;
    },
    point: (ref, object) => {
      git(work, ["push", "--quiet", "--force", bare, `${object}:${ref}`]);
    },
    delete: (ref) => void git(bare, ["update-ref", "-d", ref]),
    git: (args, input) => git(bare, args, input),
    remove: () => rmSync(bare, { recursive: true }),
  };
}

/** The CGI protocol around `git http-backend`. */
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const [path = "", query = ""] = (request.url ?? "").split("?", 2);
  const child = spawn("git", ["http-backend"], {
    env: {
      ...GIT_ENVIRONMENT,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"],
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
      GIT_PROTOCOL: [request.headers["git-protocol"] ?? ""].flat().join(":"),
    },
  });
  child.stdin.on("error", () => {});
  request.pipe(child.stdin);
  let head: Buffer | undefined = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    if (!head) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const headers = head
      .toString("latin1", 0, end)
      .split("\r\n")
      .map((line) => line.split(": ", 2) as [string, string]);
    const status = headers.find(([name]) => name === "Status")?.[1];
    for (const [name, value] of headers) if (name !== "Status") response.setHeader(name, value);
    response.statusCode = status === undefined ? 200 : Number.parseInt(status, 10);
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  child.on("close", () => response.end());
}
