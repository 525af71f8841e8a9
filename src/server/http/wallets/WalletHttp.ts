import { BigDecimal, DateTime, Effect, Option, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { Ledger } from "../../../ledger/Ledger.ts"
import { AccountStatements, type AssetStatement } from "../../../wallets/AccountStatements.ts"
import { USER_ROLE } from "../../../wallets/Wallets.ts"
import * as Export from "../../encoding/Export.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as PairParams from "../PairParams.ts"
import * as MyWallet from "./MyWallet.ts"
import * as StatementDocument from "./StatementDocument.ts"
import * as StatementHtml from "./StatementHtml.ts"
import { formatterOf, transactionFields } from "./TransactionFields.ts"
import * as WalletFields from "./WalletFields.ts"

/** Handlers of balances and account statements. */
export const layer = HttpApiBuilder.group(
  Api,
  "wallet",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    const ledger = yield* Ledger
    const statements = yield* AccountStatements
    const walletMessage = yield* WalletFields.make
    const format = formatterOf(catalog)
    const fieldsOf = transactionFields(format)

    const myWallet = yield* MyWallet.make

    return handlers
      .handleRaw(
        "wallet",
        Effect.fnUntraced(function* () {
          const { id } = yield* myWallet
          const message = yield* walletMessage(id).pipe(Effect.catchTags(Problems.storeErrors))
          return HttpServerResponse.text(JSON.stringify(message), { contentType: "application/json" })
        })
      )
      .handle(
        "at",
        Effect.fnUntraced(function* ({ query: { time } }) {
          yield* requirePast("/query/time", time)
          const { id } = yield* myWallet
          const balances = yield* ledger.balancesAt(id, time).pipe(Effect.catchTags(Problems.storeErrors))
          return {
            wallet_id: id,
            time: DateTime.formatIso(time),
            balances: balances
              .filter(({ balance, role }) => role === USER_ROLE && !BigDecimal.isZero(balance))
              .map(({ asset, balance }) => ({ asset, balance: format(balance, asset) }))
          }
        })
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
          const sections = yield* statements
            .sections(wallet.id, period)
            .pipe(Effect.catchTags(Problems.storeErrors))
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
        })
      )
  })
)

const requirePast = Effect.fnUntraced(function* (pointer: string, time: DateTime.Utc) {
  if (DateTime.isGreaterThan(time, yield* DateTime.now))
    return yield* Problems.invalid(pointer, "must not be in the future")
})
