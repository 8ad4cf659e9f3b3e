import { spawn } from "node:child_process";
import { constants } from "node:os";

/** A terminal's Ctrl+C reaches npm and us at the same time, and npm passes its own on: signals closer than this are one. */
const SAME_SIGNAL_MS = 500;

/**
 * glibc gives each of Node's threads a heap of its own and returns little of it: with two heaps, twenty archives at once take about 25 MB less. Other C libraries
 * do not know the variable, and what somebody has set stays.
 */
const FEW_HEAPS = { MALLOC_ARENA_MAX: "2" };

/**
 * Goes on as `node ...args`: in place of this process where the running Node is the right one and the platform can do that, so that
 * signals need no passing on; else as a child whose end becomes ours.
 */
export function launch(node, args) {
  const env = { ...FEW_HEAPS, ...node.env };
  if (node.running && typeof process.execve === "function" && process.platform !== "win32") {
    process.execve(node.path, [node.path, ...args], env);
  }
  const child = spawn(node.path, args, { stdio: "inherit", env });
  const lastSent = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // On a terminal the child is in the same foreground group and has had this Ctrl+C already.
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      const now = Date.now();
      if (now - (lastSent.get(signal) ?? 0) < SAME_SIGNAL_MS) return;
      lastSent.set(signal, now);
      child.kill(signal);
    });
  }
  child.on("error", (error) => {
    throw error;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // End by the same signal, so that our caller sees what happened.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
  });
}
