import { assert } from "@effect/vitest"
import { type Context, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { AuditVerifier, type Evidence } from "../../src/audit/AuditVerifier.ts"
import type { Receipt } from "../../src/audit/Receipt.ts"
import { Receipts } from "../../src/audit/Receipts.ts"
import { makeSigner, type SignedTreeHead } from "../../src/audit/TreeHead.ts"
import type { Verification } from "../../src/audit/Verification.ts"
import { Conversions } from "../../src/conversion/Conversions.ts"
import type { AuditId } from "../../src/domain/conversion/AuditId.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { conversionRequest } from "./ConversionRequests.ts"
import * as TestConversions from "./TestConversions.ts"
import * as TestDatabase from "./TestDatabase.ts"
import * as TestSettings from "./TestSettings.ts"

/** The signer of a key whose seed is 32 times the same byte. */
export const signerOf = (byte: number) => makeSigner(Buffer.alloc(32, byte))

/** Services of a node on a database, with the key of {@link signerOf}. */
const layer = (url: string, keyByte: number, env: Readonly<Record<string, string>>) =>
  TestConversions.features.pipe(
    Layer.provideMerge(Database.layer),
    Layer.provideMerge(
      TestSettings.layer({
        DATABASE_URL: url,
        AUDIT_SIGNING_KEY: Buffer.alloc(32, keyByte).toString("base64"),
        ...env
      })
    ),
    Layer.provideMerge(SecureRandom.layerWebCrypto)
  )

type Services = Layer.Success<ReturnType<typeof layer>>

/** Starts a node in this process. It shares nothing with other nodes but the database. */
export const start = Effect.fnUntraced(function* (
  url: string,
  keyByte = 7,
  env: Readonly<Record<string, string>> = {}
) {
  const context: Context.Context<Services> = yield* Layer.build(Layer.fresh(layer(url, keyByte, env)))
  const run = <A, E>(effect: Effect.Effect<A, E, Services>) => Effect.provide(effect, context)
  const seal = run(Effect.flatMap(AuditSealer, ({ sealAll }) => sealAll))
  const verifyWith = <E>(evidence: Evidence<E>) =>
    run(Effect.flatMap(AuditVerifier, (verifier) => verifier.verifyWith(evidence)))
  return {
    context,
    run,
    /** Seals all records. Returns their number. */
    seal,
    /** Converts one after another, without sealing. Returns the ids. */
    convert: (count: number) =>
      run(
        Effect.forEach(Array.from({ length: count }), () =>
          Effect.gen(function* () {
            const { conversion } = yield* (yield* Conversions).convert(conversionRequest("500"))
            return conversion.audit_id
          })
        )
      ),
    /** Converts one after another, and seals after each. Returns the ids. */
    convertAndSeal: (count: number) =>
      run(
        Effect.forEach(Array.from({ length: count }), () =>
          Effect.gen(function* () {
            const { convert } = yield* Conversions
            const { conversion } = yield* convert(conversionRequest("500"))
            yield* (yield* AuditSealer).sealAll
            return conversion.audit_id
          })
        )
      ),
    verify: run(Effect.flatMap(AuditVerifier, (verifier) => verifier.verify)),
    verifyWith,
    heads: run(Effect.flatMap(Receipts, (receipts) => receipts.headsAfter(0, 1000))),
    receipt: (id: AuditId): Effect.Effect<Receipt, unknown> =>
      run(
        Effect.gen(function* () {
          const receipts = yield* Receipts
          const receipt = Option.getOrThrow(yield* receipts.find(id))
          return receipt === "unsealed" ? assert.fail("the record is not sealed") : receipt
        })
      )
  }
})
export type AuditNode = Effect.Success<ReturnType<typeof start>>

/** Starts a node on a new database. Returns the database's URL, and SQL as the owner of its tables without triggers. */
export const startOwned = Effect.fnUntraced(function* (keyByte = 7) {
  const url = yield* TestDatabase.create
  const node = yield* start(url, keyByte)
  const { sql } = yield* node.run(Database)
  const tables = yield* sql<{ name: string }>`
    SELECT relid::regclass::text AS name FROM pg_partition_tree('conversion_audit')
    UNION ALL SELECT unnest(ARRAY['audit_seal', 'audit_node', 'audit_head', 'audit_unsealed', 'audit_key_rotation'])`
  for (const { name } of tables) yield* sql`ALTER TABLE ${sql.literal(name)} DISABLE TRIGGER ALL`
  return { url, node, sql }
})
export type Sql = Database["Service"]["sql"]

/** Returns the reason of a failed verification. */
export const reasonOf = (verification: Verification) =>
  verification.ok ? assert.fail("the verification found no fault") : verification.reason

/** Returns the newest head. */
export const newest = (heads: ReadonlyArray<SignedTreeHead>) =>
  heads.at(-1) ?? assert.fail("there is no head")
