import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Array, Effect, Option, Stream } from "effect"
import { HttpServerRequest } from "effect/http"
import { CurrentUser } from "../../api/access/CurrentUser.ts"
import * as EventPosition from "../../domain/wallets/EventPosition.ts"
import { UserEvents } from "../../wallets/events/UserEvents.ts"
import { Wallets } from "../../wallets/Wallets.ts"
import { Drain } from "../Drain.ts"
import * as Problems from "../middleware/Problems.ts"
import { StreamAccess } from "../middleware/access/StreamAccess.ts"
import * as Heartbeat from "./Heartbeat.ts"
import * as Sse from "./Sse.ts"
import { StreamConnections } from "./StreamConnections.ts"
import * as UserEventEncoding from "./UserEventEncoding.ts"

/** Creates the function that responds with the events of the current user, from a position or from now. */
export const make = Effect.gen(function* () {
  const connections = yield* StreamConnections
  const drain = yield* Drain
  const streamAccess = yield* StreamAccess
  const toMessage = yield* UserEventEncoding.make
  const userEvents = yield* UserEvents
  const wallets = yield* Wallets

  return Effect.fnUntraced(function* (since: string | undefined) {
    const user = yield* CurrentUser
    const wallet = yield* wallets.ofUser(user.userId).pipe(Effect.catchTags(Problems.storeErrors))
    // The scope is the request's, which stays open until the stream has ended. A session ends its connection.
    yield* connections.acquire("sse")
    const { authorization } = NodeHttpServerRequest.toIncomingMessage(
      yield* HttpServerRequest.HttpServerRequest
    ).headers
    const endOfAccess = streamAccess.awaitEnd(user, authorization)
    const reader = yield* userEvents.subscribe({
      wallet,
      includesSecurity: user.sessionId !== undefined,
      since: since === undefined ? undefined : Option.getOrUndefined(EventPosition.parse(since))
    })
    const events = Stream.fromEffectRepeat(
      Effect.map(
        reader.take,
        Array.map((event) => UserEventEncoding.toSseBytes(toMessage(event)))
      )
    ).pipe(Stream.flattenArray)
    const heartbeats = Stream.map(Stream.drop(Stream.tick(Heartbeat.HEARTBEAT_INTERVAL), 1), () =>
      Heartbeat.toSseBytes(userEvents.contact())
    )
    return Sse.respond(
      Stream.merge(events, heartbeats).pipe(
        Stream.interruptWhen(Effect.raceFirst(drain.awaitEndOfStreams, endOfAccess))
      ),
      "no-store"
    )
  })
})
