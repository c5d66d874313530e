-- Check and add fingerprints: a Bloom filter that grows in layers, or an exact set.
-- A layer is cut into blocks of 1 KiB and all bits of a fingerprint lie in one (Putze, Sanders, Singler 2007, "Cache-,
-- hash- and space-efficient Bloom filters"): one GETRANGE reads them, so a known URL costs one command and no write.
-- The fingerprint's four words choose the block and start a += b, b += c, c += i modulo the block's size: enhanced
-- double hashing (Dillinger, Manolios 2004) with one term more, for two words repeat too often within a block.
local BLOCK_BITS = 8192
local band, rshift, byte = bit.band, bit.rshift, string.byte
local filters = {}

local function describe(text)
  local bits, hashes, capacity = string.match(text, '^(%d+) (%d+) (%d+)$')
  return {bits = tonumber(bits), hashes = tonumber(hashes), capacity = tonumber(capacity)}
end

-- layers: "bits hashes capacity;..." of layer 0, 1, 2 ...; the last one repeats. Empty: an exact set.
local function add_layer(filter, layers)
  local number, found, last = filter.layer + 1, nil, nil
  local index = 0
  for text in string.gmatch(layers, '[^;]+') do
    last = text
    if index == number then
      found = text
      break
    end
    index = index + 1
  end
  found = found or last
  filter.layer, filter.count = number, 0
  filter[number] = describe(found)
  filter[number].key = filter.key .. '/' .. number
  call('SETBIT', filter[number].key, filter[number].bits - 1, 0) -- all of it at once
  call('HSET', filter.key, 'layer', number, 'l' .. number, found, 'keep', filter.keep)
end

local function filter_of(crawl, layers, keep)
  local filter = filters[crawl]
  if filter then
    return filter
  end
  filter = {key = F .. ':seen:' .. crawl, layer = -1, count = 0, added = 0, keep = keep}
  filters[crawl] = filter
  local found = call('HGETALL', filter.key)
  local fields = {}
  for index = 1, #found, 2 do
    fields[found[index]] = found[index + 1]
  end
  if fields.exact or (layers == '' and not fields.layer) then
    filter.exact = filter.key .. '/exact'
    if not fields.exact then
      call('HSET', filter.key, 'exact', 1, 'keep', keep)
    end
    return filter
  end
  if not fields.layer then
    add_layer(filter, layers)
    return filter
  end
  filter.layer, filter.count = tonumber(fields.layer), tonumber(fields.count or 0)
  for number = 0, filter.layer do
    filter[number] = describe(fields['l' .. number])
    filter[number].key = filter.key .. '/' .. number
  end
  return filter
end

local function words(fingerprint)
  local block, a, b, c = struct.unpack('<I4I4I4I4', fingerprint)
  return block, a % BLOCK_BITS, b % BLOCK_BITS, c % BLOCK_BITS
end

local function read_block(layer, block)
  local start = block % (layer.bits / BLOCK_BITS) * (BLOCK_BITS / 8)
  return call('GETRANGE', layer.key, text(start), text(start + BLOCK_BITS / 8 - 1)), start * 8
end

local function is_in(layer, fingerprint)
  local block, a, b, c = words(fingerprint)
  local bytes = read_block(layer, block)
  for index = 1, layer.hashes do
    a = (a + b) % BLOCK_BITS
    b = (b + c) % BLOCK_BITS
    c = c + index
    if band(byte(bytes, rshift(a, 3) + 1), rshift(128, a % 8)) == 0 then
      return false
    end
  end
  return true
end

local function add(layer, fingerprint)
  local block, a, b, c = words(fingerprint)
  local bytes, start = read_block(layer, block)
  for index = 1, layer.hashes do
    a = (a + b) % BLOCK_BITS
    b = (b + c) % BLOCK_BITS
    c = c + index
    if band(byte(bytes, rshift(a, 3) + 1), rshift(128, a % 8)) == 0 then
      call('SETBIT', layer.key, text(start + a), '1')
    end
  end
end

-- True when the fingerprint was not there before; it is now.
local function remember(filter, fingerprint, layers)
  if filter.exact then
    local new = call('SADD', filter.exact, fingerprint) == 1
    filter.added = filter.added + (new and 1 or 0)
    return new
  end
  for number = filter.layer, 0, -1 do
    if is_in(filter[number], fingerprint) then
      return false
    end
  end
  if filter.count >= filter[filter.layer].capacity then
    add_layer(filter, layers)
  end
  add(filter[filter.layer], fingerprint)
  filter.count, filter.added = filter.count + 1, filter.added + 1
  return true
end

local function save_filters()
  for _, filter in pairs(filters) do
    if filter.added > 0 then
      if not filter.exact then
        call('HSET', filter.key, 'count', filter.count)
      end
      call('HINCRBY', filter.key, 'total', filter.added)
    end
  end
end
