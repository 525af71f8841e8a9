import { Array as Arrays, DateTime, Effect, Option, Schema } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import * as PollMessages from "../../api/polling/PollMessage.ts"
import type { PollSummary } from "../../domain/rates/PollRun.ts"
import { FUTURE_TOLERANCE, type Rate } from "../../domain/rates/Rate.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import { RedisKeys } from "../../platform/RedisKeys.ts"
import { HISTORY_SIZE } from "./RateFeed.ts"
import * as RateJson from "../lookup/RateJson.ts"

const MAX_POLLS = "16"

/** XREAD waits this long in Redis for new entries. */
const BLOCK_MILLIS = "1000"
/** A read that takes longer fails, and its connection is replaced. */
const READ_TIMEOUT = "3 seconds"

/*
 * KEYS[1], the changes: a stream in the order in which every process publishes them. The id of an entry is its position:
 * the epoch is the millisecond at which the stream was created, by Redis' clock. Entry 0 marks the start and is not a change.
 *
 * KEYS[2], the published rates: a hash of the last published rate per pair, prefixed with its sort key. It keeps a rate
 * from being published twice, or an older rate after a newer one. Its field `epoch` says to which stream it belongs: when
 * either key was evicted or replaced, both are discarded, and another epoch starts.
 */
const FUNCTIONS = `
local function last()
  local entry = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  local epoch = entry and string.match(entry[1], '^%d+')
  if entry and redis.call('HGET', KEYS[2], 'epoch') == epoch then return entry[1] end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local first = string.format('%.0f', math.max(now, (tonumber(epoch) or 0) + 1))
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[2], 'epoch', first)
  redis.call('XADD', KEYS[1], first .. '-0', 'begin', '1')
  return first .. '-0'
end
local function publish(pair, sortKey, rate, bound, limit)
  local epoch, sequence = string.match(last(), '^(%d+)-(%d+)$')
  local published = redis.call('HGET', KEYS[2], pair)
  published = published and string.match(published, '^%S*')
  if published and published >= sortKey and published <= bound then return end
  local id = epoch .. '-' .. string.format('%.0f', sequence + 1)
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', limit, id, 'rate', rate)
  redis.call('HSET', KEYS[2], pair, sortKey .. ' ' .. rate)
end`

/** Names of the stream of changes and of the hash of published rates. */
type Keys = readonly [changes: string, published: string]

const lastScript = EffectRedis.script((keys: Keys) => keys, {
  numberOfKeys: 2,
  lua: `${FUNCTIONS}\nreturn last()`
}).withReturnType<string>()

const publishScript = EffectRedis.script(
  (keys: Keys, bound: string, rate: Rate) => [...keys, HISTORY_SIZE, bound, ...publishArguments(rate)],
  { numberOfKeys: 2, lua: `${FUNCTIONS}\npublish(ARGV[3], ARGV[4], ARGV[5], ARGV[2], ARGV[1])` }
)

const joinScript = EffectRedis.script(
  (keys: Keys, bound: string, rates: ReadonlyArray<Rate>) => [
    ...keys,
    HISTORY_SIZE,
    bound,
    ...rates.flatMap(publishArguments)
  ],
  {
    numberOfKeys: 2,
    lua: `${FUNCTIONS}
for i = 3, #ARGV, 3 do publish(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[2], ARGV[1]) end
return {last(), redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[1]), redis.call('HVALS', KEYS[2])}`
  }
)

const publishArguments = (rate: Rate) => [rate.pair.key, RateJson.sortKeyOf(rate), RateJson.encode(rate)]

const endEpochScript = EffectRedis.script((keys: Keys, last: string) => [...keys, last], {
  numberOfKeys: 2,
  lua: `
local entry = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if entry and entry[1] == ARGV[1] then redis.call('DEL', KEYS[1], KEYS[2]) end`
})

/** A change; or, without a rate, the start of an epoch or an entry of another program. */
export interface Entry {
  readonly position: StreamPosition.StreamPosition
  readonly rate: Option.Option<Rate>
}

/** State of the stream at one moment. */
export interface StreamState {
  /** Position of the last change. */
  readonly position: StreamPosition.StreamPosition
  /** Changes that Redis still keeps, oldest first. */
  readonly history: ReadonlyArray<Entry>
  /** Last published rate of each pair, including pairs whose last change was trimmed from the stream. */
  readonly latest: ReadonlyArray<Rate>
}

export const make = Effect.gen(function* () {
  const redis = yield* EffectRedis.Redis
  const { own } = yield* RedisKeys
  const changesKey = own("rates")
  const pollsKey = own("polls")
  const keys: Keys = [changesKey, own("rates:published")]

  /** A published rate with a greater sort key is from the future: a clock was wrong, and any other rate replaces it. */
  const presentBound = Effect.map(DateTime.now, (now) =>
    RateJson.sortKeyBound(DateTime.addDuration(now, FUTURE_TOLERANCE))
  )

  /** Position of the last change. Starts an epoch if there is no stream. */
  const lastPosition = Effect.flatMap(redis.eval(lastScript)(keys), positionOf)

  /** Appends a change, unless it or a newer rate of its pair was published. */
  const publish = (rate: Rate) =>
    Effect.flatMap(presentBound, (bound) => redis.eval(publishScript)(keys, bound, rate))

  /**
   * Publishes rates that other processes may not have, and returns the state of the stream, as one atomic command: a change
   * is either part of the returned state or follows it.
   */
  const join = Effect.fnUntraced(function* (rates: ReadonlyArray<Rate>) {
    const reply = yield* redis.eval(joinScript)(keys, yield* presentBound, rates)
    const [last, entries, published] = yield* Effect.mapError(decodeJoin(reply), unreadable)
    const latest = yield* Effect.forEach(published, (text) =>
      Effect.option(RateJson.decode(text.slice(text.indexOf(" ") + 1)))
    )
    return {
      position: yield* positionOf(last),
      history: (yield* Effect.forEach(entries, parseEntry)).toReversed(),
      latest: Arrays.getSomes(latest)
    } satisfies StreamState
  })

  const publishPoll = (run: PollSummary) =>
    redis.send(
      "XADD",
      pollsKey,
      "MAXLEN",
      "~",
      MAX_POLLS,
      "*",
      "poll",
      encodePoll(PollMessages.toMessage(run))
    )

  /** Ends the epoch if `position` is its last change. The next change starts another epoch. */
  const endEpoch = (position: StreamPosition.StreamPosition) =>
    redis.eval(endEpochScript)(keys, StreamPosition.format(position))

  let lastPollId: string | undefined
  /** Sets the start position for reading polls on its first call: only polls that finish later are read. */
  const startPolls = Effect.gen(function* () {
    if (lastPollId !== undefined) return lastPollId
    const [poll] = yield* Effect.flatMap(
      redis.send("XREVRANGE", pollsKey, "+", "-", "COUNT", "1"),
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
          changesKey,
          pollsKey,
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
      const changes = streams.filter(([name]) => name === changesKey).flatMap(([, entries]) => entries)
      const polls = streams.filter(([name]) => name === pollsKey).flatMap(([, entries]) => entries)
      lastPollId = polls.at(-1)?.[0] ?? lastPollId
      return {
        changes: yield* Effect.forEach(changes, parseEntry),
        polls: (yield* Effect.forEach(polls, ([, fields]) => parsePoll(fields))).flatMap(Option.toArray)
      }
    })
  })

  return { lastPosition, publish, join, publishPoll, endEpoch, startPolls, reader }
})

const RawEntries = Schema.Array(Schema.Tuple([Schema.String, Schema.Array(Schema.String)]))
type RawEntry = (typeof RawEntries.Type)[number]

const unreadable = (cause: unknown) => new EffectRedis.RedisError({ cause })
const decodeJoin = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.String, RawEntries, Schema.Array(Schema.String)])
)
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
