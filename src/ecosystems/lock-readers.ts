import type { LockReader } from "../core/lock-file.ts";
import { AGENT_LOCK } from "./aam/locks/agent-lock.ts";
import { CLIENT_LOCK } from "./aam/locks/client-lock.ts";
import { PACKAGE_LOCK } from "./npm/locks/package-lock.ts";
import { PNPM_LOCK } from "./npm/locks/pnpm-lock.ts";
import { POETRY_LOCK } from "./pypi/locks/poetry-lock.ts";
import { PYLOCK_TOML } from "./pypi/locks/pylock-toml.ts";
import { REQUIREMENTS_TXT } from "./pypi/locks/requirements-txt.ts";
import { UV_LOCK } from "./pypi/locks/uv-lock.ts";

/** Every kind of lock file that Assay reads, told apart by the file's name. */
export const LOCK_READERS: readonly LockReader[] = [
  AGENT_LOCK,
  CLIENT_LOCK,
  REQUIREMENTS_TXT,
  PYLOCK_TOML,
  UV_LOCK,
  POETRY_LOCK,
  PACKAGE_LOCK,
  PNPM_LOCK,
];
