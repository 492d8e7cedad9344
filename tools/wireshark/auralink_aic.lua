-- SPDX-License-Identifier: Apache-2.0
-- Wireshark dissector of AIC's hints: the RTP header extension urn:x-auralink:rtp-hdrext:aic:1
-- (docs/aic-protocol.md section 2), in the one-byte and the two-byte form of RFC 8285.
--
--   wireshark -X lua_script:tools/wireshark/auralink_aic.lua calls.pcap
--
-- The extension's id is negotiated in SDP, which a capture does not show: it is a preference
-- (Edit > Preferences > Protocols > AURALINK_AIC, or -o auralink_aic.id:8). AuraLink offers it as 8.
-- See docs/wireshark.md.

local VERSION, LENGTH = 1, 10
local UNKNOWN16 = 0xffff

local aic = Proto("auralink_aic", "AuraLink AIC hints")

local modes = { [0] = "native", [1] = "governed", [2] = "compressed", [3] = "enhanced" }

local f = {
    version = ProtoField.uint8("auralink_aic.version", "Version", base.DEC, nil, 0xf0),
    mode = ProtoField.uint8("auralink_aic.mode", "Mode", base.DEC, modes, 0x0f),
    flags = ProtoField.uint8("auralink_aic.flags", "Flags", base.HEX),
    switched = ProtoField.bool("auralink_aic.flags.switched", "Among the first after a change", 8, nil, 0x01),
    screen = ProtoField.bool("auralink_aic.flags.screen", "Screen", 8, nil, 0x02),
    faces = ProtoField.bool("auralink_aic.flags.faces", "Faces", 8, nil, 0x04),
    sharpened = ProtoField.bool("auralink_aic.flags.sharpened", "Sharpened", 8, nil, 0x08),
    silence = ProtoField.bool("auralink_aic.flags.silence", "Silence", 8, nil, 0x10),
    model = ProtoField.uint16("auralink_aic.model", "Model", base.DEC),
    ratio = ProtoField.float("auralink_aic.ratio", "Saved share of the native bytes"),
    vmaf = ProtoField.float("auralink_aic.vmaf", "Predicted VMAF"),
    latency = ProtoField.float("auralink_aic.latency", "Latency added, ms"),
    scale = ProtoField.float("auralink_aic.scale", "Source width over coded width"),
    restore = ProtoField.uint8("auralink_aic.restore", "Strength of restoration", base.DEC),
    later = ProtoField.bytes("auralink_aic.later", "Of a later version"),
}
for _, field in pairs(f) do
    table.insert(aic.fields, field)
end

local short = ProtoExpert.new("auralink_aic.short", "Shorter than ten bytes: ignored", expert.group.MALFORMED,
    expert.severity.WARN)
local other = ProtoExpert.new("auralink_aic.other_version", "Not version 1: ignored", expert.group.PROTOCOL,
    expert.severity.NOTE)
aic.experts = { short, other }

aic.prefs.id = Pref.uint("Extension id", 8, "as in a=extmap of the session description; 1 to 255")

-- What the text form of the protocol says, for the info column and the tree's line.
local function summary(tvb)
    local text = string.format("ratio:%.2f", math.min(tvb(4, 1):uint(), 200) / 200)
    if tvb(5, 1):uint() <= 200 then
        text = text .. string.format(" vmaf:%.0f", tvb(5, 1):uint() / 2)
    end
    if tvb(2, 2):uint() ~= 0 then
        text = text .. string.format(" model:%d", tvb(2, 2):uint())
    end
    if tvb(6, 2):uint() ~= UNKNOWN16 then
        text = text .. string.format(" lat:%.1fms", tvb(6, 2):uint() / 10)
    end
    return text
end

function aic.dissector(tvb, pinfo, root)
    local tree = root:add(aic, tvb())
    if tvb:len() < 1 then
        tree:add_proto_expert_info(short)
        return 0
    end
    tree:add(f.version, tvb(0, 1))
    if tvb(0, 1):bitfield(0, 4) ~= VERSION then
        tree:add_proto_expert_info(other)
        return tvb:len()
    end
    if tvb:len() < LENGTH then
        tree:add_proto_expert_info(short)
        return tvb:len()
    end
    tree:add(f.mode, tvb(0, 1))
    local flags = tree:add(f.flags, tvb(1, 1))
    for _, field in ipairs({ f.switched, f.screen, f.faces, f.sharpened, f.silence }) do
        flags:add(field, tvb(1, 1))
    end
    tree:add(f.model, tvb(2, 2))
    tree:add(f.ratio, tvb(4, 1), math.min(tvb(4, 1):uint(), 200) / 200)
    -- What is unknown has no field: so a filter like "auralink_aic.vmaf < 80" does not find it.
    if tvb(5, 1):uint() <= 200 then
        tree:add(f.vmaf, tvb(5, 1), tvb(5, 1):uint() / 2)
    end
    if tvb(6, 2):uint() ~= UNKNOWN16 then
        tree:add(f.latency, tvb(6, 2), tvb(6, 2):uint() / 10)
    end
    if tvb(8, 1):uint() ~= 0 then
        tree:add(f.scale, tvb(8, 1), tvb(8, 1):uint() / 16)
    end
    tree:add(f.restore, tvb(9, 1))
    if tvb:len() > LENGTH then
        tree:add(f.later, tvb(LENGTH))
    end
    local mode = modes[tvb(0, 1):bitfield(4, 4)] or "unknown mode"
    tree:append_text(": " .. mode .. " " .. summary(tvb))
    pinfo.cols.info:append(" AIC " .. mode .. " " .. summary(tvb))
    return tvb:len()
end

local elements = DissectorTable.get("rtp.ext.rfc5285.id")
local registered

local function register()
    if registered then
        elements:remove(registered, aic)
    end
    registered = aic.prefs.id
    if registered >= 1 and registered <= 255 then
        elements:add(registered, aic)
    else
        registered = nil
    end
end

aic.prefs_changed = register
register()
