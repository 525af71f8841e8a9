/** Number of wallets that pay each other. */
export const WALLETS = 1_000

/** `uniform`: between random wallets. `hot`: from random wallets to the first one, as to a merchant. */
export type Distribution = "uniform" | "hot"

/** Returns two different positions, of the sender and of the recipient. */
export const pick = (distribution: Distribution): readonly [from: number, to: number] => {
  const to = distribution === "hot" ? 0 : random(WALLETS)
  const from = random(WALLETS - 1)
  return [from >= to ? from + 1 : from, to]
}

const random = (below: number) => Math.floor(Math.random() * below)

/** An amount from 0.01 to 1.00. */
export const amount = () => {
  const cents = 1 + random(100)
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`
}
