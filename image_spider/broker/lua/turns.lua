-- Give a worker turns and places at hosts, for what does not come as a lease: images, redirects, robots.txt.
-- A turn is a moment at which one request may be sent; granting n moves the host's next allowed time by n delays, so
-- leases and turns share one budget. A place is a request under way; those granted stay until they are given back.
-- KEYS[1] frontier
-- ARGV worker, number of the call, usual delay ms, usual places, then per host: host, turns wanted, places held,
--      further places wanted, 1 when a request that has a place already waits for its turn
-- Result: alive (1|0), the server's time in microseconds, "" for a late call, or a line per host:
--      turns, ms of the first, delay ms, places granted, ms until asking again makes sense, others that wait, version
-- include clock
-- include queues
-- include pace
-- include waiting
local WORKER_MS = 3600 * 1000
local LONGEST_MS = 60 * 1000 -- turns are not given further ahead
local AGAIN_MS = 200 -- until a place may be free
local worker, number = ARGV[1], tonumber(ARGV[2])
local usual_delay, usual_places = tonumber(ARGV[3]), tonumber(ARGV[4])
local mine, me = F .. ':places:' .. worker, F .. ':worker:' .. worker
local exact = time[1] * 1000 + time[2] / 1000

local alive = call('ZSCORE', F .. ':workers', worker)
if not alive or tonumber(alive) <= now then
  return {0, turn, ''}
end
local last = tonumber(call('HGET', me, 'turns') or 0)
if number <= last then -- the reply was lost, or a later call was answered meanwhile
  return {1, turn, number == last and call('HGET', me, 'turned') or ''}
end

-- Note how many places the worker has. It tells the whole number each time: what a failover forgot is mended by that.
local function hold(host, count)
  local before = tonumber(call('HGET', mine, host) or 0)
  if count == before then
    return
  end
  if count > 0 then
    call('HSET', mine, host, text(count))
  else
    call('HDEL', mine, host)
  end
  if call('HINCRBY', busy, host, text(count - before)) <= 0 then
    call('HDEL', busy, host)
  end
  if count < before and call('EXISTS', F .. ':host:' .. host) == 1 then
    make_ready(host)
  end
end

local function places_for(host, terms, held, more)
  local others, ahead = others_waiting(host, worker)
  local free, granted = 0, 0
  if not terms.down then
    free = terms.places - tonumber(call('HGET', busy, host) or 0)
  end
  if more > 0 and #others == 0 and free > 0 then
    granted = math.min(more, math.max(1, math.floor(free / 2)))
  elseif more > 0 and held == 0 and free > ahead then
    granted = 1
  end
  local waits = more > 0 and held + granted == 0
  if waits or #others > 0 or call('HEXISTS', waiting, host) == 1 then
    line_up(host, worker, others, ahead, waits)
  end
  return granted, #others
end

local function next_time(host)
  return tonumber(call('ZSCORE', ready, host) or call('ZSCORE', clock, host) or 0)
end

-- Returns how many turns, and the first one.
local function turns_for(host, terms, wanted)
  local first = math.max(exact, next_time(host), terms.closed)
  if first > exact + LONGEST_MS or terms.closed > 0 then
    return 0, first
  end
  local count = math.min(wanted, math.max(1, math.floor((exact + LONGEST_MS - first) / terms.delay)))
  local due = string.format('%.1f', first + count * terms.delay)
  if call('ZSCORE', ready, host) then
    call('ZADD', ready, due, host)
  else
    call('ZADD', clock, due, host)
  end
  return count, first
end

local function serve(host, wanted, held, more, seated)
  local terms = pace_of(host, usual_delay, usual_places)
  hold(host, held)
  local granted, others = places_for(host, terms, held, more)
  hold(host, held + granted)
  local count, first, wait = 0, exact, 0
  if terms.closed > 0 then
    wait = terms.closed - exact
  elseif held + granted == 0 and not seated then
    wait = more > 0 and AGAIN_MS or 0
  elseif wanted > 0 and terms.delay > 0 then
    count, first = turns_for(host, terms, wanted)
    wait = count == 0 and first - LONGEST_MS - exact or 0
  end
  return string.format('%d %.1f %.3f %d %d %d %s', count, first, terms.delay, granted, wait, others, terms.version)
end

call('HDEL', me, 'turned') -- a full Redis allows this, and then the rest
call('ZREMRANGEBYSCORE', clock, '-inf', now)
local lines = {}
for index = 5, #ARGV, 5 do
  lines[#lines + 1] = serve(ARGV[index], tonumber(ARGV[index + 1]), tonumber(ARGV[index + 2]),
    tonumber(ARGV[index + 3]), ARGV[index + 4] == '1')
end
local reply = table.concat(lines, '\n')
call('HSET', me, 'turns', number, 'turned', reply)
call('PEXPIRE', me, WORKER_MS)
return {1, turn, reply}
