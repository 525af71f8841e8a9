/** Upper bound of the runtime: `node:http`, a `Map` and `JSON.stringify`, without anything else that a service needs. */
import { randomUUID } from "node:crypto"
import { createServer } from "node:http"

interface Rate {
  readonly from: string
  readonly to: string
  readonly rate: string
  readonly rate_id: string
  readonly provider: string
  readonly fetched_at: string
  readonly stale: boolean
}

const rates = new Map<string, Rate>()
for (const [, from = "", to = "", rate = ""] of (process.env["RATES"] ?? "").matchAll(
  /(\w+):(\w+)=([\d.]+)/g
)) {
  const fetched_at = new Date().toISOString()
  const entry = { from, to, rate, rate_id: randomUUID(), provider: "raw", fetched_at, stale: false }
  rates.set(`from=${from}&to=${to}`, entry)
}

const PATH = "/api/v1/rates?"

const server = createServer((request, response) => {
  const url = request.url ?? ""
  const rate = url.startsWith(PATH) ? rates.get(url.slice(PATH.length)) : undefined
  if (rate === undefined) {
    response.writeHead(404).end()
    return
  }
  const body = JSON.stringify(rate)
  response
    .writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
    .end(body)
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object" && address !== null)
    process.stdout.write(`raw is listening on http://127.0.0.1:${address.port}\n`)
})
