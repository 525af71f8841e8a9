import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { HttpServerRequest } from "effect/http"
import * as ClientAddress from "../../../src/server/middleware/ClientAddress.ts"

const of = (address: string) =>
  ClientAddress.of(
    HttpServerRequest.fromWeb(new Request("http://effex/")).modify({ remoteAddress: Option.some(address) })
  )

describe("RemoteAddress", () => {
  it("is an address of IPv4, however it is written", () => {
    assert.strictEqual(of("192.0.2.1"), "192.0.2.1")
    assert.strictEqual(of("::ffff:192.0.2.1"), "192.0.2.1")
    assert.strictEqual(of("::ffff:c000:201"), "192.0.2.1")
  })

  it("is the network of a subscriber of IPv6", () => {
    const own = ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:DB8:1:2:0:0:0:9"]
    for (const address of own) assert.strictEqual(of(address), "2001:db8:1:2::/64")
    assert.strictEqual(of("2001:db8:1:3::1"), "2001:db8:1:3::/64")
    assert.strictEqual(of("fe80::1%eth0"), "fe80:0:0:0::/64")
    assert.strictEqual(of("::1"), "0:0:0:0::/64")
  })

  it("is whatever is known where it is no address", () => {
    assert.strictEqual(of("a:b"), "a:b")
    assert.strictEqual(ClientAddress.of(HttpServerRequest.fromWeb(new Request("http://effex/"))), "")
  })
})
