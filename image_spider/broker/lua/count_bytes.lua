-- Note how many bytes a worker has received for a crawl in all, so that a repeated call counts nothing twice.
-- KEYS[1] frontier
-- ARGV crawl, who received them, how many in all
-- Result: the bytes of all workers; those of a crawl that is over or unknown are not noted
-- include clock
local bytes = F .. ':bytes:' .. ARGV[1]
local state = call('HGET', F .. ':crawl:' .. ARGV[1], 'state')
if state == 'running' or state == 'paused' then
  call('HDEL', bytes, '') -- a full Redis allows this, and then the rest
  call('HSET', bytes, ARGV[2], ARGV[3])
end
local total = 0
for _, number in ipairs(call('HVALS', bytes)) do
  total = total + number
end
return text(total)
