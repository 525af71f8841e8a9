import { BigDecimal, DateTime, Stream } from "effect"
import type { AccountStatementMessage } from "../../../api/wallets/WalletMessage.ts"
import type { TransactionMessage } from "../../../api/wallets/TransactionMessage.ts"
import type { Username } from "../../../domain/accounts/User.ts"
import type { Wallet } from "../../../domain/wallets/Wallet.ts"
import type { AssetStatement, StatementPeriod } from "../../../wallets/AccountStatements.ts"
import type * as Export from "../../encoding/Export.ts"
import * as StatementHtml from "./StatementHtml.ts"
import { LAYOUT as MOVEMENTS } from "./TransactionFields.ts"

/** An account statement, whose movements are read on demand. */
export interface StatementDocument<E> {
  readonly wallet: Wallet & { readonly username: Username }
  readonly period: StatementPeriod
  readonly sections: ReadonlyArray<AssetStatement>
  /** Movements of a section, oldest first. */
  readonly rows: (section: AssetStatement) => Stream.Stream<TransactionMessage, E>
  /** Formats an amount with all decimals of its asset. */
  readonly format: (value: BigDecimal.BigDecimal, asset: string) => string
  readonly nameOf: (asset: string) => string
}

/** Converts a statement to its message, without the movements. */
export const toMessage = <E>({
  format,
  period,
  sections,
  wallet
}: StatementDocument<E>): AccountStatementMessage => ({
  wallet_id: wallet.id,
  username: wallet.username,
  since: DateTime.formatIso(period.since),
  until: DateTime.formatIso(period.until),
  balances: sections.map(({ after, asset, closing, last, opening }) => ({
    asset,
    opening: format(opening, asset),
    closing: format(closing, asset),
    change: format(BigDecimal.subtract(closing, opening), asset),
    movements: Number(last - after)
  }))
})

/** A row of the file: a movement, or the balance before or after the movements of its asset. */
type StatementLine = { readonly [Name in keyof TransactionMessage]: string | null }

/** Export layout of an account statement. */
export const LAYOUT: Export.Layout<StatementLine> = { name: "statement", columns: MOVEMENTS.columns }

/** Returns the rows of the file: for each asset the opening balance, the movements, and the closing balance. */
export const toLines = <E>({ format, period, rows, sections }: StatementDocument<E>) => {
  const balanceLine = (
    type: string,
    at: DateTime.Utc,
    asset: string,
    balance: BigDecimal.BigDecimal
  ): StatementLine => ({
    id: null,
    type,
    asset,
    amount: null,
    change: null,
    balance: format(balance, asset),
    counterparty: null,
    note: null,
    reference: null,
    order_id: null,
    conversion_id: null,
    created_at: DateTime.formatIso(at)
  })
  return Stream.fromIterable(sections).pipe(
    Stream.flatMap((section) => {
      const { asset, closing, opening } = section
      const movements: Stream.Stream<StatementLine, E> = rows(section)
      return Stream.make(balanceLine("opening_balance", period.since, asset, opening)).pipe(
        Stream.concat(movements),
        Stream.concat(Stream.make(balanceLine("closing_balance", period.until, asset, closing)))
      )
    })
  )
}

/** Returns the statement as an HTML page, in pieces. */
export const toHtml = <E>({
  format,
  nameOf,
  period,
  rows,
  sections,
  wallet
}: StatementDocument<E>): Stream.Stream<string, E> => {
  const body = Stream.fromIterable(sections).pipe(
    Stream.flatMap((section) => {
      const { asset, closing, opening } = section
      const shown = {
        asset,
        name: nameOf(asset),
        opening: format(opening, asset),
        closing: format(closing, asset)
      }
      return Stream.make(StatementHtml.sectionStart(shown)).pipe(
        Stream.concat(
          Stream.mapArray(rows(section), (chunk) => [chunk.map(StatementHtml.row).join("")] as const)
        ),
        Stream.concat(Stream.make(StatementHtml.sectionEnd(shown)))
      )
    })
  )
  const heading = {
    username: wallet.username,
    walletId: wallet.id,
    since: DateTime.formatIso(period.since),
    until: DateTime.formatIso(period.until)
  }
  return Stream.make(StatementHtml.start(heading)).pipe(
    Stream.concat(sections.length === 0 ? Stream.make(StatementHtml.EMPTY) : body),
    Stream.concat(Stream.make(StatementHtml.END))
  )
}
