import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { createServer, request as sendRequest } from "node:http"
import { connect } from "../../../../src/client/promise/Connect.ts"
import { SessionEnded } from "../../../../src/client/promise/EffexError.ts"
import { TestServer } from "../../../support/TestServer.ts"
import { errorOf } from "../ClientErrors.ts"

/** Stands for a browser with a page of the server: keeps its cookie, and adds its origin to each request. */
const openBrowser = (port: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const browser = { url: "", cookie: "", cookies: [] as Array<string> }
      const server = createServer((incoming, outgoing) => {
        const { headers, method, url: path } = incoming
        const cookie = browser.cookie === "" ? {} : { cookie: browser.cookie }
        const options = { port, path, method, headers: { ...headers, origin: browser.url, ...cookie } }
        const forwarded = sendRequest(options, (response) => {
          for (const text of response.headers["set-cookie"] ?? []) {
            browser.cookies.push(text)
            browser.cookie = /max-age=0(;|$)/i.test(text) ? "" : (text.split(";")[0] ?? "")
          }
          outgoing.writeHead(response.statusCode ?? 500, response.headers)
          response.pipe(outgoing)
        })
        incoming.pipe(forwarded)
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const address = server.address()
      browser.url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
      return { browser, server }
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  ).pipe(Effect.map(({ browser }) => browser))

layer(TestServer.layer(), { excludeTestServices: true })("connect with a cookie, against a server", (it) => {
  it.effect("keeps the refresh token away from scripts, and the session over a reload of the page", () =>
    Effect.gen(function* () {
      const browser = yield* openBrowser((yield* TestServer).port)
      yield* Effect.promise(async () => {
        const page = connect(browser.url, { session: "cookie" })
        assert.strictEqual(await page.accounts.isSignedIn(), false)
        await page.accounts.register({ username: "cookie-amara", password: "a long enough passphrase" })
        assert.match(browser.cookies.at(-1) ?? "", /HttpOnly/i)
        assert.match(browser.cookies.at(-1) ?? "", /SameSite=Strict/i)
        const first = browser.cookie

        const reloaded = connect(browser.url, { session: "cookie" })
        assert.strictEqual((await reloaded.accounts.me()).username, "cookie-amara")
        assert.notStrictEqual(browser.cookie, first)
        // Two tabs with the previous cookie get the same successor.
        browser.cookie = first
        const tabs = [
          connect(browser.url, { session: "cookie" }),
          connect(browser.url, { session: "cookie" })
        ]
        await Promise.all(tabs.map(({ accounts }) => accounts.me()))

        await reloaded.accounts.logout()
        assert.strictEqual(browser.cookie, "")
        assert.instanceOf(await errorOf(reloaded.accounts.me()), SessionEnded)
        assert.instanceOf(await errorOf(page.accounts.me()), SessionEnded)
        assert.strictEqual(await connect(browser.url, { session: "cookie" }).accounts.isSignedIn(), false)
        await reloaded.accounts.logout()
      })
    }).pipe(Effect.scoped)
  )
})
