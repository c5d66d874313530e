-- Tell what a worker saw of proxies, and hear what has changed since the version that it knows.
-- A ban counts only where the record is still the one that the worker knew: else somebody was faster.
-- KEYS[1] frontier
-- ARGV version known, ms for which a ban is remembered, 1 when the list is F:proxies or 0, number of tallies;
--      per tally: proxy, host, ok, banned, failed, ms; then per ban: proxy, host, record known or "", record or ""
-- Result: version, now ms, version of the list, more (1|0: call again with this version), {proxy, totals ...},
--         {proxy and host, record or "" ...}
-- include clock
local HOSTS = 1000 -- of each proxy, the last used ones
local KEPT = 30 * 86400000 -- ms after its last request that a proxy is forgotten
local TIDIED = 100
local NEWS = 1000 -- and what changed in the same version as the last one: at most what one call tells
local totals, bans, forgotten = F .. ':proxies:totals', F .. ':proxies:bans', F .. ':proxies:forgotten'
local changed, versions = F .. ':proxies:changed', F .. ':proxies:version'
local known, remembered, tallies = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
call('HDEL', totals, '') -- nothing, but a first write that a full Redis allows, and then the rest

local version
local function touch(what)
  version = version or text(call('INCRBY', versions, 1))
  call('ZADD', changed, version, what)
end

-- The sums of a record and of four arguments.
local function sum(record, first)
  local parts = {}
  for number in string.gmatch(record or '0 0 0 0', '%d+') do
    parts[#parts + 1] = text(number + ARGV[first + #parts])
  end
  return table.concat(parts, ' ')
end

for index = 5, 4 + 6 * tallies, 6 do
  local proxy, host = ARGV[index], ARGV[index + 1]
  local hosts, recent = F .. ':proxies:hosts:' .. proxy, F .. ':proxies:recent:' .. proxy
  if ARGV[3] == '0' or call('HEXISTS', F .. ':proxies', proxy) == 1 then -- else it was removed meanwhile
    call('HSET', totals, proxy, sum(call('HGET', totals, proxy), index + 2))
    call('HSET', hosts, host, sum(call('HGET', hosts, host), index + 2))
    call('ZADD', recent, now_text, host)
    if call('ZCARD', recent) > HOSTS then
      call('HDEL', hosts, call('ZPOPMIN', recent)[1])
    end
    call('ZADD', forgotten, text(now + KEPT), proxy)
    touch(proxy)
  end
end

for index = 5 + 6 * tallies, #ARGV, 4 do
  local pair, record = ARGV[index] .. ' ' .. ARGV[index + 1], ARGV[index + 3]
  if (call('HGET', bans, pair) or '') == ARGV[index + 2] then
    if record == '' then
      call('HDEL', bans, pair)
      call('ZADD', forgotten, text(now + remembered), pair)
    else
      call('HSET', bans, pair, record)
      call('ZADD', forgotten, text(string.match(record, '^%d+') + remembered), pair)
    end
    touch(pair)
  end
end

local function is_pair(what)
  return string.find(what, ' ', 1, true)
end

for _, what in ipairs(call('ZRANGEBYSCORE', forgotten, '-inf', now_text, 'LIMIT', 0, TIDIED)) do
  if is_pair(what) then
    call('HDEL', bans, what)
  else
    call('HDEL', totals, what)
    call('DEL', F .. ':proxies:hosts:' .. what, F .. ':proxies:recent:' .. what)
  end
  call('ZREM', forgotten, what)
  call('ZREM', changed, what)
end

local newest = version or call('GET', versions) or '0'
local last = call('ZRANGEBYSCORE', changed, '(' .. known, '+inf', 'WITHSCORES', 'LIMIT', NEWS - 1, 1)[2]
local sums, records = {}, {}
for _, what in ipairs(call('ZRANGEBYSCORE', changed, '(' .. known, last or '+inf')) do
  local into, key = sums, totals
  if is_pair(what) then
    into, key = records, bans
  end
  into[#into + 1], into[#into + 2] = what, call('HGET', key, what) or ''
end
local listed = tonumber(call('GET', F .. ':proxies:listed') or '0')
local heard = tonumber(last or newest)
return {heard, now, listed, heard < tonumber(newest) and 1 or 0, sums, records}
