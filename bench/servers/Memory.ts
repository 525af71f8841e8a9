import { Effect } from "effect"
import * as Processes from "../Processes.ts"
import type { Server } from "./Servers.ts"

/** Returns the resident memory in bytes of a server started with `Servers.collectable`, after three garbage collections. */
export const afterCollection = Effect.fnUntraced(function* ({ pid }: Server) {
  yield* Effect.sync(() => process.kill(pid, "SIGUSR2")).pipe(
    Effect.andThen(Effect.sleep("400 millis")),
    Effect.repeat({ times: 2 })
  )
  return yield* Processes.residentBytes(pid)
})
