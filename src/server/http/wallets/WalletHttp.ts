import { BigDecimal, DateTime, Effect, Option, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import type { WalletMessage } from "../../../api/wallets/WalletMessage.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import * as Decimal from "../../../domain/money/Decimal.ts"
import { Ledger } from "../../../ledger/Ledger.ts"
import { AccountStatements, type AssetStatement } from "../../../wallets/AccountStatements.ts"
import { type TotalValue, Valuation } from "../../../wallets/Valuation.ts"
import { USER_ROLE, Wallets } from "../../../wallets/Wallets.ts"
import * as Export from "../../encoding/Export.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as PairParams from "../PairParams.ts"
import * as MyWallet from "./MyWallet.ts"
import * as StatementDocument from "./StatementDocument.ts"
import * as StatementHtml from "./StatementHtml.ts"
import { formatterOf, transactionFields } from "./TransactionFields.ts"

/** Handlers of balances and account statements. */
export const layer = HttpApiBuilder.group(
  Api,
  "wallet",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    const ledger = yield* Ledger
    const statements = yield* AccountStatements
    const wallets = yield* Wallets
    const { homeCurrency, value } = yield* Valuation
    const format = formatterOf(catalog)
    const fieldsOf = transactionFields(format)

    const myWallet = yield* MyWallet.make

    return handlers
      .handleRaw(
        "wallet",
        Effect.fnUntraced(function* () {
          const { id } = yield* myWallet
          const accounts = yield* wallets.balancesOf(id)
          const total = yield* value(accounts)
          const home = accounts.find(({ asset }) => asset === homeCurrency.code)
          const message: WalletMessage = {
            wallet_id: id,
            balance: format(home?.balance ?? ZERO, homeCurrency.code),
            currency: homeCurrency.code,
            balances: accounts.map(({ asset, available, balance, held }) => ({
              asset,
              balance: format(balance, asset),
              held: format(held, asset),
              available: format(available, asset)
            })),
            total: totalFields(format, total)
          }
          return HttpServerResponse.text(JSON.stringify(message), { contentType: "application/json" })
        }, Effect.catchTags(Problems.storeErrors))
      )
      .handle(
        "at",
        Effect.fnUntraced(function* ({ query: { time } }) {
          yield* requirePast("/query/time", time)
          const { id } = yield* myWallet
          const balances = yield* ledger.balancesAt(id, time)
          return {
            wallet_id: id,
            time: DateTime.formatIso(time),
            balances: balances
              .filter(({ balance, role }) => role === USER_ROLE && !BigDecimal.isZero(balance))
              .map(({ asset, balance }) => ({ asset, balance: format(balance, asset) }))
          }
        }, Effect.catchTags(Problems.storeErrors))
      )
      .handle(
        "statement",
        Effect.fnUntraced(function* ({ headers, query }) {
          const { since, until = yield* DateTime.now } = query
          yield* requirePast("/query/until", until)
          if (DateTime.isLessThan(until, since))
            return yield* Problems.invalid("/query/since", "must not be after until")
          const asset = yield* PairParams.parseCode(catalog, query.asset)
          const kind = yield* Export.negotiateDocument(headers.accept)
          const wallet = yield* myWallet
          const period = { since, until, asset }
          const sections = yield* statements.sections(wallet.id, period)
          const document = {
            wallet,
            period,
            sections,
            rows: (section: AssetStatement) => Stream.map(statements.rows(section), fieldsOf),
            format,
            nameOf: (code: string) =>
              Option.match(catalog.find(code), { onNone: () => code, onSome: ({ name }) => name })
          }
          if (kind === undefined) return StatementDocument.toMessage(document)
          if (kind !== "html")
            return yield* Export.respond(kind, StatementDocument.LAYOUT, StatementDocument.toLines(document))
          return yield* Export.respondText("statement", StatementDocument.toHtml(document), {
            contentType: "text/html; charset=utf-8",
            headers: { "content-security-policy": StatementHtml.CONTENT_SECURITY_POLICY }
          })
        }, Effect.catchTags(Problems.storeErrors))
      )
  })
)

const ZERO = BigDecimal.make(0n, 0)

const totalFields = (
  format: ReturnType<typeof formatterOf>,
  { asOf, currency, rates, unpriced, value }: TotalValue
): WalletMessage["total"] => ({
  currency: currency.code,
  value: format(value, currency.code),
  as_of: DateTime.formatIso(asOf),
  complete: unpriced.length === 0,
  rates: rates.map(({ rate, stale }) => ({
    pair: rate.pair.key,
    rate: Decimal.format(rate.rate),
    rate_id: rate.id,
    as_of: DateTime.formatIso(rate.observedAt),
    stale
  })),
  unpriced
})

const requirePast = Effect.fnUntraced(function* (pointer: string, time: DateTime.Utc) {
  if (DateTime.isGreaterThan(time, yield* DateTime.now))
    return yield* Problems.invalid(pointer, "must not be in the future")
})
