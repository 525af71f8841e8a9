import { Array, Cause, Clock, Duration, Effect, Option, Schema, Stream } from "effect"
import type { Rpc } from "effect/rpc"
import { Caller } from "../../api/access/RpcAccess.ts"
import { ConversionResult, QuoteResult } from "../../api/conversion/ConversionResult.ts"
import * as PollMessages from "../../api/polling/PollMessage.ts"
import * as Problem from "../../api/Problem.ts"
import type { RateEventMessage } from "../../api/rates/RateEventMessage.ts"
import { RatesRpcs } from "../../api/rates/RatesRpcs.ts"
import { Settings } from "../../config/Settings.ts"
import { QuoteId } from "../../domain/conversion/AuditRecord.ts"
import { Reference } from "../../domain/conversion/Conversion.ts"
import { isStaleAt, type Rate } from "../../domain/rates/Rate.ts"
import type { RateEvent } from "../../domain/rates/RateEvent.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import { Broadcaster } from "../../rates/feed/Broadcaster.ts"
import type { Mailbox } from "../../rates/feed/Mailbox.ts"
import type { Subscription } from "../../rates/feed/RateFeed.ts"
import * as BackPressure from "../stream/BackPressure.ts"
import * as ConversionRequests from "../http/ConversionRequests.ts"
import { Drain } from "../Drain.ts"
import * as PairParams from "../http/PairParams.ts"
import * as Problems from "../middleware/Problems.ts"
import * as RateEncoding from "../http/RateEncoding.ts"
import * as RateRequests from "../http/RateRequests.ts"

/** How many streams one client may have on one connection. */
const STREAMS_PER_CLIENT = 100

/** Answers the typed calls and streams, whichever way they come. */
export const layer = RatesRpcs.toLayer(
  Effect.gen(function* () {
    const { pairs, staleAfter } = yield* Settings
    const broadcaster = yield* Broadcaster
    const drain = yield* Drain
    const requests = yield* RateRequests.make
    const conversions = yield* ConversionRequests.make
    const streams = new WeakMap<Rpc.ServerClient, number>()

    /** A mailbox for as long as the scope is open. */
    const subscribe = Effect.fnUntraced(function* (client: Rpc.ServerClient, subscription: Subscription) {
      const count = (change: number) => streams.set(client, (streams.get(client) ?? 0) + change)
      if ((streams.get(client) ?? 0) >= STREAMS_PER_CLIENT)
        return yield* new Problem.RateLimited({
          detail: `At most ${STREAMS_PER_CLIENT} streams per connection`
        })
      yield* Effect.acquireRelease(
        Effect.sync(() => count(1)),
        () => Effect.sync(() => count(-1))
      )
      return yield* broadcaster.subscribe(subscription)
    })

    const untilDrain = <A>(
      mailbox: Mailbox,
      tell: (events: ReadonlyArray<RateEvent>) => Effect.Effect<ReadonlyArray<A>>
    ) =>
      Stream.fromEffectRepeat(Effect.flatMap(mailbox.take, tell)).pipe(
        Stream.filter(Array.isReadonlyArrayNonEmpty),
        Stream.flattenArray,
        Stream.interruptWhen(drain.begun)
      )

    const tellRates = Effect.fnUntraced(function* (events: ReadonlyArray<RateEvent>) {
      const isStale = isStaleAt(yield* Clock.currentTimeMillis, staleAfter)
      return events.flatMap((event) => toMessage(event, isStale))
    })
    const tellPolls = (events: ReadonlyArray<RateEvent>) =>
      Effect.succeed(
        events.flatMap((event) => (event._tag === "PollFinished" ? [PollMessages.toMessage(event.run)] : []))
      )

    return RatesRpcs.of({
      GetRate: ({ from, maxAge, to }) =>
        safely(Effect.map(requests.rate(from, to, maxAge), RateEncoding.toMessage)),

      ListRates: ({ base }) =>
        safely(Effect.map(requests.known(base), ({ found }) => found.map(RateEncoding.toMessage))),

      Convert: Effect.fnUntraced(function* ({ idempotencyKey, quoteId, ...asked }) {
        const key = yield* Effect.fromResult(ConversionRequests.keyOf(idempotencyKey))
        const quote = yield* given(QuoteId, quoteId, "/quoteId")
        const body = { ...(yield* bodyOf(asked)), ...(quote === undefined ? {} : { quote_id: quote }) }
        const answer = yield* conversions.convert(body, key, yield* Caller)
        return yield* Effect.orDie(decodeConversion(answer.body))
      }, safely),

      CreateQuote: Effect.fnUntraced(function* ({ ttl, ...asked }) {
        const body = yield* bodyOf(asked)
        const lifetime = ttl === undefined ? {} : { ttl: `${Math.ceil(Duration.toMillis(ttl))} millis` }
        const quote = yield* conversions.createQuote({ ...body, ...lifetime }, yield* Caller)
        return yield* Effect.orDie(decodeQuote(quote))
      }, safely),

      WatchRates: (asked, { client }) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const mailbox = yield* subscribe(client, {
              pairs: asked.pairs && (yield* PairParams.find(pairs, asked.pairs, "/pairs")),
              since:
                asked.since === undefined
                  ? undefined
                  : Option.getOrUndefined(StreamPosition.parse(asked.since))
            })
            return untilDrain(mailbox, tellRates)
          })
        ),

      WatchPolls: (_asked, { client }) =>
        Stream.unwrap(
          Effect.map(subscribe(client, { pairs: [] }), (mailbox) => untilDrain(mailbox, tellPolls))
        )
    })
  })
)

const toMessage = (event: RateEvent, isStale: (rate: Rate) => boolean): ReadonlyArray<RateEventMessage> => {
  const { epoch, sequence } = event
  const told = (rate: Rate) => RateEncoding.toMessage({ rate, stale: isStale(rate) })
  switch (event._tag) {
    case "Snapshot":
      return [{ _tag: "Snapshot", epoch, sequence, rates: event.rates.map(told) }]
    case "RateChanged":
      return [{ _tag: "RateChanged", epoch, sequence, rate: told(event.rate) }]
    case "Gap":
      return [{ _tag: "Gap", epoch, sequence, since: StreamPosition.format(event.since) }]
    case "PollFinished":
      return []
  }
}

const decodeConversion = Schema.decodeEffect(Schema.fromJsonString(ConversionResult))
const decodeQuote = Schema.decodeUnknownEffect(QuoteResult)

/** A text of a request by its schema, where it is given. */
const given = <A extends string>(
  schema: Schema.Codec<A, string>,
  text: string | undefined,
  pointer: string
) =>
  text === undefined
    ? Effect.undefined
    : Effect.mapError(Schema.decodeEffect(schema)(text), ({ message }) => Problems.invalid(pointer, message))

/** What was asked for, as the body of the HTTP API has it. */
const bodyOf = Effect.fnUntraced(function* (asked: {
  readonly amount: string
  readonly amountType?: "source" | "target"
  readonly fromCurrency: string
  readonly reference?: string
  readonly toCurrency: string
}) {
  const reference = yield* given(Reference, asked.reference, "/reference")
  return {
    amount: asked.amount,
    from_currency: asked.fromCurrency,
    to_currency: asked.toCurrency,
    ...(asked.amountType === undefined ? {} : { amount_type: asked.amountType }),
    ...(reference === undefined ? {} : { reference })
  }
})

/** Tells a caller of a failure that nobody foresaw, and the log why. */
const safely = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E | Problem.Internal, R> =>
  BackPressure.counted(call).pipe(
    Effect.catchCauseIf(Cause.hasDies, (cause) =>
      Effect.flatMap(Problems.ofUnforeseen("a call", cause), Effect.fail)
    )
  )
