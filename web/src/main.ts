import { createApp, createSSRApp } from "vue"
import { createWebHistory, START_LOCATION } from "vue-router"
import App from "./App.vue"
import { toast } from "./components/Toasts.ts"
import { routes as accountRoutes } from "./pages/account/routes.ts"
import { routes as orderRoutes } from "./pages/orders/routes.ts"
import { routes as walletRoutes } from "./pages/wallet/routes.ts"
import { startClock } from "./rates/Clock.ts"
import * as RateStore from "./rates/RateStore.ts"
import * as Rendered from "./Rendered.ts"
import { makeRouter, titleOf } from "./router.ts"
import * as Scheme from "./Scheme.ts"
import { followSession, guard } from "./session/Guard.ts"
import * as Session from "./session/Session.ts"
import { texts } from "./texts/public.ts"
import { setTitle } from "./Title.ts"
import "./styles/tokens.css"
import "./styles/base.css"
import "./styles/shared.css"

const router = makeRouter(createWebHistory(), [...accountRoutes, ...walletRoutes, ...orderRoutes])
let hasAdminRoutes = false
/** Few users are administrators, so the routes of their pages are loaded with the first of them. */
router.beforeEach(async ({ fullPath, path }) => {
  if (hasAdminRoutes || !/^\/admin(\/|$)/.test(path)) return true
  const { routes } = await import("./pages/admin/routes.ts")
  for (const route of routes) router.addRoute(route)
  hasAdminRoutes = true
  return fullPath
})
router.beforeEach(guard)
router.afterEach((route) => {
  const title = titleOf(route)
  if (title !== undefined) setTitle(title)
})
/** The files of a page are not there: a newer release has others, which a page load brings; or there is no connection. */
router.onError((_error, to, from) => {
  if (RateStore.connection.value === "live" && from !== START_LOCATION) location.assign(to.fullPath)
  else toast(texts.unreachablePage)
})
followSession(router)

const start = async () => {
  Scheme.restore()
  const root = document.querySelector("#app")
  const isRendered = root?.hasChildNodes() ?? false
  const app = (isRendered ? createSSRApp : createApp)(App).use(router)
  if (isRendered) await router.isReady()
  const restoreEntries = Rendered.keepEntries(root)
  app.mount("#app")
  restoreEntries()
  // From here on, the page shows what the server does not know.
  Rendered.isTakenOver.value = true
  Scheme.show()
  Session.start()
  startClock()
  RateStore.start()
}
void start()
