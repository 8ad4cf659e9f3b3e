import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { AssayError } from "../../src/core/errors.ts";
import { ClientLeft } from "../../src/http/pump.ts";
import { readForm } from "../../src/http/read-form.ts";

interface Sender {
  readonly socket: Socket;
  /** What reading the form came to: its parts, or the code that it was refused with. */
  readonly outcome: Promise<readonly string[] | string>;
}

/** A sender of `bytes`, and a server that reads its form and every file in it. */
async function send(bytes: string, idleMs = 30_000): Promise<Sender> {
  const outcome = Promise.withResolvers<readonly string[] | string>();
  const server = createServer(async (request) => {
    const parts: string[] = [];
    try {
      for await (const part of readForm(request, { fieldBytes: 100, idleMs })) {
        let text = part.kind === "field" ? part.value : "";
        if (part.kind === "file") for await (const chunk of part.bytes) text += Buffer.from(chunk).toString();
        parts.push(`${part.kind} ${part.name}=${text}`);
      }
      outcome.resolve(parts);
    } catch (error) {
      outcome.resolve(error instanceof AssayError ? error.code : error instanceof ClientLeft ? "left" : String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => {
    socket.destroy();
    server.close();
    server.closeAllConnections();
  });
  socket.write(bytes);
  return { socket, outcome: outcome.promise };
}

const HEAD = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n";
const FILE = '--b\r\nContent-Disposition: form-data; name="archive"; filename="a"\r\n\r\nbytes';
const FIELD = '--b\r\nContent-Disposition: form-data; name="tag"\r\n\r\nstable';
const chunked = (body: string): string => `${HEAD}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`;

test.each([
  ["before anything came", `${HEAD}Content-Length: 1000\r\n\r\n`],
  ["in the middle of a file", chunked(FILE)],
  ["in the middle of a field", chunked(FIELD)],
])("a sender that falls silent %s is not waited for", async (_, bytes) => {
  expect(await (await send(bytes, 200)).outcome).toBe("BAD_REQUEST");
});

test("a sender that leaves in the middle of a file is known to have left", async () => {
  const { socket, outcome } = await send(chunked(FILE));
  setTimeout(() => socket.destroy(), 100);
  expect(await outcome).toBe("left");
});

test.each([
  ["ends in the middle of a part", `${HEAD}Content-Length: ${FILE.length}\r\n\r\n${FILE}`, "BAD_REQUEST"],
  ["is of another type", "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "BAD_REQUEST"],
  ["names no boundary", "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data\r\nContent-Length: 2\r\n\r\n{}", "BAD_REQUEST"],
  ["has a field past its bound", `${chunked(`${FIELD}${"e".repeat(200)}\r\n--b--\r\n`)}0\r\n\r\n`, "PAYLOAD_TOO_LARGE"],
  ["has a field without a name", `${chunked("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n")}0\r\n\r\n`, "BAD_REQUEST"],
  ["has a file without a name", `${chunked(`${FILE.replace('name="archive"; ', "")}\r\n--b--\r\n`)}0\r\n\r\n`, "BAD_REQUEST"],
])("a body that %s is refused", async (_, bytes, code) => {
  expect(await (await send(bytes)).outcome).toBe(code);
});

test("parts come in their order, fields and files alike", async () => {
  const { outcome } = await send(`${chunked(`${FIELD}\r\n${FILE}\r\n${FIELD}\r\n--b--\r\n`)}0\r\n\r\n`);
  expect(await outcome).toEqual(["field tag=stable", "file archive=bytes", "field tag=stable"]);
});
