import "effect/schema/SchemaJITCompiler/enable"
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Layer, Option, Stream } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { TestServer } from "../support/TestServer.ts"

const RECORDS = 100_000
const PAGE_SIZE = 1000
const MAX_GROWTH_BYTES = 50_000_000
/** Records from one look at the memory to the next. */
const SAMPLE_EVERY = 5000
/** More than the pool has connections. */
const STALLED = 16

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

/** What is held once garbage is gone. The server and its reader share this process. */
const held = () => {
  collect()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

/** As many records as an audit gathers in a while, an hour old, each with an id of its own. */
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

const convert = (server: TestServer["Service"]) =>
  server.get("/api/v1/convert", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ amount: "12.34", from_currency: "USD", to_currency: "NGN" })
  })

/** Reads an export line by line, and returns the numbers of the seeded orders in it and how much memory grew meanwhile. */
const read = Effect.fnUntraced(function* (accept: string) {
  const { url } = yield* TestServer
  return yield* Effect.promise(async () => {
    const start = held()
    const response = await fetch(`${url}/api/v1/audit/conversions`, { headers: { accept } })
    assert.strictEqual(response.status, 200)
    assert.include(response.headers.get("content-type"), accept)
    const orders = new Uint32Array(RECORDS + 1)
    let lines = 0
    let rest = ""
    let peak = start
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const parts = (rest + chunk).split("\n")
      rest = parts.pop() ?? ""
      for (const line of parts) {
        lines += 1
        const [, order] = /\border (\d+)\b/.exec(line) ?? []
        if (order !== undefined) orders[Number(order)] = (orders[Number(order)] ?? 0) + 1
        if (lines % SAMPLE_EVERY === 0) peak = Math.max(peak, held())
      }
    }
    assert.strictEqual(rest, "")
    return { lines, once: orders.every((count, n) => count === (n === 0 ? 0 : 1)), growth: peak - start }
  })
})

const seeded = Layer.effectDiscard(seed).pipe(Layer.provideMerge(TestServer.layer()))

layer(seeded, { excludeTestServices: true, timeout: "60 seconds" })("an audit of 100 000 records", (it) => {
  it.effect(
    "is listed to its end by cursor, each record once, while new ones are written",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const writer = yield* convert(server).pipe(
          Effect.tap(({ status }) => Effect.sync(() => assert.strictEqual(status, 200))),
          Effect.delay("5 millis"),
          Effect.forever,
          Effect.forkChild
        )
        const seen = new Map<string, number>()
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
            if (reference !== null) seen.set(audit_id, (seen.get(audit_id) ?? 0) + 1)
          }
          cursor = next
        }
        assert.isUndefined(writer.pollUnsafe())
        assert.strictEqual(seen.size, RECORDS)
        assert.isTrue(Array.from(seen.values()).every((count) => count === 1))
        assert.isAtLeast(pages, RECORDS / PAGE_SIZE)
      }),
    60_000
  )

  for (const [accept, heading] of [
    ["text/csv", 1],
    ["application/x-ndjson", 0]
  ] as const) {
    it.effect(
      `is exported whole as ${accept} in constant memory`,
      () =>
        Effect.gen(function* () {
          const { sql } = yield* Database
          const { growth, lines, once } = yield* read(accept)
          const [row] = yield* sql<{ count: bigint }>`SELECT count(*) FROM conversion_audit`
          assert.strictEqual(lines - heading, Number(row?.count))
          assert.isTrue(once)
          assert.isBelow(growth, MAX_GROWTH_BYTES)
        }),
      60_000
    )
  }

  it.effect(
    "is converted into, and can be sealed, while more exports than there are connections wait for their readers",
    () =>
      Effect.gen(function* () {
        const audit = yield* AuditLog
        const { exclusively } = yield* Database
        const server = yield* TestServer
        const before = held()
        const stalled = yield* Effect.forEach(
          Array.from({ length: STALLED }),
          () => Effect.tap(Stream.toPull(audit.stream({})), (pull) => pull),
          { concurrency: "unbounded" }
        ).pipe(Effect.timeout("5 seconds"))
        assert.isBelow(held() - before, MAX_GROWTH_BYTES)
        const [took, { status }] = yield* Effect.timed(convert(server))
        assert.strictEqual(status, 200)
        assert.isBelow(Duration.toMillis(took), 1000)
        // As the sealer does, for which one connection must be its own.
        assert.deepStrictEqual(yield* exclusively("seal", Effect.void), Option.some(undefined))
        assert.strictEqual(stalled.length, STALLED)
      }).pipe(Effect.scoped),
    60_000
  )
})
