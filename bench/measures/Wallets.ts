import { Console, Effect, Schema } from "effect"
import * as InterleavedRounds from "../InterleavedRounds.ts"
import * as Comparison from "../load/Comparison.ts"
import { Plan } from "../Plan.ts"
import { ProcessFailed } from "../Processes.ts"
import * as Programs from "../Programs.ts"
import type { Report } from "../Report.ts"
import * as GeneratedEntries from "../servers/GeneratedEntries.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn, spreadIn } from "../Statistics.ts"

const USERNAME = "bench"
/** Size of the statement that the target refers to. */
const TARGET_ROWS = 10_000_000

const Registered = Schema.Struct({ access: Schema.String })
const Page = Schema.Struct({ millis: Schema.Finite, cpuMillis: Schema.Finite })
const Pages = Schema.Struct({ first: Page, deep: Page, typed: Page })

/** Kinds of pages. One of a type reads more movements than it has rows. */
const KINDS = [
  { kind: "first page", of: ({ first }: typeof Pages.Type) => first },
  { kind: "page in the middle", of: ({ deep }: typeof Pages.Type) => deep },
  { kind: "page of one type in the middle", of: ({ typed }: typeof Pages.Type) => typed }
]

/** Measures reads of a wallet relative to lookups through the router, and pages of a long statement. */
export const wallets = Effect.gen(function* () {
  const { connections, rows } = yield* Plan
  const effex = yield* Servers.effex()
  const { access } = yield* register(effex.url)
  yield* Effect.forEach(["USD", "EUR", "NGN"], (asset) => deposit(effex.url, access, asset))
  const reads = yield* Comparison.compare("wallets", "wallet", {
    wallet: { ...effex, headers: { authorization: `Bearer ${access}` } },
    lookup: { ...effex, kind: "routed lookups" }
  })

  const long = yield* Servers.effex()
  yield* register(long.url)
  yield* Console.log(`wallets: inserts ${rows} entries`)
  yield* GeneratedEntries.fill(long.database, USERNAME, rows)
  const pages = yield* InterleavedRounds.interleave("statement", {
    statement: Programs.run("wallets/StatementPages", Pages, long.database, { USERNAME })
  })
  const report: Report = {
    rows: [
      {
        workload: `read of a wallet with three balances and their value, ${connections} connections`,
        measure: "requests/s relative to lookups through the router",
        target: { atLeast: 0.5 },
        result: ratioIn(reads, "wallet", "lookup", Comparison.requestsPerSecond)
      },
      ...KINDS.map(({ kind, of }) => ({
        workload: `${kind} of 50 movements, in a statement of ${rows}`,
        measure: "CPU time of PostgreSQL",
        unit: "ms",
        target: { atMost: 5 },
        result: spreadIn(pages, "statement", (result) => of(result).cpuMillis)
      }))
    ],
    figures: [
      ...Comparison.figuresOf("wallet", reads, ["wallet", "lookup"]),
      ...KINDS.map(({ kind, of }) => ({
        workload: kind,
        server: "effex",
        quantity: "p50 with the round trip",
        unit: "ms",
        result: spreadIn(pages, "statement", (result) => of(result).millis)
      }))
    ],
    notes:
      rows < TARGET_ROWS ? [`\`--rows ${TARGET_ROWS}\` creates the statement that the target refers to.`] : []
  }
  return report
})

const send = Effect.fnUntraced(function* (url: string, path: string, body: object, access?: string) {
  const response = yield* Effect.tryPromise({
    try: async () =>
      fetch(url + path, {
        method: path.endsWith("deposit") ? "PATCH" : "POST",
        headers: access === undefined ? {} : { authorization: `Bearer ${access}` },
        body: JSON.stringify(body)
      }),
    catch: (cause) => new ProcessFailed({ program: url, detail: String(cause) })
  })
  const text = yield* Effect.promise(async () => response.text())
  return response.ok ? text : yield* new ProcessFailed({ program: url, detail: text })
})

const register = (url: string) =>
  send(url, "/api/v1/accounts/auth/register", {
    username: USERNAME,
    password: "a passphrase of the benchmark"
  }).pipe(Effect.flatMap(Schema.decodeEffect(Schema.fromJsonString(Registered))), Effect.orDie)

const deposit = (url: string, access: string, asset: string) =>
  send(url, "/api/v1/accounts/wallet/deposit", { asset, amount: "100.00" }, access)
