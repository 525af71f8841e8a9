import vue from "@vitejs/plugin-vue"
import { defineConfig } from "vite"

const effex = process.env["EFFEX_URL"] ?? "http://127.0.0.1:8000"

/** Build of the web app, and its development server in front of a running effex. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [vue()],
  define: { __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false" },
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    // Inlined files would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    // Chromium, Firefox and Safari since May 2024, which have `light-dark()`.
    target: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "vue", test: /node_modules[\\/](@vue|vue|vue-router)[\\/]/ },
            // What the first script shares with other pages, and what only those share: one file each.
            {
              name: "app",
              test: /src[\\/](client|layout|money|rates|session|texts[\\/]public)/,
              minShareCount: 2
            },
            {
              name: "forms",
              test: /src[\\/](forms|texts[\\/]forms|components[\\/](DataTable|EmptyState|PageHeader|StatusChip))/,
              minShareCount: 2
            }
          ]
        }
      }
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
})
