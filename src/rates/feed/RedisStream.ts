import { Array as Arrays, Effect, Option, Schema } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import * as PollMessages from "../../api/polling/PollMessage.ts"
import type { PollSummary } from "../../domain/rates/PollRun.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import { HISTORY_SIZE } from "./RateFeed.ts"
import * as RateJson from "../lookup/RateJson.ts"

/**
 * Stream of changes, in the order in which every process publishes them. The id of an entry is its position: the epoch is
 * the millisecond at which the stream was created, by Redis' clock. Entry 0 marks the start and is not a change.
 */
const CHANGES_KEY = "effex:rates"
/**
 * Hash of the last published rate per pair, prefixed with its sort key. It keeps a rate from being published twice, or an
 * older rate after a newer one.
 */
const PUBLISHED_KEY = "effex:rates:told"
const POLLS_KEY = "effex:polls"
const MAX_POLLS = "16"

/** XREAD waits this long in Redis for new entries. */
const BLOCK_MILLIS = "1000"
/** A read that takes longer fails, and its connection is replaced. */
const READ_TIMEOUT = "3 seconds"

const LAST_FUNCTION = `
local function last()
  local entry = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  if entry then return entry[1] end
  local time = redis.call('TIME')
  local first = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)) .. '-0'
  redis.call('DEL', KEYS[2])
  redis.call('XADD', KEYS[1], first, 'begin', '1')
  return first
end`

const lastScript = EffectRedis.script(() => [CHANGES_KEY, PUBLISHED_KEY], {
  numberOfKeys: 2,
  lua: `${LAST_FUNCTION}\nreturn last()`
}).withReturnType<string>()

const publishScript = EffectRedis.script(
  (pair: string, sortKey: string, rate: string) => [
    CHANGES_KEY,
    PUBLISHED_KEY,
    pair,
    sortKey,
    rate,
    HISTORY_SIZE
  ],
  {
    numberOfKeys: 2,
    lua: `${LAST_FUNCTION}
local epoch, sequence = string.match(last(), '^(%d+)-(%d+)$')
local published = redis.call('HGET', KEYS[2], ARGV[1])
if published and string.match(published, '^%S*') >= ARGV[2] then return end
local id = epoch .. '-' .. string.format('%.0f', sequence + 1)
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], id, 'rate', ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])`
  }
)

const endEpochScript = EffectRedis.script((last: string) => [CHANGES_KEY, last], {
  numberOfKeys: 1,
  lua: `
local entry = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if entry and entry[1] == ARGV[1] then redis.call('DEL', KEYS[1]) end`
})

/** A change; or, without a rate, the start of an epoch or an entry of another program. */
export interface Entry {
  readonly position: StreamPosition.StreamPosition
  readonly rate: Option.Option<Rate>
}

export const make = Effect.gen(function* () {
  const redis = yield* EffectRedis.Redis

  /** Position of the last change. Starts an epoch if there is no stream. */
  const lastPosition = Effect.flatMap(redis.eval(lastScript)(), positionOf)

  /** Changes that Redis still keeps, oldest first. */
  const history = redis.send("XREVRANGE", CHANGES_KEY, "+", "-", "COUNT", String(HISTORY_SIZE)).pipe(
    Effect.flatMap(parseEntries),
    Effect.map((entries) => entries.toReversed())
  )

  /** Last published rate of each pair, including pairs whose last change was trimmed from the stream. */
  const latestRates = redis.send("HVALS", PUBLISHED_KEY).pipe(
    Effect.flatMap((reply) => Effect.mapError(decodeTexts(reply), unreadable)),
    Effect.flatMap(
      Effect.forEach((published) =>
        Effect.option(RateJson.decode(published.slice(published.indexOf(" ") + 1)))
      )
    ),
    Effect.map(Arrays.getSomes)
  )

  /** Appends a change, unless it or a newer rate of its pair was published. */
  const publish = (rate: Rate) =>
    redis.eval(publishScript)(rate.pair.key, RateJson.sortKeyOf(rate), RateJson.encode(rate))

  const publishPoll = (run: PollSummary) =>
    redis.send(
      "XADD",
      POLLS_KEY,
      "MAXLEN",
      "~",
      MAX_POLLS,
      "*",
      "poll",
      encodePoll(PollMessages.toMessage(run))
    )

  /** Ends the epoch if `position` is its last change. The next change starts another epoch. */
  const endEpoch = (position: StreamPosition.StreamPosition) =>
    redis.eval(endEpochScript)(StreamPosition.format(position))

  let lastPollId: string | undefined
  /** Sets the start position for reading polls on its first call: only polls that finish later are read. */
  const startPolls = Effect.gen(function* () {
    if (lastPollId !== undefined) return lastPollId
    const [poll] = yield* Effect.flatMap(
      redis.send("XREVRANGE", POLLS_KEY, "+", "-", "COUNT", "1"),
      rawEntries
    )
    return (lastPollId = poll?.[0] ?? "0-0")
  })

  /**
   * Opens a dedicated connection, and returns a function that reads the entries after a position. It waits up to a second
   * for them, and then returns none.
   */
  const reader = Effect.gen(function* () {
    const connection = yield* redis.reserve
    return Effect.fnUntraced(function* (after: StreamPosition.StreamPosition) {
      const reply = yield* connection
        .send(
          "XREAD",
          "BLOCK",
          BLOCK_MILLIS,
          "STREAMS",
          CHANGES_KEY,
          POLLS_KEY,
          StreamPosition.format(after),
          yield* startPolls
        )
        .pipe(
          Effect.timeoutOrElse({
            duration: READ_TIMEOUT,
            orElse: () => Effect.fail(new EffectRedis.RedisError({ cause: "XREAD timed out" }))
          })
        )
      const streams = yield* decodeStreams(reply)
      const changes = streams.filter(([name]) => name === CHANGES_KEY).flatMap(([, entries]) => entries)
      const polls = streams.filter(([name]) => name === POLLS_KEY).flatMap(([, entries]) => entries)
      lastPollId = polls.at(-1)?.[0] ?? lastPollId
      return {
        changes: yield* Effect.forEach(changes, parseEntry),
        polls: (yield* Effect.forEach(polls, ([, fields]) => parsePoll(fields))).flatMap(Option.toArray)
      }
    })
  })

  return { lastPosition, history, latestRates, publish, publishPoll, endEpoch, startPolls, reader }
})

const RawEntries = Schema.Array(Schema.Tuple([Schema.String, Schema.Array(Schema.String)]))
type RawEntry = (typeof RawEntries.Type)[number]

const unreadable = (cause: unknown) => new EffectRedis.RedisError({ cause })
const decodeTexts = Schema.decodeUnknownEffect(Schema.Array(Schema.String))
const decodeEntries = Schema.decodeUnknownEffect(RawEntries)
const rawEntries = (reply: unknown) => Effect.mapError(decodeEntries(reply), unreadable)
const decodeStream = Schema.decodeUnknownEffect(Schema.Tuple([Schema.String, RawEntries]))

/** Decodes an XREAD reply: nested pairs of name and entries in RESP2, a flat alternation of both in RESP3. */
const decodeStreams = (reply: unknown) => {
  const flat = Array.isArray(reply) && Array.isArray(reply[0]) ? reply.flat() : reply
  const streams = Array.isArray(flat) ? Arrays.chunksOf(flat, 2) : []
  return Effect.mapError(
    Effect.forEach(streams, (stream) => decodeStream(stream)),
    unreadable
  )
}

const parseEntries = (reply: unknown) => Effect.flatMap(rawEntries(reply), Effect.forEach(parseEntry))

const positionOf = (id: string) =>
  Effect.mapError(Effect.fromOption(StreamPosition.parse(id)), () =>
    unreadable(`stream id ${id} is not a position`)
  )

const parseEntry = Effect.fnUntraced(function* ([id, fields]: RawEntry) {
  const position = yield* positionOf(id)
  const rate =
    fields[0] === "rate" ? yield* Effect.option(RateJson.decode(fields[1] ?? "")) : Option.none<Rate>()
  return { position, rate } satisfies Entry
})

const PollJson = Schema.fromJsonString(PollMessages.PollMessage)
const encodePoll = Schema.encodeSync(PollJson)
const decodePoll = Schema.decodeEffect(PollJson)

const parsePoll = (fields: ReadonlyArray<string>) =>
  decodePoll(fields[1] ?? "").pipe(Effect.map(PollMessages.toSummary), Effect.option)
