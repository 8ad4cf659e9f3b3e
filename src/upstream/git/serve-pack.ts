import { once } from "node:events";
import type { Readable } from "node:stream";
import { AssayError } from "../../core/errors.ts";
import type { GitProtocol } from "../../core/ports/git.ts";
import { gitEnvironment } from "./git-environment.ts";
import { endGit, lastWords, runGit, startGit } from "./run-git.ts";

const ADVERTISE_MS = 60_000;
/** The first packets of a smart answer in protocol versions 0 and 1. https://git-scm.com/docs/gitprotocol-http#_smart_clients */
const SERVICE = "001e# service=git-upload-pack\n0000";

/** What `GET info/refs` is answered with. Throws STORE_IO. */
export async function advertiseRefs(folder: string, protocol: GitProtocol, searchPath: string | undefined): Promise<Buffer> {
  const args = ["upload-pack", "--strict", "--stateless-rpc", "--advertise-refs", folder];
  const { code, output, said } = await runGit({ folder, args, env: environment(protocol, searchPath), timeoutMs: ADVERTISE_MS });
  if (code !== 0) throw new AssayError("STORE_IO", `a mirrored git repository could not be read: ${said}`);
  return protocol === 2 ? output : Buffer.concat([Buffer.from(SERVICE), output]);
}

interface PackOptions {
  readonly protocol: GitProtocol;
  readonly request: Buffer;
  readonly searchPath: string | undefined;
  readonly signal: AbortSignal;
  readonly ended: () => void;
}

/**
 * Answers one request of a client that fetches. Git ends when the stream is destroyed. Where git fails on the way the stream ends early, which a client tells by the checksum
 * at the end of a pack. `ended` is called once, when git has ended.
 * Throws BAD_REQUEST where git takes nothing of the request.
 */
export async function packFor(folder: string, options: PackOptions): Promise<Readable> {
  const { protocol, searchPath, signal } = options;
  const args = ["upload-pack", "--strict", "--stateless-rpc", folder];
  const child = await startGit({ folder, args, env: environment(protocol, searchPath), signal }).catch((error: unknown) => {
    options.ended();
    throw error;
  });
  const { stdout, stdin } = child;
  if (!stdout || !stdin) throw new Error("git was started without pipes");
  const said = lastWords(child);
  const exited = once(child, "exit").then(([code]) => code as number | null);
  void exited.then(options.ended);
  stdout.once("close", () => endGit(child));
  stdin.end(options.request);
  await Promise.race([once(stdout, "readable"), once(stdout, "end")]);
  const code = stdout.readableLength === 0 ? await exited : 0;
  if (code === 0) return stdout;
  stdout.destroy();
  throw new AssayError("BAD_REQUEST", `git does not take this request: ${said()}`);
}

function environment(protocol: GitProtocol, searchPath: string | undefined): NodeJS.ProcessEnv {
  return { ...gitEnvironment(searchPath, "none"), ...(protocol === 0 ? {} : { GIT_PROTOCOL: `version=${protocol}` }) };
}
