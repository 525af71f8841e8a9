import { watch } from "vue"
import type { RouteLocationNormalized, RouteLocationRaw, Router } from "vue-router"
import { account, restore } from "./Session.ts"

/** Lets users and administrators into their pages, and sends others to the sign-in page, which leads back. */
export const guard = async ({
  fullPath,
  meta,
  path
}: RouteLocationNormalized): Promise<RouteLocationRaw | true> => {
  const { access = "public" } = meta
  if (access === "public") return true
  const account = await restore()
  if (account.state === "signed-out") return { path: "/sign-in", query: { next: fullPath } }
  // The frame of the app says why the server could not tell who is signed in.
  if (account.state === "unknown") return true
  if (access === "admin" && account.user.role !== "admin")
    return { name: "not-found", params: { path: path.slice(1).split("/") } }
  return true
}

/**
 * Returns the page to open after signing in: the path of an address that the query parameter `next` has, or undefined if it
 * is not an address of this app.
 */
export const nextPath = (next: unknown, origin: string): string | undefined => {
  if (typeof next !== "string" || !next.startsWith("/") || !URL.canParse(next, origin)) return undefined
  const url = new URL(next, origin)
  const isOwnPage = url.origin === origin && !/^\/(sign-in|sign-up|api|docs|rpc|ws)(\/|$)/.test(url.pathname)
  return isOwnPage ? `${url.pathname}${url.search}${url.hash}` : undefined
}

/** Leaves the pages of a user when the session ends. */
export const followSession = (router: Router): void => {
  watch(account, ({ state }) => {
    const { fullPath, meta } = router.currentRoute.value
    if (state === "signed-out" && (meta.access ?? "public") !== "public")
      void router.push({ path: "/sign-in", query: { next: fullPath } })
  })
}
