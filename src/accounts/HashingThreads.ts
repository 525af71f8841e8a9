import { Effect } from "effect"
import { readdir, readFile } from "node:fs/promises"
import { getPriority, setPriority } from "node:os"

const configuredSize = Number(process.env["UV_THREADPOOL_SIZE"])
/** Threads of Node's pool: `UV_THREADPOOL_SIZE`, by default 4. */
export const POOL_SIZE = Number.isInteger(configuredSize) && configuredSize > 0 ? configuredSize : 4
/**
 * Added to the nice value of the event loop, which is 0 unless the operator sets another. Linux compares it within one container,
 * service or session only. There, programs that keep a CPU busy leave 3 % of it to a nice value of 15, and 1 % to one of 19.
 */
export const NICE_INCREMENT = 15
const MAX_NICE = 19

/**
 * Lowers the priority of the threads of Node's pool, which hash passwords, below that of the event loop: a lookup does not
 * wait while a hash uses the CPU. Requires that the pool has been used. Only Linux has priorities of threads.
 */
export const lowerPriority: Effect.Effect<void> = Effect.ignore(
  Effect.tryPromise(async () => {
    const nice = Math.min(getPriority() + NICE_INCREMENT, MAX_NICE)
    for (const thread of await readdir("/proc/self/task")) {
      const name = await readFile(`/proc/self/task/${thread}/comm`, "utf8")
      if (name.trim() === "libuv-worker") setPriority(Number(thread), nice)
    }
  })
)
