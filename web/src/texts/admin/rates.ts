/** Texts of the rates and the quarantine. */
export const texts = {
  title: "Rates and quarantine",
  quarantined: "Quarantined rates",
  empty: "No rate is quarantined. Rates that fail a check would wait here.",
  pair: (from: string, to: string) => `${from} to ${to}`,
  arrived: (age: string, provider: string) => `${age} ago, from ${provider}`,
  agreeing: (count: number) => (count === 1 ? "returned by 1 poll" : `returned by ${count} polls in a row`),
  lastGood: "Last good",
  reference: "Expected about",
  noReference: "not known",
  offered: "Offered",
  scale: (change: string) =>
    `The offered rate is ${change === "" ? "outside" : `${change}, outside`} of the allowed band`,
  reasons: {
    jump: (allowed: string) => `Jump over ${allowed}`,
    disagrees: (provider: string, rate: string) => `${provider} says ${rate}`,
    triangle: (change: string) => `Cross rates disagree by ${change}`,
    unchanged: (date: string) => `Unchanged since ${date}`,
    inverted: "Upside down",
    outdated: "Wrong time"
  },
  pollText: "All pairs are fetched at once. If a poll is running already, nothing more starts.",
  keepOut: "Keep out",
  take: "Accept…",
  consequence: (hasLastGood: boolean) =>
    hasLastGood
      ? "Keep out: the last good rate stays. Accept: conversions use the offered one at once."
      : "Keep out: the pair stays without a rate. Accept: conversions use the offered one at once.",
  rejectTitle: (pair: string) => `Keep this rate of ${pair} out`,
  rejectText: (pair: string, provider: string) =>
    `${pair} keeps its last good rate. Further rates of ${provider} at this level are rejected automatically.`,
  rejected: (pair: string) => `${pair}: the rate was rejected`,
  acceptTitle: (pair: string) => `Accept this rate of ${pair}`,
  acceptText: (rate: string, time: string) =>
    `${rate} becomes the rate since ${time}. Conversions use it at once, and stored rates cannot be changed. Compare it with another source first.`,
  acceptConfirm: "Accept the rate",
  accepted: (pair: string) => `${pair}: the rate was accepted`,
  decided: "Decided",
  decision: "Decision",
  noneDecided: "No such decision yet.",
  decidedBy: "Decided by",
  decidedAt: "Decided",
  statuses: { rejected: "Rejected", accepted: "Accepted" },
  automatic: (by: string | null) =>
    by === "agreement"
      ? "automatic: polls agreed"
      : by === "confirmation"
        ? "automatic: confirmed"
        : by === "repetition"
          ? "automatic: repeated"
          : "automatic",
  facts: {
    quarantined: "In quarantine",
    none: "nothing waits",
    oldestOf: (age: string) => `oldest ${age}`,
    oldestRate: "Oldest rate",
    provider: "Provider"
  },
  allPairs: "All pairs",
  find: "USD/NGN",
  findLabel: "Find a pair",
  show: "Which rates",
  all: (count: number) => `All ${count}`,
  stale: (count: number) => `Stale ${count}`,
  noPair: "No pair matches.",
  isStale: "stale",
  isFresh: "fresh",
  polled: "polled",
  onDemand: "on demand",
  columns: {
    pair: "Pair",
    rate: "Rate",
    age: "Age",
    provider: "Provider",
    fetched: "Fetched",
    state: "State",
    id: "Rate id"
  }
} as const
