-- wrk: one request for each line of JAR in turn, with the cookies of that visitor.
--
-- Environment: JAR = lines "cookies<TAB>csrf token<TAB>one-time token<TAB>code"; METHOD, URL, BODY,
-- in which CSRF, TOKEN and CODE are replaced; WANT = the status of a good answer; ONCE = 1 where a
-- line may be used once only. Prints "RESULT good seconds bad odd-status p50 p99", the seconds from
-- the first request to the last good answer, so that a jar that runs out spoils nothing.
local ffi = require("ffi")
ffi.cdef("typedef struct { long sec; long nsec; } moment; int clock_gettime(int, moment *);")
local clock = ffi.new("moment")
local function now()
  ffi.C.clock_gettime(1, clock)
  return tonumber(clock.sec) + tonumber(clock.nsec) / 1e9
end

local threads = {}
function setup(thread)
  threads[#threads + 1] = thread
end

function init()
  jar, at, good, bad, odd = {}, 0, 0, 0, "-"
  for line in io.lines(os.getenv("JAR")) do
    jar[#jar + 1] = line
  end
  method, url, body = os.getenv("METHOD"), os.getenv("URL"), os.getenv("BODY") or ""
  want, once = tonumber(os.getenv("WANT")), os.getenv("ONCE") == "1"
end

function request()
  first = first or now()
  at = at + 1
  if at > #jar then
    if once then
      return wrk.format("GET", "/healthz")
    end
    at = 1
  end
  local part = {}
  for field in (jar[at] .. "\t"):gmatch("([^\t]*)\t") do
    part[#part + 1] = field
  end
  local headers = { ["Cookie"] = part[1], ["Accept"] = "text/html", ["Accept-Language"] = "zh-CN" }
  if method == "GET" then
    return wrk.format("GET", url, headers)
  end
  headers["Content-Type"] = "application/x-www-form-urlencoded"
  local data = body:gsub("CSRF", part[2]):gsub("TOKEN", part[3]):gsub("CODE", part[4])
  return wrk.format("POST", url, headers, data)
end

function response(status)
  if status == want then
    good, last = good + 1, now()
  elseif not (once and at > #jar) then
    bad, odd = bad + 1, tostring(status)
  end
end

function done(summary, latency)
  local one = threads[1]
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("RESULT %d %.4f %d %s %.2f %.2f\n", one:get("good"), (one:get("last") or 1) - (one:get("first") or 0),
    one:get("bad") + lost, one:get("odd"), latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
