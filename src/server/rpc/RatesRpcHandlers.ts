import { Array, Cause, Clock, Duration, Effect, Option, Schema, Stream } from "effect"
import type { Rpc } from "effect/rpc"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Caller } from "../../api/access/Caller.ts"
import { ConversionResult, QuoteResult } from "../../api/conversion/ConversionResult.ts"
import * as PollMessages from "../../api/polling/PollMessage.ts"
import type * as Problem from "../../api/Problem.ts"
import type { RateEventMessage } from "../../api/rates/RateEventMessage.ts"
import { RatesRpcs } from "../../api/rates/RatesRpcs.ts"
import { converterOf } from "../../domain/access/Principal.ts"
import { QuoteId } from "../../domain/conversion/Quote.ts"
import { Reference } from "../../domain/conversion/Conversion.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import type { RateEvent } from "../../domain/rates/RateEvent.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import * as RateFreshness from "../../rates/RateFreshness.ts"
import { Broadcaster } from "../../rates/feed/Broadcaster.ts"
import type { Mailbox } from "../../rates/feed/Mailbox.ts"
import type { Subscription } from "../../rates/feed/RateFeed.ts"
import * as RpcBackPressure from "./RpcBackPressure.ts"
import { countStream } from "./RpcStreamLimit.ts"
import * as IdempotencyKey from "../encoding/IdempotencyKey.ts"
import { ConversionRequests } from "../http/ConversionRequests.ts"
import { Drain } from "../Drain.ts"
import * as PairParams from "../http/PairParams.ts"
import * as Problems from "../middleware/Problems.ts"
import * as RateEncoding from "../encoding/RateEncoding.ts"
import { RateRequests } from "../http/RateRequests.ts"
import * as Heartbeat from "../stream/Heartbeat.ts"

/** Handlers of the RPCs, for both protocols. */
export const layer = RatesRpcs.toLayer(
  Effect.gen(function* () {
    const { isStaleAt } = yield* RateFreshness.make
    const { pairs } = yield* AssetCatalog
    const broadcaster = yield* Broadcaster
    const drain = yield* Drain
    const requests = yield* RateRequests
    const conversions = yield* ConversionRequests

    const subscribe = (client: Rpc.ServerClient, subscription: Subscription) =>
      Effect.andThen(countStream(client), broadcaster.subscribe(subscription))

    const streamOf = <A>(
      mailbox: Mailbox,
      toMessages: (events: ReadonlyArray<RateEvent>) => Effect.Effect<ReadonlyArray<A>>
    ) =>
      Stream.fromEffectRepeat(Effect.flatMap(mailbox.take, toMessages)).pipe(
        Stream.filter(Array.isReadonlyArrayNonEmpty),
        Stream.flattenArray,
        Stream.interruptWhen(drain.awaitEndOfStreams)
      )

    const toRateMessages = Effect.fnUntraced(function* (events: ReadonlyArray<RateEvent>) {
      const isStale = isStaleAt(yield* Clock.currentTimeMillis)
      return events.flatMap((event) => toMessage(event, isStale))
    })
    const toPollMessages = (events: ReadonlyArray<RateEvent>) =>
      Effect.succeed(
        events.flatMap((event) => (event._tag === "PollFinished" ? [PollMessages.toMessage(event.run)] : []))
      )

    return RatesRpcs.of({
      GetRate: ({ from, maxAge, to }) =>
        handleCall(Effect.map(requests.lookup(from, to, maxAge), RateEncoding.toMessage)),

      ListRates: ({ base }) =>
        handleCall(Effect.map(requests.list(base), ({ rates }) => rates.map(RateEncoding.toMessage))),

      Convert: Effect.fnUntraced(function* ({ idempotencyKey, quoteId, ...payload }) {
        const key = yield* Effect.fromResult(IdempotencyKey.parse(idempotencyKey))
        const quote = yield* decodeOptional(QuoteId, quoteId, "/quoteId")
        const body = { ...(yield* toBody(payload)), ...(quote === undefined ? {} : { quote_id: quote }) }
        const { conversion } = yield* conversions.convert(body, key, converterOf(yield* Caller))
        return yield* Effect.orDie(decodeConversion(conversion))
      }, handleCall),

      CreateQuote: Effect.fnUntraced(function* ({ ttl, ...payload }) {
        const body = yield* toBody(payload)
        const lifetime = ttl === undefined ? {} : { ttl: `${Math.ceil(Duration.toMillis(ttl))} millis` }
        const quote = yield* conversions.createQuote({ ...body, ...lifetime }, converterOf(yield* Caller))
        return yield* Effect.orDie(decodeQuote(quote))
      }, handleCall),

      WatchRates: (payload, { client }) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const mailbox = yield* subscribe(client, {
              pairs: payload.pairs && (yield* PairParams.parse(pairs, payload.pairs, "/pairs")),
              since:
                payload.since === undefined
                  ? undefined
                  : Option.getOrUndefined(StreamPosition.parse(payload.since))
            })
            return streamOf(mailbox, toRateMessages)
          })
        ),

      WatchHeartbeats: (_payload, { client }) =>
        Stream.unwrap(
          Effect.as(
            countStream(client),
            Stream.tick(Heartbeat.HEARTBEAT_INTERVAL).pipe(
              Stream.map(() => Heartbeat.toMessage(broadcaster.contact())),
              Stream.interruptWhen(drain.awaitEndOfStreams)
            )
          )
        ),

      WatchPolls: (_payload, { client }) =>
        Stream.unwrap(
          Effect.map(subscribe(client, { pairs: [] }), (mailbox) => streamOf(mailbox, toPollMessages))
        )
    })
  })
)

const toMessage = (event: RateEvent, isStale: (rate: Rate) => boolean): ReadonlyArray<RateEventMessage> => {
  const { epoch, sequence } = event
  const toRateMessage = (rate: Rate) => RateEncoding.toMessage({ rate, stale: isStale(rate) })
  switch (event._tag) {
    case "Snapshot":
      return [{ _tag: "Snapshot", epoch, sequence, rates: event.rates.map(toRateMessage) }]
    case "RateChanged":
      return [{ _tag: "RateChanged", epoch, sequence, rate: toRateMessage(event.rate) }]
    case "RateStale":
      return [
        {
          _tag: "RateChanged",
          epoch,
          sequence,
          rate: RateEncoding.toMessage({ rate: event.rate, stale: true })
        }
      ]
    case "Gap":
      return [{ _tag: "Gap", epoch, sequence, since: StreamPosition.format(event.since) }]
    case "PollFinished":
      return []
  }
}

const decodeConversion = Schema.decodeEffect(ConversionResult)
const decodeQuote = Schema.decodeUnknownEffect(QuoteResult)

/** Decodes a field of the payload, unless it is undefined. */
const decodeOptional = <A extends string>(
  schema: Schema.Codec<A, string>,
  text: string | undefined,
  pointer: string
) =>
  text === undefined
    ? Effect.undefined
    : Effect.mapError(Schema.decodeEffect(schema)(text), ({ message }) => Problems.invalid(pointer, message))

/** Converts a payload to the request body of the HTTP API. */
const toBody = Effect.fnUntraced(function* (payload: {
  readonly amount: string
  readonly amountType?: "source" | "target"
  readonly fromCurrency: string
  readonly reference?: string
  readonly toCurrency: string
}) {
  const reference = yield* decodeOptional(Reference, payload.reference, "/reference")
  return {
    amount: payload.amount,
    from_currency: payload.fromCurrency,
    to_currency: payload.toCurrency,
    ...(payload.amountType === undefined ? {} : { amount_type: payload.amountType }),
    ...(reference === undefined ? {} : { reference })
  }
})

/** Runs a call with a permit of its connection. Logs a defect, and fails with an internal error. */
const handleCall = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E | Problem.Internal, R> =>
  RpcBackPressure.withPermit(call).pipe(
    Effect.catchCauseIf(Cause.hasDies, (cause) =>
      Effect.flatMap(Problems.unexpected("an RPC", cause), Effect.fail)
    )
  )
