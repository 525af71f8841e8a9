import vue from "@vitejs/plugin-vue"
import { defineConfig } from "vite"

const effex = process.env["EFFEX_URL"] ?? "http://127.0.0.1:8000"

/** Modules of the client that the public pages need. */
const CLIENT =
  "Access|Backoff|ConnectRates|EffexError|Json|Options|Pages|Requests|Responses|Runtime|rates/(Asset|Rate)Calls|streams/(?!User)\\w+"
const FIRST = `layout/(AppIcon|Icons)|money/(Decimal|Format)|rates/(Boards|Clock|RateStore)|session/(Guard|Session|UserHint)|texts/public|Title|Rendered|promise/(${CLIENT})`
const FORMS = "forms/(?!Typed)\\w+|texts/forms|components/(DataTable|EmptyState|PageHeader|StatusChip)"

/** What the first script shares with other pages, and what only those share: one script each. */
const CHUNKS = [
  { name: "vue", test: /node_modules\/(@vue|vue|vue-router)\/|plugin-vue|preload-helper/ },
  { name: "app", test: new RegExp(`/(${FIRST})\\.(ts|vue)`), minShareCount: 2 },
  { name: "forms", test: new RegExp(`/(${FORMS})\\.(ts|vue)`), minShareCount: 2 }
].map((group) => ({ ...group, includeDependenciesRecursively: false }))

/**
 * Build of the web app, of its renderer for the server (`build.ssr`), and its development server in front of a running
 * effex.
 */
export default defineConfig(({ isSsrBuild = false }) => ({
  root: import.meta.dirname,
  plugins: [vue()],
  // The renderer needs no package at run time.
  ssr: { noExternal: true, resolve: { conditions: ["module", "import", "production"] } },
  define: {
    ...(isSsrBuild ? { "process.env.NODE_ENV": '"production"' } : {}),
    __VUE_OPTIONS_API__: "false",
    __VUE_PROD_DEVTOOLS__: "false",
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false"
  },
  build: {
    outDir: isSsrBuild ? "../dist/web-renderer" : "../dist/web",
    manifest: !isSsrBuild,
    copyPublicDir: !isSsrBuild,
    emptyOutDir: true,
    // Inlined files would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    // Chromium, Firefox and Safari since May 2024, which have `light-dark()`.
    target: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    rolldownOptions: {
      checks: { pluginTimings: false },
      ...(isSsrBuild ? {} : { output: { codeSplitting: { groups: CHUNKS } } })
    },
    reportCompressedSize: false
  },
  server: {
    proxy: {
      "/api": effex,
      "/docs": effex,
      "/openapi.json": effex,
      "/rpc": { target: effex, ws: true },
      "/ws": { target: effex, ws: true }
    }
  }
}))
