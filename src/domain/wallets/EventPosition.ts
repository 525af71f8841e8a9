import { Option, Schema } from "effect"
import { LedgerAccountId } from "../ledger/LedgerAccount.ts"

/**
 * A position in the events of a user: what the reader has received. The versions of an account and the numbers of security
 * events have no gaps, so the difference between two positions is known.
 */
export interface EventPosition {
  /** Identifies the events: those of one wallet, in one database. Positions of different streams are not comparable. */
  readonly stream: string
  /** Number of the last security event. */
  readonly security: bigint
  /** Time of the last change of an order, in epoch milliseconds; 0 without orders. Their changes have no numbers. */
  readonly orders: number
  /** Version of the last entry of each account that has entries. */
  readonly versions: ReadonlyMap<LedgerAccountId, bigint>
}

/** Describes what {@link parse} accepts, for error messages and API descriptions. */
export const ALLOWED = "a position as it was received with an event"

/** Enough for 400 assets. */
const MAX_LENGTH = 8_000
const TEXT = /^[0-9a-f]{16}-\d{1,15}-\d{1,15}(\.[1-9]\d{0,18}-\d{1,18}){0,400}$/

/** Formats as `<stream>-<security>-<orders>.<account>-<version>…`. Opaque to clients. */
export const format = ({ orders, security, stream, versions }: EventPosition): string =>
  [
    `${stream}-${security}-${orders}`,
    ...Array.from(versions, ([account, version]) => `${account}-${version}`)
  ].join(".")

/** Parses the text of {@link format}. */
export const parse = (text: string): Option.Option<EventPosition> => {
  if (text.length > MAX_LENGTH || !TEXT.test(text)) return Option.none()
  const [[stream = "", security = "", orders = ""] = [], ...versions] = text
    .split(".")
    .map((part) => part.split("-"))
  return Option.some({
    stream,
    security: BigInt(security),
    orders: Number(orders),
    versions: new Map(
      versions.map(([account = "", version = ""]) => [LedgerAccountId.make(account), BigInt(version)])
    )
  })
}

/** A position on the wire. */
export const EventPositionText = Schema.String.check(
  Schema.isMaxLength(MAX_LENGTH, { message: `Expected ${ALLOWED}` }),
  Schema.isPattern(TEXT, { message: `Expected ${ALLOWED}` })
).annotate({ description: ALLOWED })
