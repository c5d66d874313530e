-- End leases. The value of F:leases:<worker> is "token attempt host crawl", and "answered" when its host's place is free.
local APART_MS = 100 -- between requests whose workers died more than once

-- Returns nothing for a value that is none, such as one whose host has a space.
local function read_lease(value)
  local token, attempt, host, crawl, answered = string.match(value, '^(%S+) (%S+) (%S+) (%S+)(.*)$')
  if answered == '' or answered == ' answered' then
    return token, attempt, host, crawl, answered
  end
end

-- Remember the last finish or nack call of a worker: one that knows of a later one has seen a failover (renew).
local function note_release(worker, number)
  local me = F .. ':worker:' .. worker
  local last = tonumber(call('HGET', me, 'release') or 0)
  if tonumber(number) > last and call('EXISTS', me) == 1 then
    call('HDEL', me, 'release') -- a full Redis allows this, and then the rest
    call('HSET', me, 'release', number)
  end
end

-- counts: host -> leases that ended
local function free_places(counts)
  for host, count in pairs(counts) do
    if call('HINCRBY', busy, host, text(-count)) <= 0 then
      call('HDEL', busy, host)
    end
    if call('EXISTS', F .. ':host:' .. host) == 1 then
      make_ready(host)
    end
  end
end

-- Put one request back, or among the dead letters; the caller has deleted the lease and frees the place.
-- mode: 'attempted', 'unharmed', 'lost' (its worker died) or 'dead'. Returns true when it is dead.
-- A worker that dies holds many requests that had no part in it: a loss is no attempt, and has a limit of its own.
local function give_back(id, attempt, crawl, host, cause, delay_ms, mode, most)
  local value = call('HGET', payloads, id)
  if not value then
    return false
  end
  local tries = mode == 'lost' and call('HINCRBY', losses, id, 1) or tonumber(attempt)
  if mode == 'dead' or (mode ~= 'unharmed' and tries >= most) then
    call('HDEL', payloads, id)
    call('HDEL', attempts, id)
    call('HDEL', losses, id)
    bury(id, crawl, host, attempt, cause, payload_of(value))
    gone(crawl, 1)
    return true
  end
  if mode == 'attempted' then
    call('HSET', attempts, id, attempt)
  end
  if mode == 'attempted' or mode == 'lost' then
    call('HINCRBY', F .. ':crawl:' .. crawl, 'retried', 1)
  end
  if mode == 'lost' and tries == 1 then
    delay_ms = 0
  end
  if delay_ms > 0 then
    call('ZADD', delayed, now + delay_ms, id)
  else
    local _, _, priority = header_of(value)
    enqueue(crawl, host, -tonumber(priority), id)
  end
  return false
end

-- Take back up to `limit` hosts' places that a worker had for other requests than leases (turns); the caller frees what
-- is added to the counts. Returns whether some are left.
local function free_own_places(worker, limit, counts)
  local places = F .. ':places:' .. worker
  local found = call('HSCAN', places, 0, 'COUNT', limit)[2]
  for index = 1, #found, 2 do
    call('HDEL', places, found[index])
    counts[found[index]] = (counts[found[index]] or 0) + tonumber(found[index + 1])
  end
  return call('EXISTS', places) == 1
end

-- Give back up to `limit` leases of a worker. Returns returned, dead, whether some are left.
-- Requests that were lost together twice come back apart: one of them may kill every worker that gets it, and the
-- others must not be with it for ever.
local function give_back_all(worker, limit, cause, mode, most)
  local mine = F .. ':leases:' .. worker
  local found = call('HSCAN', mine, 0, 'COUNT', limit)[2]
  local counts, returned, dead = {}, 0, 0
  for index = 1, #found, 2 do
    local id = found[index]
    local _, attempt, host, crawl, answered = read_lease(found[index + 1])
    call('HDEL', mine, id)
    local how, why = mode, cause
    if not crawl then -- F:payloads knows, and a worker that got it again would not get rid of it either
      host, crawl = header_of(call('HGET', payloads, id) or '')
      attempt, answered, how, why = 1, host and '', 'dead', 'its lease cannot be read'
    end
    if give_back(id, attempt, crawl, host, why, how == 'lost' and index * APART_MS or 0, how, most) then
      dead = dead + 1
    else
      returned = returned + 1
    end
    if answered == '' then
      counts[host] = (counts[host] or 0) + 1
    end
  end
  local left = free_own_places(worker, limit, counts)
  free_places(counts)
  return returned, dead, left or call('EXISTS', mine) == 1
end
