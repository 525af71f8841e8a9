import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import { inspect } from "node:util"
import type { FundingRequest } from "../../../src/domain/wallets/Funding.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { FundingClient } from "../../../src/wallets/funding/FundingClient.ts"
import { FundingRepo } from "../../../src/wallets/funding/FundingRepo.ts"
import { FundingSettlement } from "../../../src/wallets/funding/FundingSettlement.ts"
import * as TestFunding from "../../support/TestFunding.ts"
import * as TestWallets from "../../support/TestWallets.ts"

/** Runs statements in one transaction as the owner of the table, and expects the rejection. */
const assertRejected = Effect.fnUntraced(function* (pattern: RegExp, ...statements: ReadonlyArray<string>) {
  const { sql, tryExecute } = yield* Database
  const all = Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
  const exit = yield* Effect.exit(tryExecute(sql.withTransaction(all)))
  const text = Exit.isFailure(exit) ? inspect(exit.cause, { depth: 12 }) : "no rejection"
  assert.match(text, pattern, statements.join("; "))
})

const update = ({ id }: FundingRequest, change: string) =>
  `UPDATE funding_request SET ${change} WHERE id = '${id}'`

const COMPLETED = "state = 'completed', settled_at = now(), reference = 'R'"
const FAILED = "state = 'failed', settled_at = now(), reason = 'r'"

layer(TestFunding.layer(FundingClient.layerManual))("The table of funding requests", (it) => {
  it.effect("keeps every field but the end and the time of the next check", () =>
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const user = yield* TestWallets.user("fields", { USD: "5" })
      const other = yield* TestWallets.user("other")
      const { request } = yield* TestFunding.request(user, "withdrawal", "5")
      for (const change of [
        "amount = 4",
        "asset = 'EUR'",
        "direction = 'deposit', hold_id = NULL",
        "provider = 'sandbox'",
        "note = 'x'",
        "requested_by = 'x'",
        "requested_at = now()",
        `wallet_id = '${other.id}'`,
        "hold_id = NULL"
      ])
        yield* assertRejected(/ends once, and is otherwise immutable/, update(request, change))
      for (const statement of ["DELETE FROM funding_request", "TRUNCATE funding_request"])
        yield* assertRejected(/is refused/, statement)
      yield* execute(sql.unsafe(update(request, "check_at = now()")))
    })
  )

  it.effect("accepts an end only with its movement in the ledger", () =>
    Effect.gen(function* () {
      const { end } = yield* FundingSettlement
      const user = yield* TestWallets.user("movement", { USD: "5" })
      const { request: deposit } = yield* TestFunding.request(user, "deposit", "5")
      const { request: withdrawal } = yield* TestFunding.request(user, "withdrawal", "3")
      const { request: small } = yield* TestFunding.request(user, "deposit", "1")
      const ended = yield* end(small, { state: "completed", reference: "SMALL" })
      const foreign = ended._tag === "Ended" ? ended.request.transferId : assert.fail(ended._tag)
      for (const request of [deposit, withdrawal]) {
        yield* assertRejected(/completed without its entry/, update(request, COMPLETED))
        yield* assertRejected(
          /completed without its entry/,
          update(request, `${COMPLETED}, transfer_id = '${foreign}'`)
        )
      }
      yield* assertRejected(
        /ends without the end of its hold/,
        update(withdrawal, `${FAILED}, transfer_id = '${foreign}'`)
      )
      yield* assertRejected(/23514/, update(deposit, `${FAILED}, transfer_id = '${foreign}'`))
      yield* assertRejected(/23514/, update(deposit, "settled_at = now()"))
      yield* assertRejected(/23514/, update(deposit, "settled_by = 'x'"))
    })
  )

  it.effect("never changes an end, nor completes two requests with one payment", () =>
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const { end } = yield* FundingSettlement
      const user = yield* TestWallets.user("ends")
      const [first, second] = yield* Effect.forEach([1, 2], () =>
        Effect.map(TestFunding.request(user, "deposit", "1"), ({ request }) => request)
      )
      if (first === undefined || second === undefined) return assert.fail("no requests")
      yield* end(first, { state: "completed", reference: "Ref 7" })
      for (const change of [
        "state = 'pending', settled_at = NULL, reference = NULL, transfer_id = NULL",
        "state = 'failed', reference = NULL, reason = 'r', transfer_id = NULL",
        "reference = 'other'",
        "settled_by = 'x'",
        "check_at = now()"
      ])
        yield* assertRejected(/ends once, and is otherwise immutable/, update(first, change))
      yield* execute(sql.unsafe(update(second, "check_at = now()")))
      yield* assertRejected(
        /funding_request_reference/,
        "ALTER TABLE funding_request DISABLE TRIGGER guarded",
        `UPDATE funding_request SET state = 'completed', settled_at = now(), reference = 'REF7',
          transfer_id = '${second.id}' WHERE id = '${second.id}'`
      )
    })
  )

  it.effect("finds the requests that nodes of a previous version completed", () =>
    Effect.gen(function* () {
      const { execute, sql, tryExecute } = yield* Database
      const { end } = yield* FundingSettlement
      const { completedBy } = yield* FundingRepo
      const user = yield* TestWallets.user("previous")
      const { request } = yield* TestFunding.request(user, "deposit", "1")
      yield* end(request, { state: "completed", reference: "R\u00C9F-9 A" })
      const keyOf = Effect.map(
        execute(
          sql<{
            key: string | null
          }>`SELECT reference_key AS key FROM funding_request WHERE id = ${request.id}`
        ),
        ([row]) => row?.key
      )
      const assertFound = Effect.fnUntraced(function* (...references: ReadonlyArray<string>) {
        for (const reference of references)
          assert.deepStrictEqual(yield* completedBy(reference), Option.some(request.id), reference)
        assert.deepStrictEqual(yield* completedBy("R\u00C9F-9 B"), Option.none())
      })
      /** Removes the key, as the owner of the table. */
      const removeKey = (...triggers: ReadonlyArray<string>) =>
        tryExecute(
          sql.withTransaction(
            Effect.gen(function* () {
              for (const name of triggers)
                yield* sql.unsafe(`ALTER TABLE funding_request DISABLE TRIGGER ${name}`)
              yield* sql.unsafe(update(request, "reference_key = NULL"))
              for (const name of triggers)
                yield* sql.unsafe(`ALTER TABLE funding_request ENABLE ALWAYS TRIGGER ${name}`)
            })
          )
        )

      assert.strictEqual(yield* keyOf, "r\u00E9f-9a")
      // During a rolling deployment, the trigger sets a key.
      yield* removeKey("guarded")
      assert.match(String(yield* keyOf), /^r[\u00C9\u00E9]f-9a$/)
      yield* assertFound("R\u00C9F-9 A", "r\u00E9f-9a", "\uFF32\u00C9F\u20119A")
      // Before the migration, there was none.
      yield* removeKey("guarded", "keyed")
      assert.isNull(yield* keyOf)
      yield* assertFound("R\u00C9F-9 A", "r\u00E9f-9a", "\uFF32\u00C9F\u20119A")
    })
  )

  it.effect(
    "accepts new requests only as pending, with their hold and within the decimals of the asset",
    () =>
      Effect.gen(function* () {
        const user = yield* TestWallets.user("inserts", { USD: "9" })
        const { request: deposit } = yield* TestFunding.request(user, "deposit", "1")
        const { request: withdrawal } = yield* TestFunding.request(user, "withdrawal", "2")
        const copy = (fields: Readonly<Record<string, string>>, of: FundingRequest = deposit) => {
          const names = `id, wallet_id, direction, asset, amount, note, provider, hold_id, requested_by, requested_at,
          check_at, state, reference, reason, transfer_id, settled_by, settled_at`
          const values = names.split(",").map((name) => fields[name.trim()] ?? name)
          return `INSERT INTO funding_request (${names}) SELECT ${values.join(",")} FROM funding_request WHERE id = '${of.id}'`
        }
        yield* assertRejected(
          /starts as pending/,
          copy({ state: "'failed'", reason: "'r'", settled_at: "now()" })
        )
        yield* assertRejected(/too many decimals/, copy({ amount: "0.001" }))
        yield* assertRejected(/does not hold its amount/, copy({ amount: "1" }, withdrawal))
        yield* assertRejected(/23514/, copy({ direction: "'withdrawal'" }))
        yield* assertRejected(/23514/, copy({ amount: "0" }))
        yield* assertRejected(/23514/, copy({ amount: "-1" }))
        yield* assertRejected(/funding_request_pkey/, copy({}))
      })
  )
})
