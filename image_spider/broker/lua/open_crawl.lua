-- Make a crawl known, or let it run again.
-- KEYS[1] frontier
-- ARGV crawl, arguments, batch of start URLs or "": one that was pushed before opens nothing; most pages or ""
-- Result: its state before, "" for a new one
-- include clock
-- include endings
local crawl = ARGV[1]
local record = F .. ':crawl:' .. crawl
local before = call('HGET', record, 'state') or ''
if before == 'running' or before == 'paused' or call('ZSCORE', F .. ':fed', ARGV[3]) then
  return before
end
local outstanding = tonumber(call('HGET', record, 'outstanding') or 0)
local created = call('HGET', record, 'created') or now
call('ZADD', F .. ':crawls', created, crawl) -- a full Redis refuses this first write: nothing is changed
if outstanding == 0 and call('EXISTS', F .. ':seen:' .. crawl) == 0 then -- it begins anew
  call('DEL', record, F .. ':images:' .. crawl, F .. ':claimed:' .. crawl)
  call('DEL', F .. ':pages:' .. crawl, F .. ':bytes:' .. crawl)
end
reopen_crawl(crawl)
call('HSET', record, 'arguments', ARGV[2], 'created', created, 'started', now)
call('HSETNX', record, 'outstanding', 0)
if ARGV[4] == '' then
  call('HDEL', record, 'max_pages')
else
  call('HSET', record, 'max_pages', ARGV[4])
end
return before
