import { Effect, Layer, Option } from "effect"
import { Command } from "effect/cli"
import { Settings } from "../config/Settings.ts"
import { AuditSealer } from "../audit/AuditSealer.ts"
import * as V8Heap from "../platform/V8Heap.ts"
import { RatePoller } from "../rates/polling/RatePoller.ts"
import * as RateFollower from "../rates/feed/RateFollower.ts"
import * as HttpServer from "../server/HttpServer.ts"

const sayWhatIsMadeUp = Layer.effectDiscard(
  Effect.gen(function* () {
    const { databaseUrl, dataDir, sandbox } = yield* Settings
    if (sandbox) {
      yield* Effect.logWarning(
        "The built-in sandbox answers, and its rates are made up: set FLUTTERWAVE_SECRET_KEY"
      )
    }
    if (Option.isNone(databaseUrl))
      yield* Effect.logInfo(`The embedded PostgreSQL keeps its data in ${dataDir}`)
  })
)

/** Once the start is over, of which the first poll is a part. */
const letYoungSpaceGrow = Layer.effectDiscard(
  Effect.sync(V8Heap.letGrow).pipe(Effect.delay("3 seconds"), Effect.forkScoped)
)

const background = Layer.mergeAll(RatePoller.layerBackground, RateFollower.layer, AuditSealer.layerBackground)

/**
 * `effex serve`: polls, and answers over HTTP, until it is told to stop. Then, in this order: it says that it is not
 * ready, gives up what it leads, which another node takes over, and ends what is asked of it.
 */
export const command = Command.make("serve", {}, () =>
  Layer.launch(
    Layer.merge(HttpServer.layerAnnounce, letYoungSpaceGrow).pipe(
      Layer.provideMerge(background),
      Layer.provide(HttpServer.layer),
      Layer.provide(sayWhatIsMadeUp)
    )
  )
).pipe(Command.withDescription("Keep the rates fresh and serve them over HTTP"))
