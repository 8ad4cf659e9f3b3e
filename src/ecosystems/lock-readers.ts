import type { LockReader } from "../core/lock-file.ts";
import { AGENT_LOCK } from "./aam/locks/agent-lock.ts";
import { CLIENT_LOCK } from "./aam/locks/client-lock.ts";

/** Every kind of lock file that Assay reads, told apart by the file's name. */
export const LOCK_READERS: readonly LockReader[] = [AGENT_LOCK, CLIENT_LOCK];
