import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { CONFINED, type ConfinedCommand, runConfined } from "../../../../src/app/rebuild/foreign/run-confined.ts";
import { canConfine, NOT_CONFINED } from "../../../support/can-confine.ts";

const searchPath = process.env["PATH"] ?? "";
let scratch: string;
let source: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "assay-confined-"));
  source = join(scratch, "tree");
  mkdirSync(source);
  writeFileSync(join(source, "README.md"), "the source\n");
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs a shell script where foreign code runs. Answers what it leaves. */
async function confined(script: string, more: Partial<ConfinedCommand> = {}): Promise<string> {
  const into = join(scratch, "into");
  await runConfined({
    command: ["/bin/sh", "-c", script],
    source,
    readable: [],
    env: { PATH: "/usr/bin:/bin" },
    scratch,
    searchPath,
    into,
    maxBytes: 1024 * 1024,
    timeoutMs: 60_000,
    ...more,
  });
  return readFileSync(into, "utf8");
}

const FILE = `${CONFINED.out}/file`;

test("where it cannot be confined nothing of it runs", async () => {
  // A PATH whose `setpriv` only says that it is not allowed to.
  const tools = join(scratch, "tools");
  mkdirSync(tools);
  writeFileSync(join(tools, "setpriv"), "#!/bin/sh\necho not permitted >&2\nexit 1\n", { mode: 0o755 });
  const ran = join(scratch, "ran");
  await expect(confined(`touch ${ran}; echo x >${FILE}`, { searchPath: tools })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining("not permitted"),
  });
  expect(existsSync(ran)).toBe(false);
});

test("a result that cannot be written ends what makes it", async ({ skip }) => {
  if (!canConfine()) skip("this system lets nobody make namespaces, so foreign code is never run");
  const mark = markOf();
  writeFileSync(join(scratch, "into"), "somebody else's");
  await expect(confined(`sleep ${mark}`)).rejects.toMatchObject({ code: "EEXIST" });
  await gone(mark);
  expect(readFileSync(join(scratch, "into"), "utf8")).toBe("somebody else's");
}, 60_000);

describe.skipIf(!canConfine())(`foreign code${canConfine() ? "" : NOT_CONFINED}`, () => {
  test("reaches no server, not even on loopback", async () => {
    const asked: string[] = [];
    const server = createHttpServer((request, response) => {
      asked.push(request.url ?? "");
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const script = `
      fetch("http://127.0.0.1:${port}/").then(() => "reached", (error) => error.cause.code)
        .then((what) => require("node:fs").writeFileSync("${FILE}", what))`;
    const said = await confined("", { command: [process.execPath, "-e", script], readable: [process.execPath] });
    expect(said).toMatch(/^E(?:NETUNREACH|CONNREFUSED)$/);
    expect(asked).toEqual([]);
  }, 60_000);

  test("sees no secret of the environment, and none in the processes of this machine", async () => {
    process.env["ASSAY_TEST_SECRET"] = "hunter2";
    onTestFinished(() => void delete process.env["ASSAY_TEST_SECRET"]);
    const seen = await confined(`{ env; cat /proc/*/environ | tr '\\0' '\\n'; } >${FILE} 2>/dev/null`, {
      env: { PATH: "/usr/bin:/bin", GIVEN: "1" },
    });
    expect(seen).toContain("GIVEN=1");
    expect(seen).not.toContain("hunter2");
    const names = new Set(seen.split("\n").map((line) => line.split("=", 1)[0]));
    // The second half: the shell's own, and what the tools are given that confine it.
    expect(
      [...names].filter((name) => !["PATH", "GIVEN", "HOME", "TMPDIR", "LC_ALL", "PWD", "OLDPWD", "_", "SHLVL", ""].includes(name ?? "")),
    ).toEqual([]);
  }, 60_000);

  test("sees no file and no socket of this machine but its programs, and can write to none", async () => {
    const secret = join(scratch, "secret");
    writeFileSync(secret, "hunter2");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(scratch, "socket"), resolve));
    onTestFinished(() => void server.close());
    const provided = join(scratch, "provided");
    mkdirSync(provided);
    const told = await confined(
      `{ ls / /etc /job; for each in ${secret} ${join(scratch, "socket")} ${homeOfTests()} /etc/shadow /etc/hosts /run /var /sys; do [ -e $each ] && echo "sees $each"; done
         for each in /usr/new ${CONFINED.provided}/new; do touch $each && echo "writes $each"; done
         mount -o remount,rw /usr && echo "mounts"; mkdir /tmp/m && mount -t tmpfs x /tmp/m && echo "mounts"
         [ -d /proc/self ] && { grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status; echo 1 >/proc/sys/kernel/core_pattern && echo "tunes"; }; } >${FILE}; true`,
      { provided },
    );
    expect(told).not.toMatch(/sees|writes|mounts|tunes/);
    for (const [, capabilities] of told.matchAll(/^Cap\w+:\s*(\w+)$/gm)) expect(capabilities).toMatch(/^0+$/);
    expect(readdirSync(provided)).toEqual([]);
  }, 60_000);

  test("is not run where it would see the folder that it runs in", async () => {
    await expect(confined(`ls >${FILE}`, { readable: [scratch] })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("data folder"),
    });
  }, 60_000);

  test("changes a copy of the source, which leaves nothing behind", async () => {
    expect(await confined(`echo changed >>README.md; cat README.md >${FILE}`)).toBe("the source\nchanged\n");
    expect(readFileSync(join(source, "README.md"), "utf8")).toBe("the source\n");
    expect(readdirSync(scratch).toSorted()).toEqual(["empty", "into", "tree"]);
  }, 60_000);

  test("that never ends is ended, with all that it started", async () => {
    const mark = markOf();
    const script = `(setsid sleep ${mark} &) ; (trap '' TERM HUP; sleep ${mark}) & sleep ${mark}`;
    await expect(confined(script, { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: "UNPROCESSABLE",
      message: expect.stringContaining("did not finish within 2 s"),
    });
    await gone(mark);
  }, 60_000);

  test("that ends leaves no process behind", async () => {
    const mark = markOf();
    await confined(`(setsid sleep ${mark} >/dev/null 2>&1 &); echo done >${FILE}`);
    await gone(mark);
  }, 60_000);

  test("that forks without end is ended", async () => {
    const mark = markOf();
    const script = `forks() { sleep ${mark} & forks & }; forks; sleep ${mark}`;
    await expect(confined(`ulimit -p 200 2>/dev/null; ${script}`, { timeoutMs: 2_000 })).rejects.toMatchObject({ code: "UNPROCESSABLE" });
    await gone(mark);
  }, 120_000);

  test("ends when Assay is killed", async () => {
    const mark = markOf();
    const module = JSON.stringify(new URL("../../../../src/app/rebuild/foreign/run-confined.ts", import.meta.url).href);
    const options = {
      command: ["/bin/sh", "-c", `sleep ${mark}`],
      source,
      readable: [],
      env: { PATH: "/usr/bin:/bin" },
      scratch,
      searchPath,
      into: join(scratch, "into"),
      maxBytes: 1,
      timeoutMs: 120_000,
    };
    const text = `import { runConfined } from ${module}; await runConfined(${JSON.stringify(options)});`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", text], { stdio: "ignore" });
    await expect.poll(() => running(mark), { timeout: 60_000 }).not.toEqual([]);
    child.kill("SIGKILL");
    await gone(mark);
  }, 120_000);

  test.each([
    { name: "fails", script: "echo 'why\\033[2J' >&2; exit 3", says: /failed: why \[2J$/ },
    { name: "leaves no file", script: "true", says: /exactly one file/ },
    { name: "leaves two", script: `echo >${FILE}; echo >${FILE}2`, says: /exactly one file/ },
    { name: "leaves a link", script: `ln -s /job/source/README.md ${FILE}`, says: /exactly one file/ },
    { name: "leaves more than it may", script: `head -c 1048577 /dev/zero >${FILE}`, says: /a file of more than 1048576 bytes/ },
    { name: "prints without end", script: "exec yes", says: /printed more than 16777216 bytes/ },
    { name: "writes more than the memory that it has", script: "cat /dev/zero >/tmp/large", says: /No space left on device/ },
  ])(
    "that $name is an error that says so",
    async ({ script, says }) => {
      await expect(confined(script)).rejects.toMatchObject({ code: "UNPROCESSABLE", message: expect.stringMatching(says) });
    },
    120_000,
  );

  test("may leave as much as it may", async () => {
    expect(await confined(`head -c 1048576 /dev/zero >${FILE}`)).toHaveLength(1024 * 1024);
  }, 60_000);
});

/** Seconds to sleep that no other process sleeps, by which it is found again. */
function markOf(): string {
  return `${100_000 + Math.floor(Math.random() * 800_000)}.${process.pid}`;
}

function running(mark: string): readonly string[] {
  const listed = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
  return listed.split("\n").filter((line) => line === `sleep ${mark}`);
}

async function gone(mark: string): Promise<void> {
  await expect.poll(() => running(mark), { timeout: 30_000 }).toEqual([]);
}

function homeOfTests(): string {
  return `${import.meta.dirname}`;
}
