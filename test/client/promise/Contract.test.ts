import { assert, it, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Layer, Option, Stream } from "effect"
import type * as Conversions from "../../../src/api/conversion/ConversionMessage.ts"
import type * as History from "../../../src/api/history/HistoryMessage.ts"
import type * as Polls from "../../../src/api/polling/PollMessage.ts"
import type * as Rates from "../../../src/api/rates/RateMessage.ts"
import type * as Receipts from "../../../src/audit/Receipt.ts"
import { EffexClient } from "../../../src/client/EffexClient.ts"
import { connect } from "../../../src/client/promise/Connect.ts"
import { verifyReceipt } from "../../../src/client/promise/conversion/ReceiptVerifier.ts"
import type * as Values from "../../../src/client/promise/Values.ts"
import { TestServer } from "../../support/TestServer.ts"
import { type Encoded, isDecoded } from "./DecodedMessage.ts"

const request = { amount: "500.00", from: "USD", to: "NGN", reference: "order-1" } as const

it("decodes the messages of the contract to its types", () => {
  isDecoded<Encoded<typeof Rates.RateMessage>, Values.Rate>(true)
  isDecoded<Encoded<typeof Rates.RateRecordMessage>, Values.RateRecord>(true)
  isDecoded<Encoded<typeof Rates.CurrencyMessage>, Values.Currency>(true)
  isDecoded<Encoded<typeof History.AsOfMessage>, Values.RateAsOf>(true)
  isDecoded<Encoded<typeof History.HistoryRowMessage>, Values.HistoryRate>(true)
  isDecoded<Encoded<typeof History.CandleMessage>, Values.Candle>(true)
  isDecoded<Encoded<typeof Conversions.ConversionMessage>, Values.Conversion>(true)
  isDecoded<Encoded<typeof Conversions.QuoteMessage>, Values.Quote>(true)
  isDecoded<Encoded<typeof Conversions.AuditRecordMessage>, Values.AuditRecord>(true)
  isDecoded<Encoded<typeof Conversions.VerificationMessage>, Values.Verification>(true)
  isDecoded<Encoded<typeof Polls.PollMessage>, Values.Poll>(true)
  isDecoded<Encoded<typeof Polls.PollRecordMessage>, Values.PollRecord>(true)
  isDecoded<Encoded<typeof Polls.PollDetailsMessage>, Values.PollDetails>(true)
  const receiptOf = (receipt: Receipts.Receipt): Values.Receipt => receipt
  assert.isFunction(receiptOf)
})

layer(TestServer.layer(), { excludeTestServices: true })("the clients, against a server", (it) => {
  it.effect("have every call with promises", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      yield* Effect.promise(async () => {
        await using effex = connect(url)
        const rate = await effex.rate("USD", "NGN", { maxAge: "1 hour" })
        assert.deepInclude(rate, { from: "USD", to: "NGN", stale: false })
        assert.instanceOf(rate.fetchedAt, Date)
        const listedRate = (await effex.rates("USD")).find(({ to }) => to === "NGN")
        assert.deepInclude(listedRate, { ...rate, polled: true })
        const stored = await effex.rateById(rate.rateId)
        assert.deepInclude(stored, { rate: rate.rate, derivedFrom: [] })
        const asOf = await effex.rateAsOf("USD", "NGN", new Date(), { knownAt: new Date() })
        assert.strictEqual(asOf.rateId, rate.rateId)
        const [row] = (await effex.history("USD", "NGN").page()).data
        assert.deepInclude(row, { rate: rate.rate, rateId: rate.rateId })
        const [candle] = (await effex.history("USD", "NGN", { interval: "1d" }).page()).data
        assert.deepInclude(candle, { close: rate.rate, count: 1 })
        assert.instanceOf(candle?.start, Date)
        const currencies = await effex.currencies()
        assert.deepInclude(
          currencies.find(({ code }) => code === "UGX"),
          { minorUnit: 0, destination: true }
        )
        const quote = await effex.createQuote({ ...request, ttl: "1 minute" })
        const conversion = await effex.convert({ ...request, quoteId: quote.quoteId })
        assert.deepInclude(conversion, {
          outputAmount: quote.outputAmount,
          quoteId: quote.quoteId,
          reference: "order-1"
        })
        const used = await effex.quote(quote.quoteId)
        assert.deepInclude(used, { state: "used", auditId: conversion.auditId })
        const record = await effex.conversion(conversion.auditId)
        assert.deepInclude(record, { principal: "anonymous", reference: "order-1", amountType: "source" })
        const listed = []
        for await (const { auditId } of effex.conversions({ reference: "order-1" })) listed.push(auditId)
        assert.deepStrictEqual(listed, [conversion.auditId])
        const receipt = await effex.receipt(conversion.auditId)
        const followed = []
        for await (const entry of effex.conversions({ after: receipt.position - 1, pageSize: 1 }))
          followed.push([entry.auditId, entry.position])
        assert.deepStrictEqual(followed[0], [conversion.auditId, receipt.position])
        assert.strictEqual(conversion.amountType, "source")
        const verified = await verifyReceipt(receipt, receipt.head.public_key)
        assert.strictEqual(verified.record.outputAmount, conversion.outputAmount)
        const heads = await effex.auditHeads()
        assert.strictEqual(heads.at(-1)?.root_hash, receipt.head.root_hash)
        assert.deepInclude(await effex.verifyAudit(), { ok: true })
        assert.deepInclude(await effex.verifyAuditHeads(heads.slice(-1)), { ok: true })
        const { tree_size: size } = receipt.head
        assert.deepInclude(await effex.auditConsistency(1, size), { from: 1, to: size })
        assert.strictEqual((await effex.auditKeys()).public_key, receipt.head.public_key)
        for await (const poll of effex.polls({ pageSize: 1 })) {
          assert.instanceOf(poll.startedAt, Date)
          assert.deepStrictEqual((await effex.poll(poll.runId)).runId, poll.runId)
        }
        for await (const watched of effex.watch(["USD:NGN"])) {
          assert.deepStrictEqual(watched, rate)
          break
        }
      })
    })
  )

  it.effect("convert once for repeated calls with one key", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      yield* Effect.promise(async () => {
        const effex = connect(url)
        const first = await effex.convert({ ...request, idempotencyKey: "order-2" })
        assert.deepStrictEqual(await effex.convert({ ...request, idempotencyKey: "order-2" }), first)
        const other = effex.convert({ ...request, amount: "501.00", idempotencyKey: "order-2" })
        const error = await other.catch((thrown: unknown) => thrown)
        assert.deepInclude(error, { code: "idempotency-mismatch", status: 422, idempotencyKey: "order-2" })
        assert.match(String(Object(error).traceId), /^[0-9a-f]{32}$/)
      })
    })
  )

  it.effect("have every call with Effect", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      yield* Effect.gen(function* () {
        const effex = yield* EffexClient
        const { rate, rateId } = yield* effex.rate("USD", "NGN")
        const stored = yield* effex.rateById(rateId)
        assert.isTrue(BigDecimal.equals(stored.rate, rate))
        const asOf = yield* effex.rateAsOf("USD", "NGN", yield* DateTime.now)
        assert.strictEqual(asOf.rateId, rateId)
        const rows = yield* Stream.runCollect(effex.history("USD", "NGN"))
        assert.include(
          rows.map((row) => row.rateId),
          rateId
        )
        const candle = yield* Stream.runHead(effex.candles("USD", "NGN", "1d"))
        assert.isTrue(Option.isSome(candle))
        assert.isTrue(
          (yield* effex.currencies).some(({ code, minorUnit }) => code === "NGN" && minorUnit === 2)
        )
        const quote = yield* effex.createQuote({ ...request, reference: "order-3" })
        const { auditId } = yield* effex.convert({ ...request, reference: "order-3", quoteId: quote.quoteId })
        assert.strictEqual((yield* effex.quote(quote.quoteId)).auditId, auditId)
        assert.strictEqual((yield* effex.conversion(auditId)).reference, "order-3")
        const listed = yield* Stream.runCollect(effex.conversions({ reference: "order-3" }))
        assert.deepStrictEqual(
          listed.map(({ auditId }) => auditId),
          [auditId]
        )
        const receipt = yield* effex.receipt(auditId)
        const followed = yield* Stream.runHead(effex.conversions({ after: receipt.position - 1 }))
        assert.deepInclude(Option.getOrThrow(followed), { auditId, position: receipt.position })
        const verified = yield* Effect.promise(() => verifyReceipt(receipt, receipt.head.public_key))
        assert.strictEqual(verified.record.auditId, auditId)
        assert.isNotEmpty(yield* effex.auditHeads())
        assert.isTrue((yield* effex.verifyAudit).ok)
        const { head } = receipt
        assert.isTrue((yield* effex.verifyAuditHeads([head])).ok)
        assert.strictEqual((yield* effex.auditConsistency(1, head.tree_size)).to, head.tree_size)
        assert.strictEqual((yield* effex.auditKeys()).public_key, head.public_key)
        yield* Stream.runDrain(effex.polls())
        const error = yield* Effect.flip(effex.conversion("01a22981-45e1-75da-8c6d-bd3c483116f2"))
        assert.deepInclude(error, { _tag: "NotFound", code: "not-found", status: 404 })
      }).pipe(Effect.provide(Layer.fresh(EffexClient.layer({ url }))))
    })
  )

  it.effect("reject wrong options with Effect at once", () =>
    Effect.sync(() => {
      assert.throws(() => EffexClient.layer({ url: "localhost:8000" }), /an http or https URL/)
      assert.throws(
        () => EffexClient.layerHttp({ url: "http://a", apiKey: "a b" }),
        /apiKey must be an API key/
      )
    })
  )
})
