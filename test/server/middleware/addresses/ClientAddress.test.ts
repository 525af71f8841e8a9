import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { HttpServerRequest } from "effect/http"
import * as ClientAddress from "../../../../src/server/middleware/addresses/ClientAddress.ts"

const of = (address: string) =>
  ClientAddress.of(
    HttpServerRequest.fromWeb(new Request("http://effex/")).modify({ remoteAddress: Option.some(address) })
  )

describe("ClientAddress", () => {
  it("returns an IPv4 address in its canonical form", () => {
    assert.strictEqual(of("192.0.2.1"), "192.0.2.1")
    assert.strictEqual(of("::ffff:192.0.2.1"), "192.0.2.1")
    assert.strictEqual(of("::ffff:c000:201"), "192.0.2.1")
  })

  it("returns the /64 prefix of an IPv6 address", () => {
    const sameSubscriber = ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:DB8:1:2:0:0:0:9"]
    for (const address of sameSubscriber) assert.strictEqual(of(address), "2001:db8:1:2::/64")
    assert.strictEqual(of("2001:db8:1:3::1"), "2001:db8:1:3::/64")
    assert.strictEqual(of("fe80::1%eth0"), "fe80:0:0:0::/64")
    assert.strictEqual(of("::1"), "0:0:0:0::/64")
  })

  it("returns other texts unchanged, and an empty text if there is no address", () => {
    assert.strictEqual(of("a:b"), "a:b")
    assert.strictEqual(ClientAddress.of(HttpServerRequest.fromWeb(new Request("http://effex/"))), "")
  })
})
