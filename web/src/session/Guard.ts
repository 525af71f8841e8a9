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

/** Leaves the pages of a user when the session ends. */
export const followSession = (router: Router): void => {
  watch(account, ({ state }) => {
    const { fullPath, meta } = router.currentRoute.value
    if (state === "signed-out" && (meta.access ?? "public") !== "public")
      void router.push({ path: "/sign-in", query: { next: fullPath } })
  })
}
