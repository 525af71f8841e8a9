import { Effect } from "effect"
import type { Scope } from "effect"
import type { Rpc } from "effect/rpc"
import { RateLimited } from "../../api/Problem.ts"

/** Maximum number of streams on one connection. */
const MAX_STREAMS_PER_CONNECTION = 100

const streamCounts = new WeakMap<Rpc.ServerClient, number>()

const addToCount = (client: Rpc.ServerClient, change: number) =>
  Effect.sync(() => streamCounts.set(client, (streamCounts.get(client) ?? 0) + change))

/** Counts a stream of a connection until the scope closes. Fails if the connection has too many streams. */
export const countStream = (client: Rpc.ServerClient): Effect.Effect<void, RateLimited, Scope.Scope> =>
  Effect.suspend(() =>
    (streamCounts.get(client) ?? 0) >= MAX_STREAMS_PER_CONNECTION
      ? Effect.fail(
          new RateLimited({
            detail: `The connection has ${MAX_STREAMS_PER_CONNECTION} streams, which is the maximum; end one or open another connection`
          })
        )
      : Effect.asVoid(Effect.acquireRelease(addToCount(client, 1), () => addToCount(client, -1)))
  )
