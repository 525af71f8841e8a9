import { hash } from "@node-rs/argon2"
import { Agent, request } from "node:http"
import { PasswordHashCost } from "../../src/accounts/Passwords.ts"

/*
 * One client of the measure `logins`, in a process of its own. Prints its result as JSON.
 *
 * - MODE=register: registers the users.
 * - MODE=lookups: sends lookups on schedule, also while earlier ones wait for their response.
 * - MODE=logins: signs in LOGINS times at once, again when all have their response.
 * - MODE=hashes: hashes passwords as a sign-in does, one after the other, and sends nothing.
 */

const { LOGINS, MODE, RATE, SECONDS, SERVER = "" } = process.env
const USERS = 40
const PASSWORD = "a long enough passphrase"
const LOOKUP_CONNECTIONS = 8

interface Call {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Sends a request. Returns its status and the milliseconds until the end of the response. */
const send = (agent: Agent, { body, headers = {}, path }: Call) =>
  new Promise<{ readonly status: number; readonly millis: number }>((resolve, reject) => {
    const startedAt = performance.now()
    const method = body === undefined ? "GET" : "POST"
    request(`${SERVER}${path}`, { agent, method, headers }, (response) => {
      response
        .resume()
        .on("end", () => resolve({ status: response.statusCode ?? 0, millis: performance.now() - startedAt }))
    })
      .on("error", reject)
      .end(body)
  })

/** Each user has an address of its own, so that sign-in is not limited. */
const authenticate = (agent: Agent, path: "login" | "register", user: number) =>
  send(agent, {
    path: `/api/v1/accounts/auth/${path}`,
    headers: { "content-type": "application/json", "x-forwarded-for": `10.0.0.${user + 1}` },
    body: JSON.stringify({ username: `user-${user}`, password: PASSWORD })
  })

const millis: Array<number> = []
let failures = 0
const record = (expected: number) => (response: { readonly status: number; readonly millis: number }) => {
  if (response.status === expected) millis.push(response.millis)
  else failures++
}

const register = async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const users = Array.from({ length: USERS }, (_, user) => user)
  await Promise.all(users.map((user) => authenticate(agent, "register", user).then(record(201))))
  agent.destroy()
}

const lookups = async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: LOOKUP_CONNECTIONS })
  const begin = performance.now()
  const pending: Array<Promise<void>> = []
  for (let i = 0; i < Number(SECONDS) * Number(RATE); i++) {
    const wait = begin + (i * 1000) / Number(RATE) - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    pending.push(send(agent, { path: "/api/v1/rates?from=USD&to=NGN" }).then(record(200)))
  }
  await Promise.all(pending)
  agent.destroy()
}

const logins = async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: Number(LOGINS) })
  const end = performance.now() + Number(SECONDS) * 1000
  while (performance.now() < end)
    await Promise.all(
      Array.from({ length: Number(LOGINS) }, (_, i) =>
        authenticate(agent, "login", i % USERS).then(record(200))
      )
    )
  agent.destroy()
}

const hashes = async () => {
  const cost = PasswordHashCost.defaultValue()
  const end = performance.now() + Number(SECONDS) * 1000
  while (performance.now() < end) {
    const startedAt = performance.now()
    await hash(PASSWORD, cost)
    millis.push(performance.now() - startedAt)
  }
}

const modes = new Map([
  ["register", register],
  ["lookups", lookups],
  ["logins", logins],
  ["hashes", hashes]
])
const startedAt = performance.now()
await modes.get(MODE ?? "")?.()
const sorted = millis.toSorted((a, b) => a - b)
const at = (fraction: number) => sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? 0
const perSecond = (millis.length * 1000) / (performance.now() - startedAt)
process.stdout.write(
  JSON.stringify({ count: millis.length, failures, perSecond, p50: at(0.5), p99: at(0.99) })
)
