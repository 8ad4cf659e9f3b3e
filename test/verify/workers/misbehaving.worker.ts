import { parentPort } from "node:worker_threads";

/** Does what a scan must not: whatever the job says. */
parentPort?.on("message", (job: string) => {
  switch (job) {
    case "hang":
      for (;;);
    case "throw":
      throw new Error("a bug");
    case "exit":
      process.exit(0);
      break;
    case "reject":
      void Promise.reject(new Error("a bug"));
      break;
    case "hoard":
      for (const kept: string[][] = []; ; ) kept.push(Array.from({ length: 100_000 }, (_, index) => `${index}`));
    case "environment":
      parentPort?.postMessage(Object.keys(process.env).length);
      break;
    default:
      parentPort?.postMessage(job);
  }
});
