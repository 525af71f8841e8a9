import { Effect } from "effect"
import { readdir, readFile } from "node:fs/promises"
import { setPriority } from "node:os"

/** Threads of Node's pool: `UV_THREADPOOL_SIZE`, by default 4. */
export const POOL_SIZE = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4)
/** Nice value. The event loop has 0. */
const PRIORITY = 5

/**
 * Lowers the priority of the threads of Node's pool, which hash passwords, below that of the event loop: a lookup does not
 * wait while a hash uses the CPU. Requires that the pool has been used. Only Linux has priorities of threads.
 */
export const lowerPriority: Effect.Effect<void> = Effect.ignore(
  Effect.tryPromise(async () => {
    for (const thread of await readdir("/proc/self/task")) {
      const name = await readFile(`/proc/self/task/${thread}/comm`, "utf8")
      if (name.trim() === "libuv-worker") setPriority(Number(thread), PRIORITY)
    }
  })
)
