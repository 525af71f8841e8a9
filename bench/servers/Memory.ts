import { Effect } from "effect"
import * as Processes from "../Processes.ts"
import type { Server } from "./Servers.ts"

/** Resident memory of a server that was started as `collectable`, after its garbage was collected thrice, in bytes. */
export const collected = Effect.fnUntraced(function* ({ pid }: Server) {
  yield* Effect.sync(() => process.kill(pid, "SIGUSR2")).pipe(
    Effect.andThen(Effect.sleep("400 millis")),
    Effect.repeat({ times: 2 })
  )
  return yield* Processes.residentBytes(pid)
})
