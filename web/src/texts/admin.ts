/** Texts of the admin area. */
export const texts = {
  titleOf: (page: string) => `${page} · Administration`,
  loading: "Loading…",
  more: "Show more",
  retry: "Try again",
  filter: "Filter",
  stillShown: "The numbers below are from before the failure.",
  live: "Live",
  ago: (age: string) => `${age} ago`,
  asOf: (time: string) => `As of ${time}`,
  never: "never",
  nobody: "nobody",
  none: "none",
  commandLine: (name: string) => `command line (${name})`,
  id: { copy: (id: string) => `${id}, copy`, copied: "Copied" },
  nav: { label: "Administration", title: "Administration", sandbox: "Sandbox", waiting: "waiting" },
  sections: {
    overview: "Overview",
    rates: "Rates",
    poller: "Schedule",
    conversions: "Conversions",
    users: "Users",
    ledger: "Ledger",
    funding: "Funding",
    orders: "Orders",
    reviews: "Reviews",
    keys: "API keys",
    assets: "Assets",
    settings: "Settings",
    actions: "Admin log"
  },
  reason: {
    label: "Reason",
    help: "It is recorded in the admin log with your name.",
    missing: (label = "Reason") => `${label} is missing.`,
    type: (word: string) => `Type ${word} to confirm`,
    typeExactly: (word: string) => `Type ${word} exactly.`
  }
} as const
