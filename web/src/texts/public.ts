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
    empty: "No rates are known yet. They appear here as soon as the first poll finishes.",
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
    fetched: (age: string) => `fetched ${age} ago`,
    fetchedAt: (time: string) => `fetched at ${time}`,
    stale: "This rate is older than it should be: the provider has not answered with a newer one.",
    loading: "Loading the rate…",
    unknownTitle: "This pair has no rate",
    unknown: "The server does not offer this pair, or has no rate of it yet.",
    inADay: "in 24 hours"
  },
  chart: {
    title: "Chart",
    ranges: "Range of the chart",
    kinds: "Kind of chart",
    line: "Line",
    candles: "Candles",
    loading: "Loading the history…",
    failed: "The history could not be loaded.",
    retry: "Try again",
    empty: "No rate of this time is stored yet. The history grows with every poll.",
    label: (pair: string, range: string, first: string, last: string, low: string, high: string) =>
      `${pair}, ${range}: from ${first} to ${last}, lowest ${low}, highest ${high}. Use the arrow keys to read single rates.`,
    table: "Show as table",
    time: "Time",
    rate: "Rate",
    open: "Open",
    high: "High",
    low: "Low",
    close: "Close",
    point: (time: string, rate: string) => `${time}: ${rate}`,
    candle: (time: string, open: string, high: string, low: string, close: string) =>
      `${time}: open ${open}, high ${high}, low ${low}, close ${close}`
  },
  convert: {
    heading: "Convert",
    pay: "You pay",
    get: "They get",
    midRate: "Mid rate",
    keep: (margin: string) => `We keep ${margin}`,
    yourRate: "Your rate",
    usual: "Usual amounts",
    note: "An estimate at the latest rate. What is received is rounded down once, to the smallest unit. A conversion fixes its amounts and writes them to the audit.",
    wrong: "Type a positive amount.",
    tooSmall: "This amount converts to less than the smallest unit.",
    offline: (time: string) => `Offline: computed with the rate as of ${time}.`
  },
  value: {
    heading: "Value",
    amount: "Amount",
    worth: "Worth",
    note: "At the latest price, without the spread and the fees of an order."
  },
  source: {
    heading: "Where this rate comes from",
    quoted: (provider: string) => `Quoted by ${provider}`,
    quotedText: (time: string) => `effex asked the provider at ${time}.`,
    ownTime: (time: string) => `The provider dates it ${time}.`,
    checked: "Checked before it was published",
    checkedText:
      "It was compared with earlier rates, with other pairs and with other providers where there are any. A rate that fails a check is quarantined and not shown.",
    stored: "Stored, and immutable",
    storedText: "The record has the provider’s complete response. Nobody can change or delete it.",
    record: "Open the record",
    id: "Record id"
  },
  verify: {
    title: "Verify a receipt",
    intro:
      "Every conversion has a receipt: a proof that it is in the signed audit. This page checks it in your browser. The receipt is not sent anywhere.",
    receipt: "Receipt (JSON)",
    file: "Open a file",
    key: "Public key to trust",
    keyHelp:
      "64 hexadecimal digits. Filled in with the key of this server; replace it with the one you keep.",
    keyMissing: "The key of this server could not be read. Type the key that you keep.",
    check: "Verify",
    checking: "Verifying…",
    valid: "The receipt is valid",
    validText: (position: string, size: string, time: string) =>
      `Record ${position} of ${size} in the audit that was signed at ${time}.`,
    invalid: "The receipt is not valid",
    paid: "Paid",
    received: "Received",
    midRate: "Mid rate",
    margin: "Margin",
    rate: "Rate",
    provider: "Provider",
    convertedAt: "Converted",
    auditId: "Audit id",
    needReceipt: "Paste a receipt, or open its file.",
    notJson: "This is not JSON. Paste the complete receipt, from the first { to the last }."
  },
  notFound: {
    title: "Page not found",
    text: "There is nothing at this address. It may have been mistyped.",
    back: "Go to the rates"
  }
} as const
