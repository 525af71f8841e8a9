import { assert, describe, it } from "@effect/vitest"
import { Socket } from "node:net"
import * as TurnQueue from "../../../src/server/node/TurnQueue.ts"

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

/** A connection that can send. */
const connected = () => ({ socket: new Socket() })

describe("TurnQueue", () => {
  it("starts one request per turn of the event loop, in the order of arrival", async () => {
    const queue = TurnQueue.make()
    const started: Array<number> = []
    for (const n of [1, 2, 3]) queue(connected(), () => started.push(n))
    assert.deepStrictEqual(started, [1])
    const seen: Array<number> = []
    for (let turn = 0; turn < 3; turn++) {
      await nextTurn()
      seen.push(started.length)
    }
    assert.deepStrictEqual(started, [1, 2, 3])
    assert.deepStrictEqual(seen, [2, 3, 3])
  })

  it("starts at once when nothing waits, also after a burst", async () => {
    const queue = TurnQueue.make()
    const started: Array<number> = []
    for (let n = 0; n < 10; n++) queue(connected(), () => started.push(n))
    while (started.length < 10) await nextTurn()
    await nextTurn()
    queue(connected(), () => started.push(10))
    assert.strictEqual(started.at(-1), 10)
  })

  it("drops a request whose connection was closed meanwhile", async () => {
    const queue = TurnQueue.make()
    const started: Array<string> = []
    const closed = connected()
    queue(connected(), () => started.push("first"))
    queue(closed, () => started.push("closed"))
    queue(connected(), () => started.push("last"))
    closed.socket.destroy()
    while (started.length < 2) await nextTurn()
    assert.deepStrictEqual(started, ["first", "last"])
  })

  it("goes on after a request that throws", async () => {
    const queue = TurnQueue.make()
    const started: Array<number> = []
    assert.throws(() =>
      queue(connected(), () => {
        throw new Error("broken")
      })
    )
    queue(connected(), () => started.push(1))
    while (started.length < 1) await nextTurn()
    assert.deepStrictEqual(started, [1])
  })
})
