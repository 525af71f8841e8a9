import { computed, type Ref, type ShallowRef, shallowRef, watch } from "vue"
import type { ActiveRiskRules, RiskRules } from "../../../src/client/promise/admin/RiskValues.ts"
import { texts as words } from "../texts/admin/reviews.ts"

/** Values by rule and field, as text. */
type Texts = Readonly<Record<string, Readonly<Record<string, string>>>>

/** State of the form of the risk rules. */
export interface RuleEditor {
  readonly isEditing: ShallowRef<boolean>
  readonly edited: Readonly<ShallowRef<Texts>>
  /** The version that the form was filled with. */
  readonly version: Readonly<ShallowRef<number>>
  /** The rules with the edited values, in the types that they have. */
  readonly next: Readonly<Ref<RiskRules>>
  /** Says each change in words. */
  readonly changes: Readonly<Ref<ReadonlyArray<string>>>
  readonly edit: () => void
  readonly set: (rule: string, field: string, value: string) => void
}

/** Edits the values of the risk rules as text. */
export const useRuleEditor = (active: Readonly<ShallowRef<ActiveRiskRules | undefined>>): RuleEditor => {
  const isEditing = shallowRef(false)
  const edited = shallowRef<Texts>({})
  const version = shallowRef(0)

  const edit = () => {
    const found = active.value
    if (found === undefined) return
    version.value = found.version
    edited.value = Object.fromEntries(
      Object.entries(found.rules).map(([rule, fields]) => [
        rule,
        Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, String(value)]))
      ])
    )
    isEditing.value = true
  }
  const set = (rule: string, field: string, value: string) => {
    edited.value = { ...edited.value, [rule]: { ...edited.value[rule], [field]: value } }
  }

  /** Text that is not a number stays text, which effex refuses: an emptied field is not 0. */
  const typed = (value: string | number | boolean, edited: string) => {
    const text = edited.trim()
    if (typeof value === "boolean") return text === "true"
    return typeof value === "number" && /^\d+$/.test(text) ? Number(text) : text
  }
  const next = computed((): RiskRules =>
    Object.fromEntries(
      Object.entries(active.value?.rules ?? {}).map(([rule, fields]) => [
        rule,
        Object.fromEntries(
          Object.entries(fields).map(([field, value]) => [
            field,
            typed(value, edited.value[rule]?.[field] ?? String(value))
          ])
        )
      ])
    )
  )
  const changes = computed(() =>
    Object.entries(active.value?.rules ?? {}).flatMap(([rule, fields]) =>
      Object.entries(fields).flatMap(([field, value]) => {
        const text = edited.value[rule]?.[field]
        return text === undefined || text.trim() === String(value)
          ? []
          : [words.change(words.rules[rule] ?? rule, words.fields[field] ?? field, String(value), text)]
      })
    )
  )

  watch(isEditing, (editing) => {
    if (!editing) edited.value = {}
  })
  return { isEditing, edited, version, next, changes, edit, set }
}
