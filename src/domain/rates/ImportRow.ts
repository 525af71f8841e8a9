import { BigDecimal, DateTime, Option, Result } from "effect"
import { type AssetCode } from "../money/Asset.ts"
import { AssetPair, keyOf } from "../money/AssetPair.ts"
import * as Decimal from "../money/Decimal.ts"

/** A row of an import file that was rejected, and the reason. */
export interface InvalidRow {
  /** Line number in the file, starting at 1. */
  readonly line: number
  /** The invalid column, or `line` if the whole line is invalid. */
  readonly column: string
  /** The rejected text, escaped and truncated for display. */
  readonly found: string
  readonly allowed: string
}

/** Formats a rejected row: `line 7: rate: found "-3", allowed: a positive decimal`. */
export const describe = (
  { allowed, column, found, line }: InvalidRow,
  unit: "line" | "rate" = "line"
): string => `${unit} ${line}: ${column}: found ${found}, allowed: ${allowed}`

/** A rate that does not fit the rates around it, as decimal text, and the range that would. */
export interface OutlierRate {
  readonly rate: string
  readonly low: string
  readonly high: string
}

/** Describes the range of an outlier: `1273 to 1834 (it looks inverted)`. */
export const expectedRange = ({ high, low, rate }: OutlierRate): string => {
  const [found, from, to] = [rate, low, high].map((text) => BigDecimal.fromStringUnsafe(text))
  const range = `${low} to ${high}`
  if (found === undefined || from === undefined || to === undefined) return range
  const fits = (value: BigDecimal.BigDecimal) => BigDecimal.between(value, { minimum: from, maximum: to })
  if (fits(Decimal.quotient(ONE, found))) return `${range} (it looks inverted)`
  const thousandfold = BigDecimal.multiply(found, THOUSAND)
  return fits(thousandfold) ? `${range} (it may mean ${Decimal.format(thousandfold)})` : range
}

const ONE = BigDecimal.make(1n, 0)
const THOUSAND = BigDecimal.make(1000n, 0)

/** Describes an outlier in a file. */
export const outlierInFile = ({
  destinationCurrency,
  line,
  observedAt,
  providerRate,
  sourceCurrency,
  ...outlier
}: OutlierRate & {
  readonly line: number
  readonly sourceCurrency: string
  readonly destinationCurrency: string
  readonly observedAt: Date
  readonly providerRate: string
}): InvalidRow => ({
  line,
  column: "rate",
  found: printable(providerRate),
  allowed: `${expectedRange(outlier)} for ${keyOf(sourceCurrency, destinationCurrency)} at ${observedAt.toISOString()}`
})

/** A rate parsed from one line of an import file. */
export interface ImportRow {
  readonly line: number
  readonly pair: AssetPair
  /** Exact, positive. */
  readonly rate: BigDecimal.BigDecimal
  /** The rate as written in the file. */
  readonly rateText: string
  readonly provider: string
  readonly observedAt: DateTime.Utc
  /** When the exporting system stored the rate. If rates share an `observedAt`, the last one corrects the others. */
  readonly recordedAt: Option.Option<DateTime.Utc>
  /** All cells of the line, by column name. */
  readonly cells: Readonly<Record<string, string>>
}

/** Looks up the code of a currency or of another asset, in any case. */
export type FindCode = (text: string) => Option.Option<AssetCode>

/** Values for rows without their own. */
export interface RowDefaults {
  readonly pair: Option.Option<AssetPair>
  readonly provider: string
}

/** Parses one line. Rejects rates observed after `now`, in epoch milliseconds. */
export type RowParser = (line: number, text: string, now: number) => Result.Result<ImportRow, InvalidRow>

/** Maximum length of a line, in characters. */
export const MAX_LINE_LENGTH = 4096

/** Earliest accepted observation time, in epoch milliseconds. */
export const MIN_OBSERVED_AT = Date.UTC(1990, 0, 1)

/** Columns of an effex export that the import ignores. */
const IGNORED_COLUMNS = ["rate_id", "derived_from"]
/** The name of `observed_at` in an effex export. */
const EXPORTED_OBSERVED_AT = "fetched_at"

export const PROVIDER_ALLOWED = "1 to 40 lower case letters, digits and hyphens"
/** Returns true if the text is a valid provider name for imported rates. */
export const isProvider = (text: string): boolean => /^[a-z0-9-]{1,40}$/.test(text)

/** Parses the header and returns the parser for the rows that follow it. */
export const parseHeader = (
  line: number,
  text: string,
  defaults: RowDefaults,
  findCode: FindCode
): Result.Result<RowParser, InvalidRow> => {
  const reject = (found: string, allowed: string) =>
    Result.fail({ line, column: "header", found: printable(found), allowed })
  const cells = parseCells(text)
  if (Result.isFailure(cells)) return reject(text, cells.failure)
  const names = cells.success.map((name) => name.trim().toLowerCase())
  const hasPairColumns = Option.isNone(defaults.pair)
  const required = [...(hasPairColumns ? ["from", "to"] : []), "rate", "observed_at"]
  const known = [...required, EXPORTED_OBSERVED_AT, "provider", "recorded_at", ...IGNORED_COLUMNS]
  const canonical = names.map((name) => (name === EXPORTED_OBSERVED_AT ? "observed_at" : name))

  if (names.length === 1 && /[;\t|]/.test(text)) return reject(text, "cells that are separated by commas")
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const note = hasPairColumns ? "" : " (no from or to, because the pair is set by an option)"
    return reject(unknown, `the columns ${known.join(", ")}${note}`)
  }
  const duplicate = canonical.find((name, index) => canonical.indexOf(name) !== index)
  if (duplicate !== undefined) return reject(text, `only one column ${duplicate}`)
  const missing = required.find((name) => !canonical.includes(name))
  if (missing !== undefined) return reject(text, `a header with the column ${missing}`)
  return Result.succeed(makeRowParser(names, canonical, defaults, findCode))
}

const makeRowParser = (
  names: ReadonlyArray<string>,
  canonical: ReadonlyArray<string>,
  defaults: RowDefaults,
  findCode: FindCode
): RowParser => {
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
    const reject = (column: string, found: string, allowed: string) =>
      Result.fail({ line, column, found: printable(found), allowed })
    const parsed = parseCells(text)
    if (Result.isFailure(parsed)) return reject("line", text, parsed.failure)
    const cells = parsed.success
    if (cells.length !== names.length) {
      return reject("line", text, `${names.length} cells, as in the header, not ${cells.length}`)
    }
    const cell = (index: number) => cells[index] ?? ""

    const pair = Option.match(defaults.pair, {
      onSome: Result.succeed<AssetPair>,
      onNone: () => parsePair(cell(from), cell(to), findCode, reject)
    })
    if (Result.isFailure(pair)) return Result.fail(pair.failure)

    const exact = Option.filter(Decimal.parse(cell(rate)), BigDecimal.isPositive)
    if (Option.isNone(exact)) return reject("rate", cell(rate), RATE_ALLOWED)

    const column = names[observedAt] ?? "observed_at"
    const observed = parseInstant(cell(observedAt))
    if (Option.isNone(observed)) return reject(column, cell(observedAt), INSTANT_ALLOWED)
    if (observed.value > now) return reject(column, cell(observedAt), "a time that is not in the future")
    if (observed.value < MIN_OBSERVED_AT)
      return reject(column, cell(observedAt), "a time on or after 1990-01-01")

    const recorded = cell(recordedAt) === "" ? Option.none() : parseInstant(cell(recordedAt))
    if (cell(recordedAt) !== "" && Option.isNone(recorded))
      return reject("recorded_at", cell(recordedAt), INSTANT_ALLOWED)

    const name = cell(provider) || defaults.provider
    if (!isProvider(name)) return reject("provider", name, PROVIDER_ALLOWED)

    return Result.succeed({
      line,
      pair: pair.success,
      rate: exact.value,
      rateText: cell(rate),
      provider: name,
      observedAt: DateTime.makeUnsafe(observed.value),
      recordedAt: Option.map(recorded, (millis) => DateTime.makeUnsafe(millis)),
      cells: Object.fromEntries(names.map((name, index) => [name, cell(index)]))
    })
  }
}

const RATE_ALLOWED = `a positive decimal in plain digits, at most ${Decimal.MAX_INTEGER_DIGITS} before the decimal point and ${Decimal.MAX_RATE_DECIMALS} after it`
const INSTANT_ALLOWED =
  "a UTC time such as 2024-01-15T09:30:00Z or 2024-01-15T09:30:00.000Z, or a date such as 2024-01-15"

const parsePair = (
  from: string,
  to: string,
  findCode: FindCode,
  reject: (column: string, found: string, allowed: string) => Result.Result<never, InvalidRow>
): Result.Result<AssetPair, InvalidRow> => {
  const [source, destination] = [findCode(from), findCode(to)]
  if (Option.isNone(source))
    return reject("from", from, "an ISO 4217 code such as USD, or the code of an asset")
  if (Option.isNone(destination))
    return reject("to", to, "an ISO 4217 code such as NGN, or the code of an asset")
  if (source.value === destination.value) return reject("to", to, `a code other than ${source.value}`)
  return Result.succeed(new AssetPair({ from: source.value, to: destination.value }))
}

/** Parses an ISO 8601 UTC time, or a date as its midnight. Returns epoch milliseconds. */
export const parseInstant = (text: string): Option.Option<number> => {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,3})?Z)?$/.test(text)) return Option.none()
  const millis = Date.parse(text)
  // `Date.parse` accepts February 30 as March 1, and 24:00 as the next day.
  return Number.isNaN(millis) || new Date(millis).toISOString().slice(0, 10) !== text.slice(0, 10)
    ? Option.none()
    : Option.some(millis)
}

/** One cell, quoted (with doubled quotes) or bare, and its separator. */
const CELL = /(?:"([^"]*(?:""[^"]*)*)"|([^",]*))(,|$)/y

/** Splits one line of CSV (RFC 4180) into cells. Fails with a description of what is allowed. */
const parseCells = (text: string): Result.Result<ReadonlyArray<string>, string> => {
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

const MAX_PRINTED_LENGTH = 60

/** Quotes, truncates and escapes untrusted text so that it is safe to print on a terminal. */
export const printable = (text: string): string =>
  JSON.stringify(text.length > MAX_PRINTED_LENGTH ? `${text.slice(0, MAX_PRINTED_LENGTH)}…` : text).replace(
    /[\x7f-\x9f\u200b-\u206f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )
