import "effect/schema/SchemaJITCompiler/enable"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { TestServer } from "../support/TestServer.ts"

const RECORDS = 100_000
const PAGE_SIZE = 1000
/** Two thirds of what all records take in memory, before they are encoded. */
const MAX_EXPORT_BYTES = 50_000_000
/** A garbage collection takes 100 ms. */
const RECORDS_PER_MEMORY_SAMPLE = 20_000
/** More exports than the pool has connections. */
const STALLED_EXPORTS = 16

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")

/** Memory in use after a garbage collection. The server and its client share this process. */
const memoryInUse = () => {
  collectGarbage()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

const convert = (server: TestServer["Service"]) =>
  server.get("/api/v1/convert", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ amount: "12.34", from_currency: "USD", to_currency: "NGN" })
  })

/** Inserts one-hour-old conversions, each with its number as reference. */
const seed = Effect.gen(function* () {
  const { sql } = yield* Database
  const server = yield* TestServer
  assert.strictEqual((yield* convert(server)).status, 200)
  yield* sql`
    INSERT INTO conversion_audit
    SELECT (left(uuidv7_floor(now() - interval '1 hour')::text, 14) || '7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
      source_currency, destination_currency, amount_type, n, floor(n * rate), mid_rate, margin, rate, n * rate,
      n * rate - floor(n * rate), rate_id, provider, rate_fetched_at, stale, 'order ' || n, principal, quote_id,
      now() - interval '1 hour'
    FROM conversion_audit, generate_series(1, ${RECORDS}::int) AS n`
  yield* sql`
    INSERT INTO audit_unsealed SELECT id FROM conversion_audit WHERE reference IS NOT NULL`
  yield* sql`ANALYZE`
})

/** Reads an export line by line. Returns whether it has each seeded record once, and how much memory grew. */
const readExport = Effect.fnUntraced(function* (accept: string) {
  const { url } = yield* TestServer
  return yield* Effect.promise(async () => {
    const request = (query: string) =>
      fetch(`${url}/api/v1/audit/conversions${query}`, { headers: { accept } })
    // Loads and compiles what an export needs.
    await (await request("?reference=none")).text()
    const start = memoryInUse()
    const response = await request("")
    assert.strictEqual(response.status, 200)
    assert.include(response.headers.get("content-type"), accept)
    const counts = new Uint32Array(RECORDS + 1)
    let lines = 0
    let incomplete = ""
    let peak = start
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const parts = (incomplete + chunk).split("\n")
      incomplete = parts.pop() ?? ""
      for (const line of parts) {
        lines += 1
        const [, order] = /\border (\d+)\b/.exec(line) ?? []
        if (order !== undefined) counts[Number(order)] = (counts[Number(order)] ?? 0) + 1
        if (lines % RECORDS_PER_MEMORY_SAMPLE === 0) peak = Math.max(peak, memoryInUse())
      }
    }
    assert.strictEqual(incomplete, "")
    const hasEachOnce = counts.every((count, n) => count === (n === 0 ? 0 : 1))
    return { lines, hasEachOnce, growth: peak - start }
  })
})

const layerSeeded = Layer.effectDiscard(seed).pipe(Layer.provideMerge(TestServer.layer()))

layer(layerSeeded, { excludeTestServices: true })("An audit of 100 000 records", (it) => {
  for (const [accept, headerLines] of [
    ["text/csv", 1],
    ["application/x-ndjson", 0]
  ] as const) {
    it.effect(`exports all records as ${accept} in constant memory`, () =>
      Effect.gen(function* () {
        const { sql } = yield* Database
        const { growth, hasEachOnce, lines } = yield* readExport(accept)
        const [row] = yield* sql<{ count: bigint }>`SELECT count(*) FROM conversion_audit`
        assert.strictEqual(lines - headerLines, Number(row?.count))
        assert.isTrue(hasEachOnce)
        assert.isBelow(growth, MAX_EXPORT_BYTES)
      })
    )
  }

  it.effect("lists each record once, page by page, while new ones are written", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const writer = yield* convert(server).pipe(
        Effect.tap(({ status }) => Effect.sync(() => assert.strictEqual(status, 200))),
        Effect.delay("5 millis"),
        Effect.forever,
        Effect.forkChild
      )
      const counts = new Map<string, number>()
      let cursor: unknown = ""
      let pages = 0
      for (; typeof cursor === "string"; pages++) {
        const after = cursor === "" ? "" : `&cursor=${cursor}`
        const { json } = yield* server.get(`/api/v1/audit/conversions?page_size=${PAGE_SIZE}${after}`)
        const {
          data,
          next
        }: { data?: ReadonlyArray<{ audit_id: string; reference: string | null }>; next?: string } = json
        for (const { audit_id, reference } of data ?? []) {
          if (reference !== null) counts.set(audit_id, (counts.get(audit_id) ?? 0) + 1)
        }
        cursor = next
      }
      assert.isUndefined(writer.pollUnsafe())
      assert.strictEqual(counts.size, RECORDS)
      assert.isTrue(Array.from(counts.values()).every((count) => count === 1))
      assert.isAtLeast(pages, RECORDS / PAGE_SIZE)
    })
  )

  it.effect(
    "accepts conversions and can be sealed while more exports than connections wait for slow readers",
    () =>
      Effect.gen(function* () {
        const audit = yield* AuditLog
        const { withLock } = yield* Database
        const server = yield* TestServer
        const before = memoryInUse()
        const stalled = yield* Effect.forEach(
          Array.from({ length: STALLED_EXPORTS }),
          () => Effect.tap(Stream.toPull(audit.stream({})), (pull) => pull),
          { concurrency: "unbounded" }
        )
        assert.isBelow(memoryInUse() - before, (STALLED_EXPORTS * MAX_EXPORT_BYTES) / 4)
        assert.strictEqual((yield* convert(server)).status, 200)
        // The sealer needs one connection for its lock.
        assert.deepStrictEqual(yield* withLock("seal", Effect.void), Option.some(undefined))
        assert.strictEqual(stalled.length, STALLED_EXPORTS)
      }).pipe(Effect.scoped)
  )
})
