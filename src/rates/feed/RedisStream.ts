import { Array as Arrays, Effect, Option, Schema } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import * as PollMessages from "../../api/polling/PollMessage.ts"
import type { PollSummary } from "../../domain/rates/PollRun.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import { HISTORY } from "./RateFeed.ts"
import * as RateJson from "../lookup/RateJson.ts"

/**
 * The changes in Redis, in the one order in which every process tells them. The id of an entry is its position: the epoch
 * is the millisecond at which the stream was begun, by Redis' clock. It begins with entry 0, which is no change.
 */
const CHANGES = "effex:rates"
/** What was told last of each pair, behind its order: it is told once, and never an older rate after a newer one. */
const TOLD = "effex:rates:told"
const POLLS = "effex:polls"
const POLLS_KEPT = "16"

/** How long a read waits in Redis, and how long it may take in all before the connection is given up. */
const BLOCK_MILLIS = "1000"
const READ_TIMEOUT = "3 seconds"

const LAST = `
local function last()
  local entry = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  if entry then return entry[1] end
  local time = redis.call('TIME')
  local first = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)) .. '-0'
  redis.call('DEL', KEYS[2])
  redis.call('XADD', KEYS[1], first, 'begin', '1')
  return first
end`

const lastScript = EffectRedis.script(() => [CHANGES, TOLD], {
  numberOfKeys: 2,
  lua: `${LAST}\nreturn last()`
}).withReturnType<string>()

const publishScript = EffectRedis.script(
  (pair: string, order: string, rate: string) => [CHANGES, TOLD, pair, order, rate, HISTORY],
  {
    numberOfKeys: 2,
    lua: `${LAST}
local epoch, sequence = string.match(last(), '^(%d+)-(%d+)$')
local told = redis.call('HGET', KEYS[2], ARGV[1])
if told and string.match(told, '^%S*') >= ARGV[2] then return end
local id = epoch .. '-' .. string.format('%.0f', sequence + 1)
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], id, 'rate', ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])`
  }
)

const endScript = EffectRedis.script((last: string) => [CHANGES, last], {
  numberOfKeys: 1,
  lua: `
local entry = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if entry and entry[1] == ARGV[1] then redis.call('DEL', KEYS[1]) end`
})

/** A change, or the beginning of an epoch, or something that somebody else wrote. */
export interface Entry {
  readonly position: StreamPosition.StreamPosition
  readonly rate: Option.Option<Rate>
}

export const make = Effect.gen(function* () {
  const redis = yield* EffectRedis.Redis

  /** The position of the last change. Begins an epoch where there is no stream. */
  const last = Effect.flatMap(redis.eval(lastScript)(), positionOf)

  /** The changes that Redis still has, in order. */
  const history = redis.send("XREVRANGE", CHANGES, "+", "-", "COUNT", String(HISTORY)).pipe(
    Effect.flatMap(readEntries),
    Effect.map((entries) => entries.toReversed())
  )

  /** The newest rate of each pair that was told, also of those whose last change is kept no more. */
  const newest = redis.send("HVALS", TOLD).pipe(
    Effect.flatMap((answer) => Effect.mapError(decodeTexts(answer), unreadable)),
    Effect.flatMap(
      Effect.forEach((told) => Effect.option(RateJson.decode(told.slice(told.indexOf(" ") + 1))))
    ),
    Effect.map(Arrays.getSomes)
  )

  /** Adds a change for all processes, unless it or a newer one of its pair was told. */
  const publish = (rate: Rate) =>
    redis.eval(publishScript)(rate.pair.key, RateJson.orderOf(rate), RateJson.encode(rate))

  const publishPoll = (run: PollSummary) =>
    redis.send("XADD", POLLS, "MAXLEN", "~", POLLS_KEPT, "*", "poll", encodePoll(PollMessages.toMessage(run)))

  /** Ends an epoch whose last change is `position`: the next change begins another one. */
  const end = (position: StreamPosition.StreamPosition) =>
    redis.eval(endScript)(StreamPosition.format(position))

  let lastPoll: string | undefined
  /** The polls that finish from now on are read; the first time that it is called. */
  const beginPolls = Effect.gen(function* () {
    if (lastPoll !== undefined) return lastPoll
    const [poll] = yield* Effect.flatMap(redis.send("XREVRANGE", POLLS, "+", "-", "COUNT", "1"), rawEntries)
    return (lastPoll = poll?.[0] ?? "0-0")
  })

  /**
   * Reads what comes after a position, again and again, on a connection of its own. Nothing came within a second where
   * there are no entries.
   */
  const reader = Effect.gen(function* () {
    const connection = yield* redis.reserve
    return Effect.fnUntraced(function* (after: StreamPosition.StreamPosition) {
      const answer = yield* connection
        .send(
          "XREAD",
          "BLOCK",
          BLOCK_MILLIS,
          "STREAMS",
          CHANGES,
          POLLS,
          StreamPosition.format(after),
          yield* beginPolls
        )
        .pipe(
          Effect.timeoutOrElse({
            duration: READ_TIMEOUT,
            orElse: () => Effect.fail(new EffectRedis.RedisError({ cause: "no answer to XREAD" }))
          })
        )
      const streams = yield* decodeStreams(answer)
      const changes = streams.filter(([name]) => name === CHANGES).flatMap(([, entries]) => entries)
      const polls = streams.filter(([name]) => name === POLLS).flatMap(([, entries]) => entries)
      lastPoll = polls.at(-1)?.[0] ?? lastPoll
      return {
        changes: yield* Effect.forEach(changes, readEntry),
        polls: (yield* Effect.forEach(polls, ([, fields]) => readPoll(fields))).flatMap(Option.toArray)
      }
    })
  })

  return { last, history, newest, publish, publishPoll, end, beginPolls, reader }
})

const RawEntries = Schema.Array(Schema.Tuple([Schema.String, Schema.Array(Schema.String)]))
type RawEntry = (typeof RawEntries.Type)[number]

const unreadable = (cause: unknown) => new EffectRedis.RedisError({ cause })
const decodeTexts = Schema.decodeUnknownEffect(Schema.Array(Schema.String))
const decodeEntries = Schema.decodeUnknownEffect(RawEntries)
const rawEntries = (answer: unknown) => Effect.mapError(decodeEntries(answer), unreadable)
const decodeStream = Schema.decodeUnknownEffect(Schema.Tuple([Schema.String, RawEntries]))

/** The streams of an answer to XREAD: pairs of a name and its entries in RESP2, both in turn in RESP3. */
const decodeStreams = (answer: unknown) => {
  const flat = Array.isArray(answer) && Array.isArray(answer[0]) ? answer.flat() : answer
  const streams = Array.isArray(flat) ? Arrays.chunksOf(flat, 2) : []
  return Effect.mapError(
    Effect.forEach(streams, (stream) => decodeStream(stream)),
    unreadable
  )
}

const readEntries = (answer: unknown) => Effect.flatMap(rawEntries(answer), Effect.forEach(readEntry))

const positionOf = (id: string) =>
  Effect.mapError(Effect.fromOption(StreamPosition.parse(id)), () =>
    unreadable(`the id ${id} is no position`)
  )

const readEntry = Effect.fnUntraced(function* ([id, fields]: RawEntry) {
  const position = yield* positionOf(id)
  const rate =
    fields[0] === "rate" ? yield* Effect.option(RateJson.decode(fields[1] ?? "")) : Option.none<Rate>()
  return { position, rate } satisfies Entry
})

const PollJson = Schema.fromJsonString(PollMessages.PollMessage)
const encodePoll = Schema.encodeSync(PollJson)
const decodePoll = Schema.decodeEffect(PollJson)

const readPoll = (fields: ReadonlyArray<string>) =>
  decodePoll(fields[1] ?? "").pipe(Effect.map(PollMessages.toSummary), Effect.option)
