import { NodeServices } from "@effect/platform-node"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric, Option, Redacted } from "effect"
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { HeadDestination } from "../../../src/audit/heads/HeadDestination.ts"
import * as HeadLogFile from "../../../src/audit/heads/HeadLogFile.ts"
import * as HeadPublisher from "../../../src/audit/heads/HeadPublisher.ts"
import * as HeadWebhook from "../../../src/audit/heads/HeadWebhook.ts"
import { toReceiptHead } from "../../../src/audit/Receipt.ts"
import { Webhook } from "../../../src/platform/Webhook.ts"
import * as AuditMetrics from "../../../src/platform/metrics/AuditMetrics.ts"
import { type AuditNode, startOwned } from "../../support/AuditNode.ts"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import { SIGNING_KEY } from "../../support/TestConversions.ts"

const temporaryFile = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "effex-heads-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  ),
  (directory) => join(directory, "kept", "heads.ndjson")
)

const sizesIn = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line).tree_size)

const sizesOf = (file: string) => Effect.promise(async () => sizesIn(await readFile(file, "utf8")))

const services = Layer.merge(
  NodeServices.layer,
  Webhook.layer.pipe(Layer.provide(NodeHttpClient.layerUndici))
)

const publisherOf = (node: AuditNode, destination: HeadDestination) =>
  node.run(HeadPublisher.make(destination))
const toFile = (node: AuditNode, file: string) =>
  Effect.flatMap(HeadLogFile.make(file), (destination) => publisherOf(node, destination)).pipe(
    Effect.provide(services)
  )
const toUrl = Effect.fnUntraced(function* (node: AuditNode, url: string) {
  // The client lives as long as the test.
  const context = yield* Layer.build(services)
  const destination = yield* node.run(Effect.provide(HeadWebhook.make(Redacted.make(url)), context))
  return yield* publisherOf(node, destination)
})

/** An HTTP server that records the bodies of requests and responds with a status that the test sets. */
const receiver = Effect.gen(function* () {
  const received: Array<{ heads: ReadonlyArray<{ tree_size: number }> }> = []
  const control = { status: 204, responds: true }
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (chunk) => (body += chunk))
    request.on("end", () => {
      assert.strictEqual(request.method, "POST")
      assert.include(request.headers["content-type"], "application/json")
      received.push(JSON.parse(body))
      if (control.responds) response.writeHead(control.status).end()
      else response.destroy()
    })
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
    () => Effect.promise(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : assert.fail()
  return {
    url: `http://127.0.0.1:${port}/heads?token=secret`,
    control,
    received,
    sizes: () => received.map(({ heads }) => heads.map(({ tree_size }) => tree_size))
  }
})

describe("HeadPublisher", () => {
  it.live("appends each head to AUDIT_HEADS_FILE once, also after a restart", () =>
    Effect.gen(function* () {
      const { node } = yield* startOwned()
      const file = yield* temporaryFile
      const first = yield* toFile(node, file)
      assert.strictEqual(yield* first.publish, 0)
      yield* node.convertAndSeal(2)
      assert.strictEqual(yield* first.publish, 2)
      assert.strictEqual(yield* first.publish, 0)
      yield* node.convertAndSeal(1)
      const restarted = yield* toFile(node, file)
      assert.strictEqual(yield* restarted.publish, 1)
      const text = yield* Effect.promise(() => readFile(file, "utf8"))
      const heads = yield* node.heads
      assert.strictEqual(text, heads.map((head) => `${JSON.stringify(toReceiptHead(head))}\n`).join(""))
    }).pipe(Effect.scoped)
  )

  it.live("continues in another file that starts with the last line of the previous one", () =>
    Effect.gen(function* () {
      const { node } = yield* startOwned()
      const file = yield* temporaryFile
      const publisher = yield* toFile(node, file)
      yield* node.convertAndSeal(2)
      yield* publisher.publish
      const text = yield* Effect.promise(() => readFile(file, "utf8"))
      yield* Effect.promise(() => rename(file, `${file}.archived`))
      yield* Effect.promise(() => writeFile(file, text.slice(text.indexOf("\n") + 1)))
      yield* node.convertAndSeal(1)
      assert.strictEqual(yield* publisher.publish, 1)
      assert.deepStrictEqual(yield* sizesOf(file), [2, 3])
      yield* node.convertAndSeal(1)
      assert.strictEqual(yield* (yield* toFile(node, file)).publish, 1)
      assert.deepStrictEqual(yield* sizesOf(file), [2, 3, 4])
    }).pipe(Effect.scoped)
  )

  it.live("removes a line that a crash left incomplete, and appends its head again", () =>
    Effect.gen(function* () {
      const { node } = yield* startOwned()
      const file = yield* temporaryFile
      yield* node.convertAndSeal(2)
      yield* (yield* toFile(node, file)).publish
      const text = yield* Effect.promise(() => readFile(file, "utf8"))
      yield* Effect.promise(() => writeFile(file, text.slice(0, -10)))
      yield* (yield* toFile(node, file)).publish
      assert.strictEqual(yield* Effect.promise(() => readFile(file, "utf8")), text)
    }).pipe(Effect.scoped)
  )

  it.live("does not write to a file that has other content", () =>
    Effect.gen(function* () {
      const { node } = yield* startOwned()
      const file = yield* temporaryFile
      yield* (yield* toFile(node, file)).publish
      yield* node.convertAndSeal(1)
      for (const text of ["a diary\n", "a diary", "{}\n", '{"tree_size":1}\n']) {
        yield* Effect.promise(() => writeFile(file, text))
        const error = yield* Effect.flip((yield* toFile(node, file)).publish)
        assert.include(error.message, "is not a file of signed heads")
        assert.strictEqual(yield* Effect.promise(() => readFile(file, "utf8")), text)
      }
    }).pipe(Effect.scoped)
  )

  it.live("keeps both heads in the file after a backup was restored, so that the verifier names it", () =>
    Effect.gen(function* () {
      const { node, sql, url } = yield* startOwned()
      const file = yield* temporaryFile
      yield* node.convertAndSeal(3)
      const publisher = yield* toFile(node, file)
      yield* publisher.publish
      yield* sql`DELETE FROM conversion_audit WHERE id = (SELECT audit_id FROM audit_seal WHERE position = 3)`
      for (const table of ["audit_head WHERE tree_size", "audit_seal WHERE position"])
        yield* sql`DELETE FROM ${sql.literal(table)} = 3`
      yield* sql`DELETE FROM audit_node WHERE (level, index) = (0, 2)`
      assert.strictEqual(yield* publisher.publish, 1)
      assert.strictEqual(yield* publisher.publish, 0)
      assert.deepStrictEqual(yield* sizesOf(file), [1, 2, 3, 2])
      const env = { DATABASE_URL: url, AUDIT_SIGNING_KEY: SIGNING_KEY, LOG_LEVEL: "none" }
      const verified = yield* EffexCommand.exec(["audit", "verify", "--head", file], env)
      assert.strictEqual(verified.code, 1)
      assert.include(verified.output, "a kept head covers 3 records, but there are only 2")
    }).pipe(Effect.scoped)
  )

  it.live("makes a restarted server and the verifier name a lost tail by AUDIT_HEADS_FILE", () =>
    Effect.gen(function* () {
      const { node, sql, url } = yield* startOwned()
      const file = yield* temporaryFile
      yield* node.convertAndSeal(3)
      yield* (yield* toFile(node, file)).publish
      yield* sql`INSERT INTO audit_unsealed SELECT audit_id FROM audit_seal WHERE position > 1`
      yield* sql`DELETE FROM audit_head WHERE tree_size > 1`
      yield* sql`DELETE FROM audit_seal WHERE position > 1`
      yield* sql`DELETE FROM audit_node WHERE (index + 1) * power(2::numeric, level) > 1`
      const env = { DATABASE_URL: url, AUDIT_SIGNING_KEY: SIGNING_KEY, AUDIT_HEADS_FILE: file }
      const verified = yield* EffexCommand.exec(["audit", "verify"], { ...env, LOG_LEVEL: "none" })
      assert.strictEqual(verified.code, 1)
      assert.include(verified.output, "a kept head covers 3 records, but there are only 1")
      const server = yield* EffexCommand.serve({ ...env, ALLOW_ANONYMOUS_CONVERT: "true" })
      yield* server.written(/The audit is not sealed: its 1 sealed records do not continue the 3 records/)
      const ready = yield* Effex.get(server.url, "/health/ready")
      assert.match(
        ready.body,
        /"audit":\{"status":"degraded","detail":"The audit is not sealed: its 1 sealed records do not continue/
      )
      assert.strictEqual((yield* node.heads).length, 1)
      // The server has appended the head of today, too.
      const again = yield* EffexCommand.exec(["audit", "verify"], { ...env, LOG_LEVEL: "none" })
      assert.include(again.output, "a kept head covers 3 records, but there are only 1")
    }).pipe(Effect.scoped)
  )

  it.live("posts heads to AUDIT_HEADS_URL until each was accepted, and continues on another node", () =>
    Effect.gen(function* () {
      const { node } = yield* startOwned()
      const { control, received, sizes, url } = yield* receiver
      const failures = AuditMetrics.headPublishFailures.of({ destination: "url" })
      const before = (yield* Metric.value(failures)).count
      yield* node.convertAndSeal(2)
      const publisher = yield* toUrl(node, url)
      control.status = 500
      const error = yield* Effect.flip(publisher.publish)
      assert.include(error.message, "the response has the status 500")
      assert.notInclude(error.message, "secret")
      control.responds = false
      assert.include((yield* Effect.flip(publisher.publish)).message, "the request failed")
      assert.strictEqual((yield* Metric.value(failures)).count - before, 2)
      Object.assign(control, { status: 200, responds: true })
      assert.strictEqual(yield* publisher.publish, 2)
      assert.strictEqual(yield* publisher.publish, 0)
      assert.deepStrictEqual(sizes(), [
        [1, 2],
        [1, 2],
        [1, 2]
      ])
      assert.deepStrictEqual(received.at(-1), { heads: (yield* node.heads).map(toReceiptHead) })
      yield* node.convertAndSeal(1)
      assert.strictEqual(yield* (yield* toUrl(node, url)).publish, 1)
      assert.deepStrictEqual(sizes().at(-1), [3])
      // Another URL is another place, which has no heads yet.
      assert.strictEqual(yield* (yield* toUrl(node, `${url}2`)).publish, 3)
    }).pipe(Effect.scoped)
  )

  it.live("publishes in the background of a server", () =>
    Effect.gen(function* () {
      const { node, url: databaseUrl } = yield* startOwned()
      const file = yield* temporaryFile
      const { sizes, url } = yield* receiver
      yield* node.convertAndSeal(2)
      yield* EffexCommand.serve({
        DATABASE_URL: databaseUrl,
        AUDIT_SIGNING_KEY: SIGNING_KEY,
        AUDIT_HEADS_FILE: file,
        AUDIT_HEADS_URL: url
      })
      const isPublished = Effect.map(
        Effect.option(Effect.tryPromise(() => readFile(file, "utf8"))),
        (text) => Option.exists(text, (found) => sizesIn(found).length === 2) && sizes().flat().length === 2
      )
      yield* Effect.repeat(Effect.delay(isPublished, "50 millis"), { while: (done) => !done })
      assert.deepStrictEqual(sizes(), [[1, 2]])
    }).pipe(Effect.scoped)
  )
})
