-- Pause, resume or stop a crawl.
-- KEYS[1] frontier
-- ARGV crawl, state (running|paused|stopped|finished; finished only takes a crawl that has nothing outstanding)
-- Result: 1, or 0 when the crawl is unknown, stopped or finished
-- include clock
-- include endings
local crawl, state = ARGV[1], ARGV[2]
local record = F .. ':crawl:' .. crawl
local before = call('HGET', record, 'state')
if before == state then
  return 1
end
if before ~= 'running' and before ~= 'paused' then
  return 0
end
local outstanding = tonumber(call('HGET', record, 'outstanding') or 0)
if state == 'finished' then
  if outstanding > 0 then
    return 0
  end
  end_crawl(crawl)
  return 1
end
call('HDEL', record, 'ended') -- a full Redis allows this, and then the rest
call('HSET', record, 'state', state)
if state ~= 'paused' and call('EXISTS', F .. ':parked:' .. crawl) == 1 then
  call('SADD', F .. ':unparking', crawl) -- lease calls bring the hosts back in small steps
end
if state == 'stopped' and outstanding == 0 then
  end_crawl(crawl)
end
return 1
