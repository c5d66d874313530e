-- Forget a batch of start URLs that the frontier has.
-- KEYS[1] start URLs
-- ARGV batch
-- include clock
local S = '{' .. F .. '}'
call('HDEL', S .. ':taken', ARGV[1])
call('ZREM', S .. ':taken_at', ARGV[1])
call('ZREMRANGEBYSCORE', S .. ':settled', '-inf', now - 3600 * 1000)
call('ZADD', S .. ':settled', now, ARGV[1])
return 1
