-- Sends the requests of a file, one a line (`GET /path` or `POST /path body`), in random order.

local requests = {}

function init(args)
  math.randomseed(os.time())
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%u+) (%S+) ?(.*)$")
    if method == "POST" then
      requests[#requests + 1] = wrk.format(method, path, { ["content-type"] = "application/json" }, body)
    else
      requests[#requests + 1] = wrk.format(method, path)
    end
  end
end

function request()
  return requests[math.random(#requests)]
end

-- wrk counts what is above 399; redirects, which nothing here answers, would count as successes.
function done(summary, latency)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"failures":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failures
  ))
end
