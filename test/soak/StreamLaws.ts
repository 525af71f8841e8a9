import { Effect, Option, Schema } from "effect"
import { keyOf, orderOf, RateModel, ToldRate } from "./RateModel.ts"
import { Report } from "./Report.ts"

const position = { epoch: Schema.String, sequence: Schema.Int }
const Snapshot = Schema.Struct({ ...position, rates: Schema.Array(ToldRate) })
const Changed = Schema.Struct({ ...position, ...ToldRate.fields })
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

/** A reader that believes nothing which contradicts what it was told before. It outlives its connections. */
export const makeReader = Effect.fnUntraced(function* (name: string) {
  const report = yield* Report
  const rates = yield* RateModel
  const newest = new Map<string, string>()
  let at: Position | undefined
  /** A gap was told of, and everything must follow. */
  let mustBeSnapshot = false
  let events = 0
  let gaps = 0

  const broken = (law: string, text: string) => {
    const told = at === undefined ? "nothing" : `${at.epoch}-${at.sequence}`
    return report.violation(law, `${name}, told up to ${told}: ${text.slice(0, 1000)}`)
  }

  const believe = Effect.fnUntraced(function* (rate: ToldRate, text: string) {
    yield* rates.told(rate, name)
    const known = newest.get(keyOf(rate)) ?? ""
    if (orderOf(rate) < known) yield* broken("a reader is never told an older rate after a newer one", text)
    newest.set(keyOf(rate), orderOf(rate))
  })

  const snapshot = Effect.fnUntraced(function* ({ rates: all, ...next }: typeof Snapshot.Type, text: string) {
    if (at !== undefined && !mustBeSnapshot) {
      yield* broken("everything is told anew only to who comes, or behind a gap", text)
    }
    for (const rate of all) yield* believe(rate, text)
    mustBeSnapshot = false
    at = next
  })

  const changed = Effect.fnUntraced(function* (change: typeof Changed.Type, text: string) {
    const { epoch, sequence } = change
    if (at === undefined || mustBeSnapshot || epoch !== at.epoch || sequence !== at.sequence + 1) {
      yield* broken("no number of a stream is left out or told twice without a gap", text)
    }
    yield* believe(change, text)
    at = { epoch, sequence }
    mustBeSnapshot = false
  })

  const polled = Effect.fnUntraced(function* ({ epoch, sequence }: Position, text: string) {
    if (at?.epoch !== epoch || at.sequence !== sequence) {
      yield* broken("a poll is told of at the place where the reader is", text)
    }
  })

  const gap = Effect.fnUntraced(function* ({ since, ...next }: typeof Gap.Type, text: string) {
    gaps++
    if (at === undefined || since !== `${at.epoch}-${at.sequence}`) {
      yield* broken("a gap begins where the reader is", text)
    }
    mustBeSnapshot = true
    at = next
  })

  /** Believes one event, or tells why not. */
  const event = Effect.fnUntraced(function* (kind: string, text: string) {
    if (!isKind(kind)) return
    events++
    const unreadable = broken("an event can be read", `${kind}: ${text}`)
    switch (kind) {
      case "snapshot":
        return yield* Option.match(decode.snapshot(text), {
          onNone: () => unreadable,
          onSome: (found) => snapshot(found, text)
        })
      case "rate":
        return yield* Option.match(decode.rate(text), {
          onNone: () => unreadable,
          onSome: (found) => changed(found, text)
        })
      case "poll":
        return yield* Option.match(decode.poll(text), {
          onNone: () => unreadable,
          onSome: (found) => polled(found, text)
        })
      case "gap":
        return yield* Option.match(decode.gap(text), {
          onNone: () => unreadable,
          onSome: (found) => gap(found, text)
        })
    }
  })

  /** Where to go on from, over a new connection: to another node, which may know less while the nodes are apart. */
  const resume = () => {
    if (mustBeSnapshot) {
      // The gap was told, and what follows it was cut off.
      at = undefined
      mustBeSnapshot = false
    }
    newest.clear()
    return at === undefined ? undefined : `${at.epoch}-${at.sequence}`
  }

  return { event, resume, events: () => events, gaps: () => gaps }
})

export type Reader = Effect.Success<ReturnType<typeof makeReader>>
