// SPDX-License-Identifier: Apache-2.0
// Session descriptions for mediasoup's transports, which know none: RFC 8829 in the parts that matter here.
import { parse } from 'sdp-transform';

const PUBLISHER_EXTENSIONS = [
  'urn:ietf:params:rtp-hdrext:sdes:mid',
  'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
  'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
];

export const read = parse;

/** {type, parameters} of fmtp text: "a=1;b=2" -> {a: 1, b: 2}. */
function fmtpParameters(text = '') {
  const out = {};
  for (const pair of text.split(';').filter(Boolean)) {
    const [name, value = ''] = pair.trim().split('=');
    out[name] = value !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
  }
  return out;
}

const fmtpText = (parameters) => Object.entries(parameters).map(([k, v]) => `${k}=${v}`).join(';');

/** The first codec of an offered section that `router` has, with its RTX: mediasoup's RtpCodecParameters. */
function codecsOf(section, routerCodecs) {
  const feedback = (payload) =>
    (section.rtcpFb ?? [])
      .filter((f) => f.payload === payload || f.payload === '*')
      .map((f) => ({ type: f.type, parameter: f.subtype ?? '' }));
  const fmtp = (payload) => fmtpParameters(section.fmtp.find((f) => f.payload === payload)?.config);
  const known = (rtp) => {
    const mimeType = `${section.type}/${rtp.codec}`.toLowerCase();
    return routerCodecs.some((codec) => {
      if (codec.mimeType.toLowerCase() !== mimeType) return false;
      const wanted = codec.parameters ?? {};
      return ['packetization-mode', 'profile-id'].every((k) => (wanted[k] ?? 0) === (fmtp(rtp.payload)[k] ?? 0));
    });
  };
  const media = section.rtp.find(known);
  if (!media) throw new Error(`no codec of the offered ${section.type} section is known`);
  const codec = {
    mimeType: `${section.type}/${media.codec}`,
    payloadType: media.payload,
    clockRate: media.rate,
    parameters: fmtp(media.payload),
    rtcpFeedback: feedback(media.payload),
    ...(section.type === 'audio' ? { channels: media.encoding ?? 1 } : {}),
  };
  const rtx = section.rtp.find((r) => r.codec.toLowerCase() === 'rtx' && fmtp(r.payload).apt === media.payload);
  if (!rtx) return [codec];
  const parameters = { apt: media.payload };
  const repair = { mimeType: 'video/rtx', payloadType: rtx.payload, clockRate: media.rate };
  return [codec, { ...repair, parameters, rtcpFeedback: [] }];
}

/** What router.produce() wants of an offered section. */
export function producerParameters(section, routerCodecs) {
  const rids = (section.rids ?? []).filter((r) => r.direction === 'send').map((r) => r.id);
  const ssrc = section.ssrcs?.[0]?.id;
  const repair = section.ssrcGroups?.find((g) => g.semantics === 'FID')?.ssrcs.split(' ').map(Number)[1];
  const single = ssrc === undefined ? {} : { ssrc, ...(repair ? { rtx: { ssrc: repair } } : {}) };
  return {
    mid: String(section.mid),
    codecs: codecsOf(section, routerCodecs),
    headerExtensions: (section.ext ?? [])
      .filter((e) => PUBLISHER_EXTENSIONS.includes(e.uri))
      .map((e) => ({ uri: e.uri, id: e.value })),
    // Up to three temporal layers; without being told mediasoup forwards the lowest only.
    encodings: rids.length ? rids.map((rid) => ({ rid, scalabilityMode: 'L1T3' })) : [single],
    rtcp: { cname: section.ssrcs?.find((s) => s.attribute === 'cname')?.value ?? '', reducedSize: true },
  };
}

/** DTLS parameters of the other side, for transport.connect(). */
export function dtlsOf(session, role) {
  const found = session.fingerprint ?? session.media.find((m) => m.fingerprint).fingerprint;
  return { role, fingerprints: [{ algorithm: found.type, value: found.hash }] };
}

function head(mids) {
  return [
    'v=0',
    `o=- ${Date.now()} 2 IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    'a=ice-lite',
    `a=group:BUNDLE ${mids.join(' ')}`,
    'a=msid-semantic: WMS *',
  ];
}

function transportLines(transport, setup) {
  const { iceParameters, iceCandidates, dtlsParameters } = transport;
  const { algorithm, value } = dtlsParameters.fingerprints.find((f) => f.algorithm === 'sha-256');
  return [
    'c=IN IP4 127.0.0.1',
    `a=ice-ufrag:${iceParameters.usernameFragment}`,
    `a=ice-pwd:${iceParameters.password}`,
    `a=fingerprint:${algorithm} ${value}`,
    `a=setup:${setup}`,
    ...iceCandidates.map(
      (c) => `a=candidate:${c.foundation} 1 ${c.protocol} ${c.priority} ${c.address ?? c.ip} ${c.port} typ host`,
    ),
    'a=end-of-candidates',
  ];
}

function dataSection(transport, mid, setup) {
  const lines = ['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', ...transportLines(transport, setup)];
  return [...lines, `a=mid:${mid}`, 'a=sctp-port:5000', 'a=max-message-size:262144'];
}

function mediaSection(transport, setup, kind, parameters, direction) {
  const lines = [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${parameters.codecs.map((c) => c.payloadType).join(' ')}`,
    ...transportLines(transport, setup),
    `a=mid:${parameters.mid}`,
    `a=${direction}`,
    'a=rtcp-mux',
    'a=rtcp-rsize',
  ];
  for (const codec of parameters.codecs) {
    const channels = codec.channels > 1 ? `/${codec.channels}` : '';
    lines.push(`a=rtpmap:${codec.payloadType} ${codec.mimeType.split('/')[1]}/${codec.clockRate}${channels}`);
    const fmtp = fmtpText(codec.parameters ?? {});
    if (fmtp) lines.push(`a=fmtp:${codec.payloadType} ${fmtp}`);
    for (const { type, parameter } of codec.rtcpFeedback) {
      lines.push(`a=rtcp-fb:${codec.payloadType} ${type}${parameter ? ` ${parameter}` : ''}`);
    }
  }
  for (const e of parameters.headerExtensions) lines.push(`a=extmap:${e.id} ${e.uri}`);
  return lines;
}

const joined = (lines) => `${lines.flat().join('\r\n')}\r\n`;

/** The answer to a publisher's offer; producers is a Map mid -> Producer. */
export function publisherAnswer(offer, transport, producers) {
  const sections = offer.media.map((section) => {
    const mid = String(section.mid);
    if (section.type === 'application') return dataSection(transport, mid, 'passive');
    const producer = producers.get(mid);
    if (!producer) {
      const [{ codec, payload, rate, encoding }] = section.rtp;
      const mimeType = `${section.type}/${codec}`;
      const codecs = [{ mimeType, payloadType: payload, clockRate: rate, channels: encoding ?? 1, rtcpFeedback: [] }];
      return mediaSection(transport, 'passive', section.type, { mid, codecs, headerExtensions: [] }, 'inactive');
    }
    const lines = mediaSection(transport, 'passive', section.type, producer.rtpParameters, 'recvonly');
    const rids = producer.rtpParameters.encodings.map((e) => e.rid).filter(Boolean);
    if (rids.length) lines.push(...rids.map((rid) => `a=rid:${rid} recv`), `a=simulcast:recv ${rids.join(';')}`);
    return lines;
  });
  return joined([head(offer.media.map((m) => m.mid)), ...sections]);
}

/** An offer of everything a subscriber gets; items: [{consumer, msid, kind, active}], mids from 1 on. */
export function subscriberOffer(transport, items) {
  const sections = items.map(({ consumer, msid, kind, active }) => {
    const parameters = consumer.rtpParameters;
    const lines = mediaSection(transport, 'actpass', kind, parameters, active ? 'sendonly' : 'inactive');
    if (!active) return lines;
    const [encoding] = parameters.encodings;
    const ssrcs = encoding.rtx ? [encoding.ssrc, encoding.rtx.ssrc] : [encoding.ssrc];
    lines.push(`a=msid:${msid}`);
    if (ssrcs.length > 1) lines.push(`a=ssrc-group:FID ${ssrcs.join(' ')}`);
    for (const ssrc of ssrcs) {
      lines.push(`a=ssrc:${ssrc} cname:${parameters.rtcp.cname}`, `a=ssrc:${ssrc} msid:${msid}`);
    }
    return lines;
  });
  const mids = ['0', ...items.map((i) => i.consumer.rtpParameters.mid)];
  return joined([head(mids), dataSection(transport, '0', 'actpass'), ...sections]);
}
