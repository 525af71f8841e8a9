import { Array, Effect, Option, Stream } from "effect"
import { CurrentUser } from "../../api/access/CurrentUser.ts"
import type { UserEventMessage } from "../../api/wallets/UserEventMessage.ts"
import { WalletRpcs } from "../../api/wallets/WalletRpcs.ts"
import * as EventPosition from "../../domain/wallets/EventPosition.ts"
import { UserEvents } from "../../wallets/events/UserEvents.ts"
import { Wallets } from "../../wallets/Wallets.ts"
import { Drain } from "../Drain.ts"
import * as Problems from "../middleware/Problems.ts"
import * as Heartbeat from "../stream/Heartbeat.ts"
import * as UserEventEncoding from "../stream/UserEventEncoding.ts"
import * as RpcStreamLimit from "./RpcStreamLimit.ts"

/** Handlers of the RPCs of wallets, for both protocols. */
export const layer = WalletRpcs.toLayer(
  Effect.gen(function* () {
    const drain = yield* Drain
    const toMessage = yield* UserEventEncoding.make
    const userEvents = yield* UserEvents
    const wallets = yield* Wallets

    return WalletRpcs.of({
      WatchWallet: ({ since }, { client }) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const { sessionId, userId } = yield* CurrentUser
            const wallet = yield* wallets.ofUser(userId).pipe(Effect.catchTags(Problems.storeErrors))
            yield* RpcStreamLimit.countStream(client)
            const reader = yield* userEvents.subscribe({
              wallet,
              includesSecurity: sessionId !== undefined,
              since: since === undefined ? undefined : Option.getOrUndefined(EventPosition.parse(since))
            })
            const events = Stream.fromEffectRepeat(
              Effect.map(
                reader.take,
                Array.map((event): UserEventMessage => toMessage(event))
              )
            ).pipe(Stream.flattenArray)
            const heartbeats = Stream.map(
              Stream.drop(Stream.tick(Heartbeat.HEARTBEAT_INTERVAL), 1),
              (): UserEventMessage => ({ _tag: "Heartbeat", ...Heartbeat.toMessage(userEvents.contact()) })
            )
            return Stream.interruptWhen(Stream.merge(events, heartbeats), drain.awaitEndOfStreams)
          })
        )
    })
  })
)
