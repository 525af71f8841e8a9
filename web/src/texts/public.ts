/** Texts of the frame and of the public pages. Each area has a file of its own, for translation. */
export const texts = {
  app: "effex",
  skip: "Skip to the content",
  nav: {
    label: "Main",
    rates: "Rates",
    wallet: "Wallet",
    send: "Send",
    markets: "Markets",
    lists: "Lists of rates",
    currencies: "Currencies",
    crypto: "Crypto",
    stocks: "Stocks"
  },
  footer: { label: "More", verify: "Verify a receipt", api: "API documentation" },
  menu: {
    label: (initials: string, username: string) => `${initials}, account of ${username}`,
    signedInAs: "Signed in as",
    signIn: "Sign in",
    signOut: "Sign out",
    signOutFailed: "You are still signed in: the server could not be reached. Try again.",
    account: "Account",
    security: "Security",
    sessions: "Sessions",
    orders: "Orders",
    statement: "Statement",
    admin: "Administration"
  },
  unavailable: {
    title: "Your account could not be loaded",
    text: "The server could not say who is signed in. Check your connection, then try again.",
    retry: "Try again"
  },
  sandbox: "Sandbox: these rates are generated, not real.",
  scheme: {
    system: "Colours of the system",
    light: "Light colours",
    dark: "Dark colours",
    label: (current: string) => `${current}, change`
  },
  connection: {
    live: "Live",
    connecting: "Connecting",
    reconnecting: "Reconnecting",
    offline: "Offline",
    asOf: (time: string) => `as of ${time}`
  },
  unreachablePage: "This page could not be loaded. Check your connection, and try again.",
  board: {
    title: "Rates",
    heading: (amount: string, name: string) => `What ${amount} ${name} buys`,
    subtitle: "At the mid rate, before any margin.",
    amount: "Amount",
    base: "Currency to convert from",
    find: "Find a currency",
    caption: (base: string) => `Rates of all pairs. Changes and lines are those of ${base} in 24 hours.`,
    currency: "Currency",
    change: "24 hours",
    line: "Last day",
    none: (query: string) => `No currency matches “${query}”.`,
    clear: "Clear the search",
    waiting: "The first rates are being fetched.",
    wrongAmount: "Type a positive amount, such as 250 or 1,000.50."
  },
  prices: {
    crypto: { title: "Crypto", heading: "Prices of cryptocurrencies", empty: "No cryptocurrency is listed." },
    stocks: { title: "Stocks", heading: "Prices of stocks", empty: "No stock is listed." },
    subtitle: "In US dollars. A stock keeps its last price while its market is closed.",
    cryptoSubtitle: "In US dollars, at the latest price of the provider.",
    waiting: "No price yet",
    asset: "Asset",
    price: "Price"
  },
  pair: {
    title: (from: string, to: string) => `${from} to ${to}`,
    all: "All rates",
    one: (code: string) => `1 ${code} =`,
    fetched: (age: string) => `fetched ${age} ago`,
    fetchedAt: (time: string) => `fetched at ${time}`,
    stale: "This rate is older than it should be: the provider has not answered with a newer one.",
    loading: "Loading the rate…",
    unknownTitle: "This pair has no rate",
    unknown: "The server does not offer this pair, or has no rate of it yet.",
    inADay: "in 24 hours",
    onDemand: "Fetched when somebody asks for it, and again while this page is open.",
    swap: (from: string, to: string) => `Show ${from} to ${to}`
  },
  notFound: {
    title: "Page not found",
    text: "There is nothing at this address. It may have been mistyped.",
    back: "Go to the rates"
  }
} as const
