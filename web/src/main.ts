import { createApp } from "vue"
import App from "./App.vue"
import { startClock } from "./rates/Clock.ts"
import * as RateStore from "./rates/RateStore.ts"
import { router } from "./router.ts"
import { applyScheme } from "./Scheme.ts"
import { followSession } from "./session/Guard.ts"
import * as Session from "./session/Session.ts"
import "./styles/tokens.css"
import "./styles/base.css"

applyScheme()
Session.start()
followSession(router)
createApp(App).use(router).mount("#app")
startClock()
RateStore.start()
