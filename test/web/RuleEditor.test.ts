import { assert, it } from "@effect/vitest"
import { shallowRef } from "vue"
import type { ActiveRiskRules } from "../../src/client/promise/admin/RiskValues.ts"
import { useRuleEditor } from "../../web/src/admin/useRuleEditor.ts"

const active: ActiveRiskRules = {
  rules: { failed_logins: { enabled: true, amount: "1000", count: 3 } },
  source: "database",
  version: 3,
  changedAt: null,
  changedBy: null
}

it("sends edited rules in the types that they have, and what is no number as text", () => {
  const { edit, next, set } = useRuleEditor(shallowRef<ActiveRiskRules | undefined>(active))
  const edited = (field: string, value: string) => {
    edit()
    set("failed_logins", field, value)
    return next.value.failed_logins?.[field]
  }
  assert.strictEqual(edited("enabled", "false"), false)
  assert.strictEqual(edited("amount", " 2500.50 "), "2500.50")
  assert.strictEqual(edited("count", " 48 "), 48)
  // effex refuses these, and says why. As a number, they would be 0, or missing.
  for (const text of ["", "1,5", "-1", "many"]) assert.strictEqual(edited("count", text), text)
})
