-- Give back what a worker holds, unharmed, and forget the worker.
-- KEYS[1] frontier
-- ARGV worker, limit
-- Result: finished (0), returned, dead (0), more (1|0), {crawls that ended}
-- include clock
-- include queues
-- include endings
-- include leases
local worker = ARGV[1]
local returned, dead, left = give_back_all(worker, tonumber(ARGV[2]), '', 'unharmed', 0)
if not left then
  call('ZREM', F .. ':workers', worker)
  call('DEL', F .. ':worker:' .. worker)
end
return {0, returned, dead, left and 1 or 0, ended}
