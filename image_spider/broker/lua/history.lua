-- Does this server know the calls whose answers a worker has? A replica that was promoted without the last moments does
-- not, nor one that was restarted with a file cut short: requests that were pushed are gone, leases that were given up
-- are held again. Such a worker counts as lost from now on, and the reaper returns what it holds here.
-- push, release: the highest numbers of its push calls, and of its finish and nack calls, that were answered
local function has_forgotten(worker, push, release)
  local known = call('HMGET', F .. ':worker:' .. worker, 'push', 'release')
  if tonumber(known[1] or 0) >= tonumber(push) and tonumber(known[2] or 0) >= tonumber(release) then
    return false
  end
  if call('ZREM', F .. ':workers', worker) == 1 then -- a full Redis allows this, and then the rest
    call('ZADD', F .. ':workers', 0, worker)
  end
  return true
end
