#!lua flags=no-writes
-- Read everything of an edition that is small, and where its streams end, at one moment.
--
-- KEYS: edition, log, held, editors, then the receipts of each editor.
-- Returns the settings, the nonce and the continued histories ('' for an empty list), the id of the log's oldest entry,
--   the id of its newest entry and its link ('' for an empty log), the held items and the editors as lists of fields and
--   values, the id of the newest receipt of each editor ('' for none), and this server's clock in milliseconds.

local edition, log, held, editors = unpack(KEYS, 1, 4)
local KEYS_BEFORE = 4

local function newest(stream)
  return redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
end

local settings = redis.call('HMGET', edition, 'settings', 'nonce', 'continued')
local first, last, link = '', '', ''
local entry = newest(log)
if entry then
  last = entry[1]
  first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1][1]
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'link' then
      link = entry[2][i + 1]
    end
  end
end

local receipts = {}
for i = KEYS_BEFORE + 1, #KEYS do
  local receipt = newest(KEYS[i])
  receipts[#receipts + 1] = receipt and receipt[1] or ''
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return {settings[1] or '', settings[2] or '', settings[3] or '', first, last, link,
  redis.call('HGETALL', held), redis.call('HGETALL', editors), receipts, now}
