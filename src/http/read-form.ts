import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { Busboy, type BusboyHeaders, type BusboyInstance } from "@fastify/busboy";
import { AssayError } from "../core/errors.ts";
import type { FormPart } from "../core/ports/ecosystem.ts";
import { quote } from "../core/quote.ts";
import { ClientLeft } from "./pump.ts";

/** Fields and files of one form, together. */
const MAX_PARTS = 64;
const NAME_BYTES = 100;
const MAX_HEADERS = 16;

export interface FormLimits {
  /** Bytes of one field. Files are bounded by whoever reads them. */
  readonly fieldBytes: number;
  /** How long a sender may be silent. */
  readonly idleMs: number;
}

/**
 * The parts of a multipart/form-data body as they come; the sender is read no faster than they are taken. https://www.rfc-editor.org/rfc/rfc7578 Nothing is written to disk
 * and no more than a field is held. Throws BAD_REQUEST for a body that is no such form or whose sender falls silent, PAYLOAD_TOO_LARGE past the bounds, ClientLeft.
 */
export async function* readForm(request: IncomingMessage, { fieldBytes, idleMs }: FormLimits): AsyncGenerator<FormPart> {
  const queue = new PartQueue();
  const busboy = openForm(request, fieldBytes);
  // The parser's types know no part without a name; its events do.
  busboy.on("field", (name: string | undefined, value, nameCut, valueCut) => {
    if (name === undefined) queue.fail(nameless());
    else if (nameCut || valueCut) queue.fail(tooLarge(`the field ${quote(name)} of the form has more than ${fieldBytes} bytes`));
    else queue.push({ kind: "field", name, value });
  });
  busboy.on("file", (name: string | undefined, bytes) => {
    // Also of one that nobody reads: an error without a listener would end the process.
    bytes.on("error", () => {});
    if (name === undefined) queue.fail(nameless());
    else queue.push({ kind: "file", name, bytes: translated(bytes) }, bytes);
  });
  for (const event of ["partsLimit", "filesLimit", "fieldsLimit"] as const) {
    busboy.on(event, () => queue.fail(tooLarge(`the form has more than ${MAX_PARTS} parts`)));
  }
  busboy.on("error", (error) => queue.fail(malformed(error)));
  busboy.on("finish", () => queue.end());
  const stop = feed(request, busboy, { idleMs, failed: (error) => queue.fail(error) });
  try {
    yield* queue.parts();
  } finally {
    stop();
    busboy.destroy();
  }
}

function openForm(request: IncomingMessage, fieldBytes: number): BusboyInstance {
  const { "content-type": contentType } = request.headers;
  if (!contentType?.toLowerCase().startsWith("multipart/form-data")) {
    throw new AssayError("BAD_REQUEST", `expected a body of type multipart/form-data, got ${quote(contentType ?? "none")}`, {
      help: "send the archive as a form, such as with curl -F archive=@FILE",
    });
  }
  try {
    return new Busboy({
      headers: request.headers as BusboyHeaders,
      limits: {
        fieldNameSize: NAME_BYTES,
        fieldSize: fieldBytes,
        fields: MAX_PARTS,
        files: MAX_PARTS,
        parts: MAX_PARTS,
        headerPairs: MAX_HEADERS,
      },
    });
  } catch (error) {
    throw malformed(error);
  }
}

/** Hands the body to the parser at the parser's pace. Answers how to stop; what is left of the body is then for the caller. */
function feed(
  request: IncomingMessage,
  busboy: BusboyInstance,
  { idleMs, failed }: { readonly idleMs: number; readonly failed: (error: Error) => void },
): () => void {
  const silent = (): void =>
    failed(new AssayError("BAD_REQUEST", `nothing came of the form for ${idleMs / 1000} s`, { help: "send it again" }));
  let timer = setTimeout(silent, idleMs);
  const onData = (chunk: Buffer): void => {
    clearTimeout(timer);
    request.pause();
    busboy.write(chunk, () => {
      timer = setTimeout(silent, idleMs);
      request.resume();
    });
  };
  const onEnd = (): void => {
    clearTimeout(timer);
    busboy.end();
  };
  // A request that came whole closes as well.
  const onClose = (): void => void (request.complete || failed(new ClientLeft()));
  request.on("data", onData).once("end", onEnd).once("close", onClose);
  return () => {
    clearTimeout(timer);
    request.off("data", onData).off("end", onEnd).off("close", onClose);
    request.pause();
  };
}

interface Arrived {
  readonly part: FormPart;
  /** Of a file: where its bytes come from. */
  readonly stream: Readable | undefined;
}

/** Parts that came and were not taken yet: at most as many as one chunk of the body holds. */
class PartQueue {
  readonly #waiting: Arrived[] = [];
  /** The part that was taken last. */
  #taken: Arrived | undefined;
  #failure: Error | undefined;
  #ended = false;
  #wake: () => void = () => {};

  push(part: FormPart, stream?: Readable): void {
    this.#waiting.push({ part, stream });
    this.#wake();
  }

  /** Whoever reads a file hears of it too. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const arrived of [this.#taken, ...this.#waiting]) arrived?.stream?.destroy(error);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *parts(): AsyncGenerator<FormPart> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const arrived = this.#waiting.shift();
      if (arrived) {
        this.#taken = arrived;
        yield arrived.part;
      } else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

/** The parser ends a file that was cut short with an error of its own. */
async function* translated(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    throw error instanceof AssayError || error instanceof ClientLeft ? error : malformed(error);
  }
}

function malformed(cause: unknown): AssayError {
  return new AssayError("BAD_REQUEST", "the body is no multipart/form-data that can be read to its end", { cause });
}

function nameless(): AssayError {
  return new AssayError("BAD_REQUEST", "a part of the form has no name", {
    help: 'each part needs Content-Disposition: form-data; name="…"',
  });
}

function tooLarge(message: string): AssayError {
  return new AssayError("PAYLOAD_TOO_LARGE", message);
}
