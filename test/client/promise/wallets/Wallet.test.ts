import { assert, it, layer } from "@effect/vitest"
import { BigDecimal, Effect, Layer, Stream } from "effect"
import type * as Security from "../../../../src/api/accounts/SecurityEventMessage.ts"
import type * as Funding from "../../../../src/api/wallets/FundingMessage.ts"
import type * as Transactions from "../../../../src/api/wallets/TransactionMessage.ts"
import type * as Transfers from "../../../../src/api/wallets/TransferMessage.ts"
import type * as Conversions from "../../../../src/api/wallets/WalletConversionMessage.ts"
import type * as Wallets from "../../../../src/api/wallets/WalletMessage.ts"
import { EffexClient } from "../../../../src/client/EffexClient.ts"
import type { SecurityEvent } from "../../../../src/client/promise/accounts/AccountValues.ts"
import { connect } from "../../../../src/client/promise/Connect.ts"
import { InsufficientFunds } from "../../../../src/client/promise/EffexError.ts"
import { verifyReceipt } from "../../../../src/client/promise/conversion/ReceiptVerifier.ts"
import type * as Values from "../../../../src/client/promise/wallets/WalletValues.ts"
import * as Callers from "../../../support/Callers.ts"
import { TestServer } from "../../../support/TestServer.ts"
import { errorOf } from "../ClientErrors.ts"
import { type Encoded, isDecoded } from "../DecodedMessage.ts"

const PASSWORD = "a long enough passphrase"

/** No rule holds the conversions of this test. */
const completed = (conversion: Values.RequestedConversion) =>
  conversion.state === "completed" ? conversion : assert.fail(`the conversion is ${conversion.state}`)

it("decodes messages about wallets to the client's types", () => {
  isDecoded<Encoded<typeof Wallets.WalletMessage>, Values.Wallet>(true)
  isDecoded<Encoded<typeof Wallets.WalletAtMessage>, Values.WalletAt>(true)
  isDecoded<Encoded<typeof Wallets.AccountStatementMessage>, Values.AccountStatement>(true)
  isDecoded<Encoded<typeof Transactions.TransactionMessage>, Values.Transaction>(true)
  isDecoded<Encoded<typeof Transactions.TransactionMovements>, Values.TransactionMovements>(true)
  isDecoded<Encoded<typeof Transfers.TransferStateMessage>, Values.Transfer>(true)
  isDecoded<Encoded<typeof Transfers.RecipientMessage>, Values.Recipient>(true)
  isDecoded<Encoded<typeof Funding.FundingMessage>, Values.Funding>(true)
  isDecoded<Encoded<typeof Funding.FundingReceiptMessage>, Values.FundingReceipt>(true)
  isDecoded<Encoded<typeof Conversions.WalletConversionMessage>, Values.WalletConversion>(true)
  isDecoded<Encoded<typeof Conversions.ConversionStateMessage>, Values.ReviewedConversion>(true)
  isDecoded<Encoded<typeof Security.SecurityEventMessage>, SecurityEvent>(true)
})

layer(TestServer.layer({ FUNDING: "sandbox", CONVERSION_MARGIN: "0.005" }), { excludeTestServices: true })(
  "the wallet in the clients, against a server",
  (it) => {
    /** Signs a new user up. */
    const signUp = (username: string) =>
      Effect.flatMap(TestServer, ({ url }) =>
        Effect.promise(async () => {
          const effex = connect(url)
          const user = await effex.accounts.register({ username, password: PASSWORD })
          return { ...effex, user }
        })
      )

    it.effect("deposit, send, withdraw, and read the statement", () =>
      Effect.gen(function* () {
        const ann = yield* signUp("ann")
        const ben = yield* signUp("ben")
        const start = new Date(Date.now() - 1000)
        yield* Effect.promise(async () => {
          const deposit = await ann.funding.deposit({ amount: "500.00", note: "first" })
          assert.deepInclude(deposit, { direction: "deposit", state: "completed", available: "500.00" })
          assert.instanceOf(deposit.settledAt, Date)

          const recipient = await ann.transfers.recipient("BEN")
          assert.strictEqual(recipient.username, "ben")
          const request = {
            to: "ben",
            asset: "usd",
            amount: "120.50",
            note: "rent",
            idempotencyKey: "rent-1"
          }
          const sent = await ann.transfers.send(request)
          assert.deepInclude(sent, {
            type: "transfer",
            change: "-120.50",
            balance: "379.50",
            counterparty: "ben"
          })
          const { state, ...movement } = sent
          assert.strictEqual(state, "completed")
          assert.deepStrictEqual(await ann.transfers.send(request), sent)
          assert.deepInclude(await ben.transfers.get(sent.id), { state: "completed", counterparty: "ann" })
          const reused = await errorOf(ann.transfers.send({ ...request, amount: "1.00" }))
          assert.deepInclude(reused, {
            code: "idempotency-mismatch",
            idempotencyKey: "rent-1",
            retryable: false
          })
          const tooMuch = await errorOf(
            ann.transfers.send({ to: recipient.walletId, asset: "USD", amount: "380" })
          )
          assert.instanceOf(tooMuch, InsufficientFunds)
          assert.deepInclude(tooMuch, { status: 402, available: "379.50", sent: false })
          assert.match(tooMuch.traceId ?? "", /^[0-9a-f]{32}$/)
          const nobody = await errorOf(ann.transfers.recipient("nobody-here"))
          assert.deepInclude(nobody, { code: "recipient-not-found", status: 404 })
          const number = ann.transfers.send({ ...request, amount: Object(12.5) })
          assert.deepInclude(await errorOf(number), { code: "invalid-option" })

          const pending = await ann.funding.withdraw({ amount: "79.50", asset: "USD", note: "sandbox:never" })
          assert.deepInclude(pending, {
            state: "pending",
            balance: "379.50",
            held: "79.50",
            available: "300.00"
          })
          assert.deepInclude(await ann.funding.get(pending.id), { state: "pending", transactionId: null })
          const refused = await errorOf(ann.funding.withdraw({ amount: "300.01" }))
          assert.instanceOf(refused, InsufficientFunds)
          assert.strictEqual(refused.available, "300.00")
          const listed = []
          for await (const { id } of ann.funding.list({ pageSize: 1 })) listed.push(id)
          assert.deepStrictEqual(listed, [pending.id, deposit.id])
          const withdrawals = await ann.funding.list({ direction: "withdrawal", state: "pending" }).page()
          assert.lengthOf(withdrawals.data, 1)

          const wallet = await ann.wallet()
          assert.deepInclude(wallet, { balance: "379.50", currency: "USD" })
          const usd = { asset: "USD", balance: "379.50", held: "79.50", available: "300.00" }
          assert.deepStrictEqual(wallet.balances, [usd])
          assert.deepInclude(wallet.total, { currency: "USD", value: "379.50", complete: true, unpriced: [] })
          assert.instanceOf(wallet.total.asOf, Date)
          assert.deepStrictEqual((await ann.walletAt(start)).balances, [])
          const now = await ann.walletAt(new Date())
          assert.deepStrictEqual(now.balances, [{ asset: "USD", balance: "379.50" }])
          assert.instanceOf(now.time, Date)

          const changes = []
          for await (const { change, createdAt } of ann.transactions({ asset: "USD", pageSize: 1 })) {
            assert.instanceOf(createdAt, Date)
            changes.push(change)
          }
          assert.deepStrictEqual(changes, ["-120.50", "500.00"])
          const transfers = await ann.transactions({ type: "transfer", since: start }).page()
          assert.deepStrictEqual<unknown>(transfers.data, [movement])
          const found = await ann.transaction(sent.id)
          assert.deepStrictEqual<unknown>(found.movements, [movement])
          assert.strictEqual((await errorOf(ben.transaction(deposit.transactionId ?? ""))).code, "not-found")

          const statement = await ann.statement({ since: start })
          assert.deepStrictEqual(statement.balances, [
            { asset: "USD", opening: "0.00", closing: "379.50", change: "379.50", movements: 2 }
          ])
          assert.instanceOf(statement.until, Date)
          const csv = await ann.statementFile({ since: start, asset: "USD", format: "csv" })
          assert.match(csv, /closing_balance/)
          const lines = (await ann.statementFile({ since: start, format: "ndjson" })).trim().split("\n")
          assert.strictEqual(JSON.parse(lines.at(-1) ?? "").balance, "379.50")
          assert.match(await ann.statementFile({ since: start, format: "html" }), /^<!doctype html>/i)
          const rows = (await ann.transactionsFile({ asset: "USD", format: "csv" })).trim().split("\n")
          const { data } = await ann.transactions({ asset: "USD" }).page()
          assert.lengthOf(rows, data.length + 1)
          assert.include(rows[1], data[0]?.id)
          const wrong = ann.statementFile({ since: start, format: Object("pdf") })
          assert.deepInclude(await errorOf(wrong), { code: "invalid-option" })
        })
      })
    )

    it.effect("convert between balances, with a quote and a receipt", () =>
      Effect.gen(function* () {
        const effex = yield* signUp("cleo")
        yield* Effect.promise(async () => {
          await effex.funding.deposit({ amount: "100" })
          const request = { amount: "10.00", from: "USD", to: "NGN", reference: "trip" } as const
          const quote = await effex.walletConversions.createQuote({ ...request, ttl: "1 minute" })
          assert.deepInclude(await effex.walletConversions.quote(quote.quoteId), { state: "open" })
          const { state, ...converted } = completed(
            await effex.walletConversions.convert({ ...request, quoteId: quote.quoteId })
          )
          assert.strictEqual(state, "completed")
          assert.deepInclude(converted.conversion, { outputAmount: quote.outputAmount, reference: "trip" })
          assert.instanceOf(converted.conversion.convertedAt, Date)
          assert.deepStrictEqual(
            converted.transactions.map(({ change }) => change),
            ["-10.00", quote.outputAmount]
          )
          const { auditId } = converted.conversion
          assert.include(await effex.walletConversions.state(auditId), {
            state,
            transactionId: auditId,
            to: "NGN"
          })
          assert.deepStrictEqual(await effex.walletConversions.get(auditId), converted)
          const ended = await errorOf(effex.walletConversions.cancel(auditId))
          assert.include(ended, { code: "conversion-not-cancellable" })
          const receipt = await effex.walletConversions.receipt(auditId)
          const { record } = await verifyReceipt(receipt, receipt.head.public_key)
          assert.strictEqual(record.outputAmount, quote.outputAmount)
          const tooMuch = await errorOf(effex.walletConversions.convert({ ...request, amount: "90.01" }))
          assert.instanceOf(tooMuch, InsufficientFunds)
          assert.strictEqual(tooMuch.available, "90.00")
        })
      })
    )

    it.effect("list what happened to the account", () =>
      Effect.gen(function* () {
        const effex = yield* signUp("dele")
        yield* Effect.promise(async () => {
          await effex.accounts.changePassword({ currentPassword: PASSWORD, newPassword: `${PASSWORD}!` })
          const events = []
          for await (const { event } of effex.accounts.securityEvents({ pageSize: 1 })) events.push(event)
          assert.strictEqual(events[0], "password-changed")
        })
      })
    )

    it.effect("are open to an API key that acts for the user", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const owner = yield* signUp("efua")
        const { authorization } = yield* Callers.withScopes("wallets")
        const apiKey = authorization.replace("Bearer ", "")
        yield* Effect.promise(async () => {
          const effex = connect(url, { apiKey, onBehalfOf: owner.user.id })
          assert.strictEqual((await effex.funding.deposit({ amount: "7" })).available, "7.00")
          assert.strictEqual((await owner.wallet()).balance, "7.00")
          const [snapshot] = await firstOf(effex.watchWallet())
          assert.strictEqual(snapshot?.type, "snapshot")
        })
      })
    )

    it.effect("have the same calls with Effect, with exact decimals and typed errors", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        yield* signUp("femi")
        yield* Effect.gen(function* () {
          const effex = yield* EffexClient
          const nobody = yield* Effect.flip(effex.wallet())
          assert.deepInclude(nobody, { _tag: "SessionEnded", status: 401 })
          const user = yield* effex.accounts.register({ username: "gbenga", password: PASSWORD })
          assert.strictEqual((yield* effex.accounts.me()).id, user.id)
          const { available, state } = yield* effex.funding.deposit({ amount: "100.00" })
          assert.strictEqual(state, "completed")
          assert.isTrue(BigDecimal.equals(available, BigDecimal.make(100n, 0)))
          const sent = yield* effex.transfers.send({ to: "femi", asset: "USD", amount: "0.10" })
          assert.isTrue(sent.state === "completed" && BigDecimal.equals(sent.change, BigDecimal.make(-1n, 1)))
          const tooMuch = effex.transfers.send({ to: "femi", asset: "USD", amount: "100" })
          const missing = yield* Effect.catchTag(tooMuch, "InsufficientFunds", ({ available }) =>
            Effect.succeed(available)
          )
          assert.strictEqual(missing, "99.90")
          const rows = yield* Stream.runCollect(effex.transactions({ pageSize: 1 }))
          assert.deepStrictEqual(
            rows.map(({ type }) => type),
            ["transfer", "deposit"]
          )
          const wallet = yield* effex.wallet()
          assert.isTrue(BigDecimal.equals(wallet.total.value, BigDecimal.make(999n, 1)))
          assert.lengthOf(yield* Stream.runCollect(effex.funding.list()), 1)
          const { secret } = yield* effex.accounts.mfa.enroll({ password: PASSWORD })
          assert.match(secret, /^[A-Z2-7]+$/)
          const wrong = yield* Effect.flip(
            effex.accounts.login({ username: "gbenga", password: "wrong password" })
          )
          assert.deepInclude(wrong, { _tag: "InvalidCredentials", status: 401 })
          yield* effex.accounts.logout()
          assert.strictEqual((yield* Effect.flip(effex.wallet()))._tag, "SessionEnded")
        }).pipe(Effect.provide(Layer.fresh(EffexClient.layer({ url }))))
      })
    )
  }
)

/** Returns the first item of a stream, and leaves it. */
const firstOf = async <A>(items: AsyncIterable<A>) => {
  for await (const item of items) return [item]
  return []
}
