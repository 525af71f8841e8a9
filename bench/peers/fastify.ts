/**
 * A typical alternative to effex: Fastify with schemas, one Redis GET per lookup, one INSERT per conversion, and a loop
 * over the sockets per update.
 */
import { Big } from "big.js"
import Fastify from "fastify"
import { Redis } from "ioredis"
import { randomUUID } from "node:crypto"
import { setImmediate } from "node:timers/promises"
import { Pool } from "pg"
import { WebSocketServer } from "ws"

interface Rate {
  readonly from: string
  readonly to: string
  readonly rate: string
  readonly rate_id: string
  readonly provider: string
  readonly fetched_at: string
  readonly stale: boolean
}

const { DATABASE_URL = "", RATES = "", REDIS_URL = "", UPDATES } = process.env

const MARGIN = "0.005"
/** Decimals of the currencies that do not have two. */
const DECIMALS: Readonly<Record<string, number>> = { XOF: 0, XAF: 0, UGX: 0 }

const redis = new Redis(REDIS_URL, { enableAutoPipelining: true })
const pool = new Pool({ connectionString: DATABASE_URL, max: 20 })
const app = Fastify()

const keyOf = (from: string, to: string) => `fxrate:${from}:${to}`

const rateOf = async (from: string, to: string): Promise<Rate | undefined> => {
  const json = await redis.get(keyOf(from, to))
  return json === null ? undefined : JSON.parse(json)
}

const text = { type: "string" } as const
const code = { type: "string", pattern: "^[A-Z]{3}$" } as const
const problem = { type: "object", properties: { code: text, detail: text } } as const
const unsupported = { code: "unsupported-pair", detail: "The pair is not supported" }
const rateFields = {
  from: text,
  to: text,
  rate: text,
  rate_id: text,
  provider: text,
  fetched_at: text,
  stale: { type: "boolean" }
} as const

app.get<{ Querystring: { from: string; to: string } }>(
  "/api/v1/rates",
  {
    schema: {
      querystring: { type: "object", required: ["from", "to"], properties: { from: code, to: code } },
      response: { 200: { type: "object", properties: rateFields }, 422: problem }
    }
  },
  async ({ query }, reply) => (await rateOf(query.from, query.to)) ?? reply.code(422).send(unsupported)
)

interface Conversion {
  readonly amount: string
  readonly from_currency: string
  readonly to_currency: string
  readonly reference?: string
}

const INSERT = `
  INSERT INTO conversion_audit (id, source_currency, destination_currency, input_amount, output_amount, mid_rate,
    margin, rate, exact_output, residual, rate_id, provider, rate_fetched_at, stale, reference, principal, converted_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`

app.post<{ Body: Conversion }>(
  "/api/v1/convert",
  {
    schema: {
      body: {
        type: "object",
        required: ["amount", "from_currency", "to_currency"],
        properties: {
          amount: { type: "string", pattern: "^\\d{1,18}(\\.\\d{1,2})?$" },
          from_currency: code,
          to_currency: code,
          reference: { type: "string", maxLength: 100 }
        }
      },
      response: {
        200: {
          type: "object",
          properties: {
            audit_id: text,
            from_currency: text,
            to_currency: text,
            input_amount: text,
            output_amount: text,
            mid_rate: text,
            margin: text,
            rate: text,
            rate_id: text,
            provider: text,
            rate_fetched_at: text,
            stale: { type: "boolean" },
            reference: text,
            converted_at: text
          }
        },
        422: problem
      }
    }
  },
  async ({ body, ip }, reply) => {
    const { amount, from_currency, reference, to_currency } = body
    const found = await rateOf(from_currency, to_currency)
    if (found === undefined) return reply.code(422).send(unsupported)
    const rate = new Big(found.rate).times(new Big(1).minus(MARGIN))
    const exact = new Big(amount).times(rate)
    const decimals = DECIMALS[to_currency] ?? 2
    const output = exact.round(decimals, Big.roundDown)
    const id = randomUUID()
    const convertedAt = new Date().toISOString()
    const outputAmount = output.toFixed(decimals)
    const { fetched_at, provider, rate_id, stale } = found
    await pool.query({
      name: "insert-conversion",
      text: INSERT,
      values: [
        id,
        from_currency,
        to_currency,
        amount,
        outputAmount,
        found.rate,
        MARGIN,
        rate.toFixed(),
        exact.toFixed(),
        exact.minus(output).toFixed(),
        rate_id,
        provider,
        fetched_at,
        stale,
        reference ?? null,
        ip,
        convertedAt
      ]
    })
    return {
      audit_id: id,
      from_currency,
      to_currency,
      input_amount: amount,
      output_amount: outputAmount,
      mid_rate: found.rate,
      margin: MARGIN,
      rate: rate.toFixed(),
      rate_id,
      provider,
      rate_fetched_at: fetched_at,
      stale,
      ...(reference === undefined ? {} : { reference }),
      converted_at: convertedAt
    }
  }
)

await pool.query(`
  CREATE TABLE IF NOT EXISTS conversion_audit (
    id uuid PRIMARY KEY,
    source_currency text NOT NULL,
    destination_currency text NOT NULL,
    input_amount numeric NOT NULL,
    output_amount numeric NOT NULL,
    mid_rate numeric NOT NULL,
    margin numeric NOT NULL,
    rate numeric NOT NULL,
    exact_output numeric NOT NULL,
    residual numeric NOT NULL,
    rate_id uuid NOT NULL,
    provider text NOT NULL,
    rate_fetched_at timestamptz NOT NULL,
    stale boolean NOT NULL,
    reference text,
    principal text NOT NULL,
    converted_at timestamptz NOT NULL
  )`)

const rates: ReadonlyArray<Rate> = RATES.split(",").map((item) => {
  const [, from = "", to = "", rate = ""] = item.match(/(\w+):(\w+)=([\d.]+)/) ?? []
  const fetched_at = new Date().toISOString()
  return { from, to, rate, rate_id: randomUUID(), provider: "fastify", fetched_at, stale: false }
})
for (const rate of rates) await redis.set(keyOf(rate.from, rate.to), JSON.stringify(rate))

const sockets = new WebSocketServer({ server: app.server, path: "/ws/rates/" })

const broadcast = (rate: Rate, sequence: number) => {
  const message = JSON.stringify({ type: "rate_update", sequence, ...rate })
  for (const socket of sockets.clients) socket.send(message)
}

sockets.on("connection", (socket) => socket.send(JSON.stringify({ type: "all_rates", rates })))

const address = await app.listen({ host: "127.0.0.1", port: 0 })
process.stdout.write(`fastify is listening on ${address}\n`)

/** Changes every rate once per second, one by one, as the responses of a provider arrive. */
let sequence = 0
const broadcastAll = async (): Promise<void> => {
  const next = performance.now() + 1_000
  for (const rate of rates) {
    broadcast({ ...rate, rate_id: randomUUID(), fetched_at: new Date().toISOString() }, ++sequence)
    await setImmediate()
  }
  setTimeout(broadcastAll, next - performance.now())
}
if (UPDATES === "on") await broadcastAll()
