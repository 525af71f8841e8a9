import { Effect, Option, Schema } from "effect"
import { keyOf, orderOf, RateModel, ReceivedRate } from "./RateModel.ts"
import { Report } from "./Report.ts"

const position = { epoch: Schema.String, sequence: Schema.Int }
const Snapshot = Schema.Struct({ ...position, rates: Schema.Array(ReceivedRate) })
const Changed = Schema.Struct({ ...position, ...ReceivedRate.fields })
const Gap = Schema.Struct({ ...position, since: Schema.String })
const Poll = Schema.Struct(position)

const decode = {
  snapshot: Schema.decodeUnknownOption(Schema.fromJsonString(Snapshot)),
  rate: Schema.decodeUnknownOption(Schema.fromJsonString(Changed)),
  gap: Schema.decodeUnknownOption(Schema.fromJsonString(Gap)),
  poll: Schema.decodeUnknownOption(Schema.fromJsonString(Poll))
}
type Kind = keyof typeof decode

const isKind = (kind: string): kind is Kind => Object.hasOwn(decode, kind)

interface Position {
  readonly epoch: string
  readonly sequence: number
}

/** A stream reader that checks each event against the previous ones, across connections. */
export const makeReader = Effect.fnUntraced(function* (name: string) {
  const report = yield* Report
  const rates = yield* RateModel
  const newest = new Map<string, string>()
  let at: Position | undefined
  /** True after a gap: the next event must be a snapshot. */
  let expectsSnapshot = false
  let events = 0
  let gaps = 0

  const violation = (rule: string, text: string) => {
    const last = at === undefined ? "nothing" : `${at.epoch}-${at.sequence}`
    return report.violation(rule, `${name}, received up to ${last}: ${text.slice(0, 1000)}`)
  }

  const observeRate = Effect.fnUntraced(function* (rate: ReceivedRate, text: string) {
    yield* rates.observe(rate, name)
    const known = newest.get(keyOf(rate)) ?? ""
    if (orderOf(rate) < known)
      yield* violation("a reader never receives an older rate after a newer one", text)
    newest.set(keyOf(rate), orderOf(rate))
  })

  const observeSnapshot = Effect.fnUntraced(function* (
    { rates: all, ...next }: typeof Snapshot.Type,
    text: string
  ) {
    if (at !== undefined && !expectsSnapshot) {
      yield* violation("a snapshot comes only first or after a gap", text)
    }
    for (const rate of all) yield* observeRate(rate, text)
    expectsSnapshot = false
    at = next
  })

  const observeChange = Effect.fnUntraced(function* (change: typeof Changed.Type, text: string) {
    const { epoch, sequence } = change
    // A rate that turns stale is repeated at the position of the last change.
    if (change.stale && at?.epoch === epoch && at.sequence === sequence)
      return yield* observeRate(change, text)
    if (at === undefined || expectsSnapshot || epoch !== at.epoch || sequence !== at.sequence + 1) {
      yield* violation("sequence numbers have no holes or duplicates without a gap", text)
    }
    yield* observeRate(change, text)
    at = { epoch, sequence }
    expectsSnapshot = false
  })

  const observePoll = Effect.fnUntraced(function* ({ epoch, sequence }: Position, text: string) {
    if (at?.epoch !== epoch || at.sequence !== sequence) {
      yield* violation("a poll event has the reader's position", text)
    }
  })

  const observeGap = Effect.fnUntraced(function* ({ since, ...next }: typeof Gap.Type, text: string) {
    gaps++
    if (at === undefined || since !== `${at.epoch}-${at.sequence}`) {
      yield* violation("a gap begins at the reader's position", text)
    }
    expectsSnapshot = true
    at = next
  })

  /** Checks and records one event. */
  const event = Effect.fnUntraced(function* (kind: string, text: string) {
    if (!isKind(kind)) return
    events++
    const unreadable = violation("an event matches its schema", `${kind}: ${text}`)
    switch (kind) {
      case "snapshot":
        return yield* Option.match(decode.snapshot(text), {
          onNone: () => unreadable,
          onSome: (found) => observeSnapshot(found, text)
        })
      case "rate":
        return yield* Option.match(decode.rate(text), {
          onNone: () => unreadable,
          onSome: (found) => observeChange(found, text)
        })
      case "poll":
        return yield* Option.match(decode.poll(text), {
          onNone: () => unreadable,
          onSome: (found) => observePoll(found, text)
        })
      case "gap":
        return yield* Option.match(decode.gap(text), {
          onNone: () => unreadable,
          onSome: (found) => observeGap(found, text)
        })
    }
  })

  /** Position to resume from. Without one, forgets the newest rates, because another node may be behind during a fault. */
  const resume = () => {
    if (expectsSnapshot) {
      // The connection ended between the gap and its snapshot.
      at = undefined
      expectsSnapshot = false
    }
    if (at !== undefined) return `${at.epoch}-${at.sequence}`
    newest.clear()
    return undefined
  }

  return { event, resume, events: () => events, gaps: () => gaps }
})

export type Reader = Effect.Success<ReturnType<typeof makeReader>>
