/** Loaded before a server whose memory is compared: SIGUSR2 collects its garbage. It changes nothing else. */
process.on("SIGUSR2", () => globalThis.gc?.())
