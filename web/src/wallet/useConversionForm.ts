import { computed, onMounted, shallowRef, watch } from "vue"
import * as Conversion from "../money/Conversion.ts"
import * as Decimal from "../money/Decimal.ts"
import * as Format from "../money/Format.ts"
import { refreshBoard } from "../rates/Boards.ts"
import { assetOf, pairOf } from "../rates/RateStore.ts"
import { texts } from "../texts/wallet.ts"
import * as AssetChoices from "./AssetChoices.ts"
import * as Money from "./Money.ts"
import { balanceOf, balances } from "./WalletStore.ts"

const words = texts.convert

/** The two amounts of a conversion: the side that was typed last is fixed, and the other one follows the live rate. */
export const useConversionForm = (initial: { readonly from: string; readonly to: string }) => {
  const from = shallowRef(initial.from)
  const to = shallowRef(initial.to)
  const typed = shallowRef<"source" | "target">("source")
  const text = shallowRef("")

  const sources = computed(() => AssetChoices.spendable(balances.value ?? [], AssetChoices.isCurrency))
  watch(
    sources,
    (next) => {
      const [first] = next
      if (first !== undefined && !next.some(({ code }) => code === from.value)) from.value = first.code
    },
    { immediate: true }
  )
  watch(from, (next, previous) => {
    if (next === to.value) to.value = previous
  })
  onMounted(() => watch(from, (code) => void refreshBoard(code), { immediate: true }))

  const available = computed(() => balanceOf(from.value).available)
  const pair = computed(() => pairOf(from.value, to.value))
  const typedCode = computed(() => (typed.value === "source" ? from.value : to.value))
  const sides = computed(() => {
    const amount = Format.parseAmount(text.value)
    if (amount === undefined || pair.value === undefined || from.value === to.value) return undefined
    const terms = { midRate: pair.value.rate, margin: pair.value.margin }
    return {
      paid: typed.value === "source" ? amount : Conversion.paid(amount, terms, assetOf(from.value)),
      got: typed.value === "target" ? amount : Conversion.received(amount, terms, assetOf(to.value))
    }
  })
  const payText = computed({
    get: () => (typed.value === "source" ? text.value : sides.value ? Format.amount(sides.value.paid) : ""),
    set: (value) => type("source", value)
  })
  const getText = computed({
    get: () => (typed.value === "target" ? text.value : sides.value ? Format.amount(sides.value.got) : ""),
    set: (value) => type("target", value)
  })
  const type = (side: "source" | "target", value: string) => {
    typed.value = side
    text.value = value
  }

  /** What is wrong with the form. Empty if nothing is. */
  const problem = computed(() => {
    if (from.value === to.value) return words.same
    const { decimals } = assetOf(typedCode.value)
    const limit = typed.value === "source" ? available.value : undefined
    const wrong = Money.problemOf(text.value, typedCode.value, decimals, limit)
    if (wrong !== "") return wrong
    if (sides.value === undefined) return ""
    if (!Decimal.isPositive(sides.value.got)) return words.tooSmall
    return Decimal.compare(sides.value.paid, Decimal.of(available.value)) > 0
      ? texts.amount.tooMuch(Money.money(available.value, from.value))
      : ""
  })
  const facts = computed(() => {
    if (pair.value === undefined || sides.value === undefined) return []
    const { margin, rate } = pair.value
    const terms = { midRate: rate, margin }
    const spread = Conversion.spreadOf(sides.value.paid, terms, assetOf(from.value))
    return [
      { term: words.midRate, value: Format.fullRate(rate) },
      { term: words.margin(Format.margin(margin)), value: `${Format.amount(spread)} ${from.value}` },
      {
        term: words.rounding,
        value: typed.value === "source" ? words.roundingGet(to.value) : words.roundingPay(from.value)
      },
      { term: words.yourRate, value: Format.group(Decimal.toText(Conversion.rateOf(terms))), isStrong: true }
    ]
  })

  const request = computed(() => ({
    from: from.value,
    to: to.value,
    amount: Money.plain(text.value),
    amountType: typed.value
  }))

  const canSwap = computed(() => sources.value.some(({ code }) => code === to.value))
  const swap = () => {
    const [source, target] = [from.value, to.value]
    from.value = target
    to.value = source
  }

  return {
    /** Currencies that the wallet can pay with. */
    sources,
    from,
    to,
    typed,
    available,
    pair,
    payText,
    getText,
    problem,
    /** Mid rate, margin, rounding and the rate after the margin, as far as they are known. */
    facts,
    /** What a quote is requested for. */
    request,
    canSwap,
    swap
  }
}
