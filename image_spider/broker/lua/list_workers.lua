-- Read what is known of the workers, dead ones that wait for the reaper included.
-- KEYS[1] frontier
-- Result: per worker: name, ms until it counts as dead, leases, report or ""
-- include clock
local found = {}
local workers = call('ZRANGE', F .. ':workers', 0, -1, 'WITHSCORES')
for index = 1, #workers, 2 do
  local worker = workers[index]
  found[#found + 1] = worker
  found[#found + 1] = workers[index + 1] - now
  found[#found + 1] = call('HLEN', F .. ':leases:' .. worker)
  found[#found + 1] = call('HGET', F .. ':worker:' .. worker, 'report') or ''
end
return found
