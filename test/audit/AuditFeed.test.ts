import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AuditFeed } from "../../src/audit/AuditFeed.ts"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { UnsealedRecords } from "../../src/audit/UnsealedRecords.ts"
import { Conversions } from "../../src/conversion/Conversions.ts"
import type { AuditEntry } from "../../src/domain/conversion/AuditRecord.ts"
import { CurrencyCode } from "../../src/domain/money/Currency.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { conversionRequest } from "../support/ConversionRequests.ts"
import { pairOf } from "../support/RateTicks.ts"
import * as TestConversions from "../support/TestConversions.ts"

const convertMany = Effect.fnUntraced(function* (
  count: number,
  over: Parameters<typeof conversionRequest>[1] = {}
) {
  const conversions = yield* Conversions
  const outcomes = yield* Effect.all(
    Array.from({ length: count }, () => conversions.convert(conversionRequest("5", over))),
    { concurrency: "unbounded" }
  )
  return outcomes.map(({ conversion }) => conversion.audit_id).toSorted()
})

const sealAll = Effect.flatMap(AuditSealer, (sealer) => sealer.sealAll)

/** Follows the audit page by page from a position, up to its end. */
const follow = Effect.fnUntraced(function* (start: number, limit: number, filter = {}) {
  const feed = yield* AuditFeed
  const entries: Array<AuditEntry> = []
  let after = start
  for (;;) {
    const page = yield* feed.pageAfter(filter, after, limit)
    entries.push(...page.entries)
    assert.isAtMost(page.entries.length, limit)
    after = page.position
    if (!page.hasMore) return { entries, position: after }
  }
})

const idsOf = (entries: ReadonlyArray<AuditEntry>) => entries.map(({ audit_id }) => audit_id)
const positionsOf = (entries: ReadonlyArray<AuditEntry>) => entries.map(({ position }) => position)
const upTo = (count: number, start = 0) => Array.from({ length: count }, (_, i) => start + i + 1)

layer(TestConversions.layer())("AuditFeed", (it) => {
  it.effect("returns nothing for an empty audit and for records that are not sealed", () =>
    Effect.gen(function* () {
      const feed = yield* AuditFeed
      const empty = { entries: [], position: 0, hasMore: false }
      assert.deepStrictEqual(yield* feed.pageAfter({}, 0, 10), empty)
      yield* convertMany(3)
      assert.deepStrictEqual(yield* feed.pageAfter({}, 0, 10), empty)
      yield* sealAll
      assert.deepStrictEqual(positionsOf((yield* feed.pageAfter({}, 0, 10)).entries), [1, 2, 3])
    })
  )

  it.effect("returns positions without gaps, in pages of any size, and as one stream", () =>
    Effect.gen(function* () {
      const feed = yield* AuditFeed
      yield* convertMany(20)
      yield* sealAll
      const all = yield* follow(0, 1000)
      assert.deepStrictEqual(positionsOf(all.entries), upTo(23))
      assert.strictEqual(all.position, 23)
      for (const limit of [1, 7, 22, 23, 24]) assert.deepStrictEqual(yield* follow(0, limit), all)
      assert.deepStrictEqual(positionsOf((yield* follow(20, 2)).entries), upTo(3, 20))
      assert.deepStrictEqual(yield* Stream.runCollect(feed.streamAfter({}, 0)), all.entries)
      assert.deepStrictEqual(yield* feed.pageAfter({}, 23, 10), { entries: [], position: 23, hasMore: false })
    })
  )

  it.effect("gives a record that commits late a later position, so that a follower does not miss it", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const unsealed = yield* UnsealedRecords
      const { position: start } = yield* follow(0, 1000)
      // A transaction of another process that is open while later records are committed, sealed and read.
      const inserted = yield* Deferred.make<void>()
      const commit = yield* Deferred.make<void>()
      const late = "00000000-0000-7000-8000-000000000001"
      const transaction = yield* sql
        .withTransaction(
          Effect.gen(function* () {
            yield* sql`
              INSERT INTO conversion_audit SELECT ${late}::uuid, source_currency, destination_currency, amount_type,
                input_amount, output_amount, mid_rate, margin, rate, exact_output, residual, rate_id, provider,
                rate_fetched_at, stale, 'late', principal, quote_id, converted_at - interval '1 minute'
              FROM conversion_audit LIMIT 1`
            yield* sql`INSERT INTO audit_unsealed VALUES (${late})`
            yield* Deferred.succeed(inserted, undefined)
            yield* Deferred.await(commit)
          })
        )
        .pipe(Effect.forkChild)
      yield* Deferred.await(inserted)
      const ids = yield* convertMany(3)
      yield* sealAll
      const before = yield* follow(start, 2)
      assert.deepStrictEqual(idsOf(before.entries), ids)
      yield* Deferred.succeed(commit, undefined)
      yield* Fiber.join(transaction)
      unsealed.clear()
      assert.deepStrictEqual((yield* follow(before.position, 2)).entries, [])
      yield* sealAll
      const after = yield* follow(before.position, 2)
      assert.deepStrictEqual([idsOf(after.entries), positionsOf(after.entries)], [[late], [start + 4]])
      assert.isTrue(ids.every((id) => id > late))
    })
  )

  it.effect("misses and repeats no record while others are committed and sealed", () =>
    Effect.gen(function* () {
      const { position: start } = yield* follow(0, 1000)
      const writer = yield* Effect.andThen(convertMany(5), sealAll).pipe(
        Effect.repeat({ times: 19 }),
        Effect.forkChild
      )
      const followed: Array<AuditEntry> = []
      let after = start
      while (followed.length < 100) {
        const { entries, position } = yield* follow(after, 3)
        followed.push(...entries)
        after = position
        yield* Effect.yieldNow
      }
      yield* Fiber.join(writer)
      assert.deepStrictEqual(positionsOf(followed), upTo(100, start))
      assert.strictEqual(new Set(idsOf(followed)).size, 100)
    })
  )

  it.effect("follows without an end, and reads again every second", () =>
    Effect.gen(function* () {
      const feed = yield* AuditFeed
      const { position: start } = yield* follow(0, 1000)
      yield* convertMany(2)
      yield* sealAll
      const received = yield* Queue.unbounded<number | null>()
      yield* Stream.runForEach(feed.follow({}, start), ({ position }) =>
        Queue.offer(received, position)
      ).pipe(Effect.forkScoped)
      assert.deepStrictEqual(yield* Queue.takeN(received, 2), upTo(2, start))
      const next = yield* Effect.forkScoped(Queue.take(received))
      yield* convertMany(1)
      yield* sealAll
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), start + 3)
    }).pipe(Effect.scoped)
  )

  it.effect("filters, and says up to which position a page without matches covers the audit", () =>
    Effect.gen(function* () {
      const { position: start } = yield* follow(0, 1000)
      const [kes] = yield* convertMany(1, { pair: pairOf("EUR", "KES"), reference: "mine" })
      const mine = yield* convertMany(2, { reference: "mine" })
      const [other] = yield* convertMany(1)
      yield* sealAll
      assert.deepStrictEqual(idsOf((yield* follow(start, 1, { reference: "mine" })).entries), [kes, ...mine])
      assert.deepStrictEqual(idsOf((yield* follow(0, 10, { to: CurrencyCode.make("KES") })).entries), [kes])
      const feed = yield* AuditFeed
      assert.deepStrictEqual(yield* feed.pageAfter({ reference: "none" }, 0, 10), {
        entries: [],
        position: start + 4,
        hasMore: false
      })
      assert.deepStrictEqual(idsOf((yield* follow(start + 3, 10)).entries), [other])
    })
  )

  it.effect("rejects a position that the audit does not have, as after the restore of an older backup", () =>
    Effect.gen(function* () {
      const feed = yield* AuditFeed
      const { position } = yield* follow(0, 1000)
      for (const read of [
        feed.pageAfter({}, position + 1, 10),
        feed.pageAfter({ reference: "mine" }, position + 1, 10),
        Stream.runDrain(feed.streamAfter({}, position + 1))
      ]) {
        const error = yield* Effect.flip(read)
        assert.deepInclude(error, { _tag: "PositionNotFound", last: position })
        assert.include(error.message, `must be at most ${position}`)
      }
    })
  )
})

layer(TestConversions.layer())("AuditFeed of 5000 records", (it) => {
  it.effect("reads a bounded part of the audit per page of a filter, and finds each match once", () =>
    Effect.gen(function* () {
      const feed = yield* AuditFeed
      const { sql } = yield* Database
      yield* convertMany(1)
      yield* sql`
        INSERT INTO conversion_audit SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
          source_currency, destination_currency, amount_type, input_amount, output_amount, mid_rate, margin, rate,
          exact_output, residual, rate_id, provider, rate_fetched_at, stale, 'order ' || n % 2500, principal, quote_id,
          converted_at
        FROM conversion_audit, generate_series(1, 5000) AS n`
      // The hashes do not matter for reading.
      yield* sql`
        INSERT INTO audit_seal (position, audit_id, prev_hash, hash)
        SELECT row_number() OVER (ORDER BY id), id, sha256('a'), sha256('b') FROM conversion_audit
        WHERE reference IS NOT NULL`
      const filter = { reference: "order 2499" }
      assert.deepStrictEqual(yield* feed.pageAfter(filter, 0, 10), {
        entries: [],
        position: 2000,
        hasMore: true
      })
      const second = yield* feed.pageAfter(filter, 2000, 10)
      assert.deepStrictEqual(
        [positionsOf(second.entries), second.position, second.hasMore],
        [[2499], 4000, true]
      )
      assert.deepStrictEqual(positionsOf((yield* follow(0, 1, filter)).entries), [2499, 4999])
      const streamed = yield* Stream.runCollect(feed.streamAfter(filter, 2499))
      assert.deepStrictEqual(positionsOf(streamed), [4999])
      assert.strictEqual((yield* Stream.runCollect(feed.streamAfter({}, 0))).length, 5000)
    })
  )
})
