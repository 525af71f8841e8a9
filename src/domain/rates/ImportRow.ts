import { BigDecimal, DateTime, Option, Result } from "effect"
import * as Currency from "../money/Currency.ts"
import { CurrencyPair } from "../money/CurrencyPair.ts"
import * as Decimal from "../money/Decimal.ts"

/** A line of a file of rates that cannot be taken, and why. */
export interface BadLine {
  /** The number of the line in its file; the first one is 1. */
  readonly line: number
  /** The column that is wrong; `line` where it is the whole line. */
  readonly column: string
  /** What stands there, cut to a length that is safe to show. */
  readonly found: string
  readonly allowed: string
}

/** Such as `line 7: rate: found "-3", allowed: a positive decimal`. */
export const describe = ({ allowed, column, found, line }: BadLine): string =>
  `line ${line}: ${column}: found ${found}, allowed: ${allowed}`

/** A rate as a line of a file says it. */
export interface ImportRow {
  readonly line: number
  readonly pair: CurrencyPair
  /** Exact, positive. */
  readonly rate: BigDecimal.BigDecimal
  /** The rate, as it was written. */
  readonly rateText: string
  readonly provider: string
  readonly observedAt: DateTime.Utc
  /** When it became known where it was exported. Of several rates of one moment the last one corrects the others. */
  readonly recordedAt: Option.Option<DateTime.Utc>
  /** The whole line, by column. */
  readonly cells: Readonly<Record<string, string>>
}

/** What holds for the lines that do not say it themselves. */
export interface Defaults {
  readonly pair: Option.Option<CurrencyPair>
  readonly provider: string
}

/** Reads one line. `now` in milliseconds: rates of the future are refused. */
export type LineParser = (line: number, text: string, now: number) => Result.Result<ImportRow, BadLine>

/** The longest line that is read, in characters. */
export const MAX_LINE_LENGTH = 4096

/** No rate may be older, in milliseconds since 1970. */
export const EARLIEST = Date.UTC(1990, 0, 1)

/** Columns of an export of rates that say nothing about the rate itself. */
const EXPORTED = ["rate_id", "derived_from"]
/** What an export of rates calls the moment from which a rate is in force. */
const EXPORTED_OBSERVED_AT = "fetched_at"

export const PROVIDER_ALLOWED = "1 to 40 lower case letters, digits and hyphens"
/** Whether a text may name a provider of imported rates. */
export const isProvider = (text: string): boolean => /^[a-z0-9-]{1,40}$/.test(text)

/** Reads the header. Returns the reader of the lines below it. */
export const parseHeader = (
  line: number,
  text: string,
  defaults: Defaults
): Result.Result<LineParser, BadLine> => {
  const refuse = (found: string, allowed: string) =>
    Result.fail({ line, column: "header", found: shown(found), allowed })
  const cells = readCells(text)
  if (Result.isFailure(cells)) return refuse(text, cells.failure)
  const names = cells.success.map((name) => name.trim().toLowerCase())
  const hasPair = Option.isNone(defaults.pair)
  const required = [...(hasPair ? ["from", "to"] : []), "rate", "observed_at"]
  const known = [...required, EXPORTED_OBSERVED_AT, "provider", "recorded_at", ...EXPORTED]
  const canonical = names.map((name) => (name === EXPORTED_OBSERVED_AT ? "observed_at" : name))

  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const withPair = hasPair ? "" : ", since the pair is given beside the file"
    return refuse(unknown, `the columns ${known.join(", ")}${withPair}`)
  }
  const twice = canonical.find((name, index) => canonical.indexOf(name) !== index)
  if (twice !== undefined) return refuse(text, `one column ${twice}`)
  const missing = required.find((name) => !canonical.includes(name))
  if (missing !== undefined) return refuse(text, `a column ${missing} as well`)
  return Result.succeed(parserOf(names, canonical, defaults))
}

const parserOf = (
  names: ReadonlyArray<string>,
  canonical: ReadonlyArray<string>,
  defaults: Defaults
): LineParser => {
  const at = (name: string) => canonical.indexOf(name)
  const [from, to, rate, observedAt, provider, recordedAt] = [
    at("from"),
    at("to"),
    at("rate"),
    at("observed_at"),
    at("provider"),
    at("recorded_at")
  ]
  return (line, text, now) => {
    const bad = (column: string, found: string, allowed: string) =>
      Result.fail({ line, column, found: shown(found), allowed })
    const read = readCells(text)
    if (Result.isFailure(read)) return bad("line", text, read.failure)
    const cells = read.success
    if (cells.length !== names.length) {
      return bad("line", text, `${names.length} cells, as in the header, not ${cells.length}`)
    }
    const cell = (index: number) => cells[index] ?? ""

    const pair = Option.match(defaults.pair, {
      onSome: Result.succeed<CurrencyPair>,
      onNone: () => parsePair(cell(from), cell(to), bad)
    })
    if (Result.isFailure(pair)) return Result.fail(pair.failure)

    const exact = Option.filter(Decimal.parse(cell(rate)), BigDecimal.isPositive)
    if (Option.isNone(exact)) return bad("rate", cell(rate), RATE_ALLOWED)

    const column = names[observedAt] ?? "observed_at"
    const moment = parseMoment(cell(observedAt))
    if (Option.isNone(moment)) return bad(column, cell(observedAt), MOMENT_ALLOWED)
    if (moment.value > now) return bad(column, cell(observedAt), "a moment that is not in the future")
    if (moment.value < EARLIEST) return bad(column, cell(observedAt), "a moment from 1990-01-01 on")

    const recorded = cell(recordedAt) === "" ? Option.none() : parseMoment(cell(recordedAt))
    if (cell(recordedAt) !== "" && Option.isNone(recorded))
      return bad("recorded_at", cell(recordedAt), MOMENT_ALLOWED)

    const name = cell(provider) || defaults.provider
    if (!isProvider(name)) return bad("provider", name, PROVIDER_ALLOWED)

    return Result.succeed({
      line,
      pair: pair.success,
      rate: exact.value,
      rateText: cell(rate),
      provider: name,
      observedAt: DateTime.makeUnsafe(moment.value),
      recordedAt: Option.map(recorded, (millis) => DateTime.makeUnsafe(millis)),
      cells: Object.fromEntries(names.map((name, index) => [name, cell(index)]))
    })
  }
}

const RATE_ALLOWED = `a positive decimal in plain digits, at most ${Decimal.MAX_INTEGER_DIGITS} before the point and ${Decimal.MAX_RATE_DECIMALS} after it`
const MOMENT_ALLOWED = "a moment in UTC such as 2024-01-15T09:30:00Z or 2024-01-15T09:30:00.000Z, or a date"

const parsePair = (
  from: string,
  to: string,
  bad: (column: string, found: string, allowed: string) => Result.Result<never, BadLine>
): Result.Result<CurrencyPair, BadLine> => {
  const [source, destination] = [Currency.find(from), Currency.find(to)]
  if (Option.isNone(source)) return bad("from", from, "an ISO 4217 code such as USD")
  if (Option.isNone(destination)) return bad("to", to, "an ISO 4217 code such as NGN")
  if (source.value === destination.value) return bad("to", to, `another currency than ${source.value.code}`)
  return Result.succeed(new CurrencyPair({ from: source.value.code, to: destination.value.code }))
}

/** Milliseconds since 1970 of an ISO 8601 moment in UTC, or of a date, which stands for its first moment. */
export const parseMoment = (text: string): Option.Option<number> => {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,3})?Z)?$/.test(text)) return Option.none()
  const millis = Date.parse(text)
  // `Date.parse` takes the 30th of February for the 1st of March, and 24:00 for the next day.
  return Number.isNaN(millis) || new Date(millis).toISOString().slice(0, 10) !== text.slice(0, 10)
    ? Option.none()
    : Option.some(millis)
}

/** One cell and what ends it: quoted, with quotes doubled, or bare. */
const CELL = /(?:"([^"]*(?:""[^"]*)*)"|([^",]*))(,|$)/y

/** The cells of one line of CSV (RFC 4180), or what would have been allowed. */
const readCells = (text: string): Result.Result<ReadonlyArray<string>, string> => {
  if (text.length > MAX_LINE_LENGTH) return Result.fail(`at most ${MAX_LINE_LENGTH} characters`)
  // oxlint-disable-next-line no-control-regex
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(text)) return Result.fail("no control characters")
  if (!text.includes('"')) return Result.succeed(text.split(","))
  const cells: Array<string> = []
  CELL.lastIndex = 0
  for (;;) {
    const match = CELL.exec(text)
    if (match === null) return Result.fail("quotes around whole cells only, closed on the same line")
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "")
    if (match[3] === "") return Result.succeed(cells)
  }
}

const LONGEST_SHOWN = 60

/** As text that is harmless on a terminal. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text).replace(
    /[\x7f-\x9f\u200b-\u206f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )
