/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/sound.h"

#include "aicore/thin.h"
#include "aicore/vad.h"
#include "base/mem.h"

#include <string.h>

enum {
    PER_MS = AURA_OPUS_RATE / 1000,
    PACKET_MS_DEFAULT = 60,
    PACKET_MS_NORMAL = 60, /* above, the rate goes down with the packets' number */
    BPS_NORMAL = 24000,
    BPS_LOW = 16000,
    BPS_LOWEST = 12000,
    BPS_MIN = 6000,
    BPS_MAX = 128000,
    BPS_NOISE = 8000,
    FEC_MS_MAX = 40,                  /* larger packets lose too much at once for it */
    FILL_SAMPLES = 120 * PER_MS,      /* a larger gap is one in what goes out, too */
    RESTART_SAMPLES = 10000 * PER_MS, /* a larger step of time stamps is another stream */
    HANGOVER_SAMPLES = 400 * PER_MS,  /* sent after the last word */
    NOISE_SAMPLES = 600 * PER_MS,     /* of silence, for each packet of noise */
    WAITING_MAX = 2 * AURA_OPUS_PACKET_SAMPLES_MAX,
    STEP_SAMPLES = 20 * PER_MS, /* from one length of packets to the next */
    CHANNELS_MAX = 2,
};

static const float speech_faint = 0.15F; /* below, nobody speaks */
static const float onset_ratio = 10;     /* louder than the noise by that: something begins */
static const float side_share = 0.02F;   /* of the power, in the difference of the channels */

struct aura_sound {
    const struct aura_clock *clock;
    struct aura_opus_decoder *decoder;
    struct aura_opus_encoder *encoder;
    struct aura_vad *vad; /* NULL: no model */
    const struct aura_model_info *model;
    struct aura_thin thin;
    float chunk[AURA_VAD_SAMPLES + AURA_OPUS_PACKET_SAMPLES_MAX / AURA_THIN_STEP + 1];
    size_t chunk_count; /* samples of 16 kHz that the detectors have not heard yet */
    struct aura_content content;
    float speech;
    float floor;     /* power of the noise while nobody speaks */
    float side, mid; /* smoothed power */
    bool started;
    uint32_t next; /* time stamp that is expected */
    int16_t waiting[WAITING_MAX];
    uint32_t count, since; /* of them; the time stamp of the first */
    uint32_t quiet;        /* samples since the last word, up to a limit */
    uint32_t cut;          /* samples since silence began; 0 = it has not */
    uint8_t packet[AURA_OPUS_PACKET_BYTES_MAX];
    uint8_t noise_toc[2]; /* what the last packet of noise began with */
    size_t noise_len;
    uint32_t second_samples;
    size_t second_in, second_out;
    float ratio;
    int16_t decoded[AURA_OPUS_PACKET_SAMPLES_MAX * CHANNELS_MAX];
};

int aura_sound_new(struct aura_sound **sp, const struct aura_clock *clock,
                   const struct aura_models *models) {
    struct aura_sound *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->clock = clock;
    s->speech = -1;
    s->model = aura_models_info(models, "speech");
    aura_thin_init(&s->thin);
    aura_content_init(&s->content);
    int err = aura_vad_new(&s->vad, models);
    err = err == AURA_ENOENT ? 0 : err;
    err = err ? err : aura_opus_decoder_new(&s->decoder, CHANNELS_MAX, false);
    err = err ? err : aura_opus_encoder_new(&s->encoder, 1);
    if (err) {
        aura_sound_free(s);
        return err;
    }
    *sp = s;
    return 0;
}

struct aura_sound *aura_sound_free(struct aura_sound *s) {
    if (s) {
        aura_vad_free(s->vad);
        aura_opus_decoder_free(s->decoder);
        aura_opus_encoder_free(s->encoder);
        aura_free(s);
    }
    return NULL;
}

static uint32_t lap(const struct aura_sound *s, uint64_t *since_us) {
    uint64_t now_us = aura_now_us(s->clock), us = now_us - *since_us;
    *since_us = now_us;
    return (uint32_t)us;
}

/* ---- what came in ---- */

static bool is_packet(uint32_t ms) {
    return ms == 10 || (ms >= 20 && ms <= AURA_OPUS_PACKET_MS_MAX && ms % 20 == 0);
}

static int check(const struct aura_sound_in *in, uint32_t *samples) {
    if (in->packet_ms && (in->packet_ms < 20 || !is_packet(in->packet_ms))) {
        return AURA_EINVAL;
    }
    if (!in->pcm) {
        return aura_opus_packet_samples(in->data, in->len, samples);
    }
    if (in->channels != 1 && in->channels != CHANNELS_MAX) {
        return AURA_EINVAL;
    }
    size_t frame = in->channels * sizeof(int16_t), n = in->len / frame;
    if (in->len % frame || n % PER_MS || n / PER_MS > AURA_OPUS_PACKET_MS_MAX ||
        !is_packet((uint32_t)(n / PER_MS))) {
        return AURA_EMALFORMED;
    }
    *samples = (uint32_t)n;
    return 0;
}

/* To one channel; how wide it was is kept. */
static void fold(struct aura_sound *s, int16_t *to, uint32_t count) {
    float side = 0, mid = 0;
    if (!count) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        int l = s->decoded[2 * (size_t)i], r = s->decoded[2 * (size_t)i + 1];
        float m = (float)(l + r) / 65536, d = (float)(l - r) / 65536;
        mid += m * m;
        side += d * d;
        to[i] = (int16_t)((l + r) / 2);
    }
    s->mid += (mid / (float)count - s->mid) * 0.05F;
    s->side += (side / (float)count - s->side) * 0.05F;
}

static int decode(struct aura_sound *s, const struct aura_sound_in *in, uint32_t count,
                  int16_t *to) {
    uint32_t n = count;
    if (in->pcm) {
        for (uint32_t i = 0; i < count; i++) {
            for (size_t c = 0; c < CHANNELS_MAX; c++) {
                const uint8_t *p =
                    in->data + 2 * ((size_t)i * in->channels + (in->channels > 1 ? c : 0));
                s->decoded[2 * (size_t)i + c] = (int16_t)(p[0] | p[1] << 8);
            }
        }
    } else {
        int err = aura_opus_decoder_decode(s->decoder, in->data, in->len, s->decoded, &n);
        if (err || n != count) {
            return AURA_EMALFORMED;
        }
    }
    fold(s, to, count);
    return 0;
}

static void recover(struct aura_sound *s, const struct aura_sound_in *in, uint32_t gap,
                    int16_t *to) {
    memset(s->decoded, 0, sizeof(s->decoded));
    gap -= gap % (PER_MS * 5 / 2);
    if (gap && !in->pcm) {
        (void)aura_opus_decoder_recover(s->decoder, gap, in->data, in->len, s->decoded);
    }
    fold(s, to, gap);
}

static void forget(struct aura_sound *s) {
    s->count = 0;
}

/*
 * Lost packets within a packet of ours are made up; longer gaps stay gaps, and receivers do what
 * they do with them.
 * @return false: this packet's time has passed
 */
static bool bridge(struct aura_sound *s, const struct aura_sound_in *in, uint32_t wanted) {
    int32_t gap = s->started ? (int32_t)(in->rtp_timestamp - s->next) : 0;
    if (gap < 0 && gap > -RESTART_SAMPLES) {
        return false;
    }
    if (gap < 0 || gap > FILL_SAMPLES) {
        forget(s);
    } else if (gap > 0 && s->count && s->count < wanted) {
        int16_t made[FILL_SAMPLES];
        uint32_t room = wanted - s->count, n = (uint32_t)gap < room ? (uint32_t)gap : room;
        memset(made, 0, sizeof(made));
        recover(s, in, (uint32_t)gap, made);
        memcpy(s->waiting + s->count, made, n * sizeof(*made));
        s->count += n;
    }
    return true;
}

/* ---- what it is ---- */

/* The detectors' view of them; what is left over waits. */
static int hear(struct aura_sound *s, const int16_t *samples, uint32_t count) {
    size_t at = 0;
    float most = -1;
    int err = 0;
    s->chunk_count += aura_thin_add(&s->thin, samples, count, s->chunk + s->chunk_count);
    while (!err && s->chunk_count - at >= AURA_VAD_SAMPLES) {
        float speech = 0;
        err = aura_vad_add(s->vad, s->chunk + at, &speech);
        (void)aura_content_add(&s->content, s->chunk + at, speech);
        most = speech > most ? speech : most;
        at += AURA_VAD_SAMPLES;
    }
    s->chunk_count -= at;
    memmove(s->chunk, s->chunk + at, s->chunk_count * sizeof(*s->chunk));
    s->speech = most < 0 ? s->speech : most;
    return err;
}

static float power_of(const int16_t *samples, uint32_t count) {
    float sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        float v = (float)samples[i] / 32768;
        sum += v * v;
    }
    return count ? sum / (float)count : 0;
}

/* Whether these samples are worth sending. */
static bool is_heard(struct aura_sound *s, const int16_t *samples, uint32_t count) {
    float power = power_of(samples, count);
    bool speaks = s->speech >= speech_faint;
    bool begins = power > s->floor * onset_ratio && s->quiet >= HANGOVER_SAMPLES && s->floor > 0;
    if (speaks) {
        s->quiet = 0;
    } else if (s->quiet < HANGOVER_SAMPLES) {
        s->quiet += count;
    } else {
        s->floor += (power - s->floor) * 0.1F;
    }
    return s->quiet < HANGOVER_SAMPLES || begins;
}

static int listen(struct aura_sound *s, const int16_t *samples, uint32_t count,
                  struct aura_sound_out *out) {
    bool wide = s->side > s->mid * side_share;
    if (!s->vad) {
        out->keep = true;
        return 0;
    }
    int err = hear(s, samples, count);
    if (err) {
        return err;
    }
    bool heard = is_heard(s, samples, count);
    out->content =
        s->content.now == AURA_SOUND_SPEECH && !heard ? AURA_SOUND_SILENCE : s->content.now;
    out->keep = out->content == AURA_SOUND_UNKNOWN || out->content == AURA_SOUND_MUSIC ||
                (wide && out->content == AURA_SOUND_SPEECH);
    out->model = s->model->id;
    out->model_number = s->model->number;
    return 0;
}

/* ---- what goes out ---- */

static uint32_t bps_of(const struct aura_sound_in *in, uint32_t ms) {
    uint32_t bps = ms <= PACKET_MS_NORMAL         ? BPS_NORMAL
                   : ms < AURA_OPUS_PACKET_MS_MAX ? BPS_LOW
                                                  : BPS_LOWEST;
    uint64_t most = (uint64_t)in->max_kbps * 1000, exact = (uint64_t)in->exact_kbps * 1000;
    uint64_t chosen = exact ? exact : most && most < bps ? most : bps;
    return (uint32_t)(chosen < BPS_MIN ? BPS_MIN : chosen > BPS_MAX ? BPS_MAX : chosen);
}

static int encode(struct aura_sound *s, const struct aura_sound_in *in, const int16_t *samples,
                  uint32_t count, bool noise, struct aura_sound_out *out) {
    uint32_t ms = count / PER_MS;
    const struct aura_opus_point point = {
        .bps = noise ? BPS_NOISE : bps_of(in, ms),
        .loss_percent = in->loss_percent,
        .fec = !noise && in->loss_percent && !in->redundancy && ms <= FEC_MS_MAX,
        .redundancy = !noise && in->redundancy,
        .voice = true,
    };
    aura_opus_encoder_set(s->encoder, &point);
    int err = aura_opus_encoder_encode(s->encoder, samples, count, s->packet, &out->len);
    if (err) {
        return err;
    }
    out->data = s->packet;
    out->samples = count;
    out->kbps = point.bps / 1000;
    return 0;
}

/* Of a silence each packet stands alone: one of noise, one that says that it goes on, then none. */
static int encode_silence(struct aura_sound *s, const struct aura_sound_in *in,
                          const int16_t *samples, uint32_t count, struct aura_sound_out *out) {
    uint32_t at = s->cut % NOISE_SAMPLES;
    int err = 0;
    s->cut += count;
    out->rtp_timestamp = in->rtp_timestamp;
    out->samples = count; /* dealt with, if by nothing */
    if (at < count) {
        err = encode(s, in, samples, count, true, out);
        s->noise_toc[0] = s->packet[0];
        s->noise_toc[1] = s->packet[1];
        s->noise_len = out->len;
    } else if (at < 2 * count && s->noise_len) {
        err = aura_opus_silence(s->noise_toc, s->noise_len < 2 ? 1 : 2, s->packet, &out->len);
        out->data = s->packet;
    }
    return err;
}

static int send_waiting(struct aura_sound *s, const struct aura_sound_in *in, uint32_t wanted,
                        struct aura_sound_out *out) {
    if (s->count < wanted) {
        return 0;
    }
    /* More waits than that where packets were larger until now. */
    while (wanted + STEP_SAMPLES <= s->count &&
           wanted + STEP_SAMPLES <= AURA_OPUS_PACKET_SAMPLES_MAX) {
        wanted += STEP_SAMPLES;
    }
    int err = encode(s, in, s->waiting, wanted, false, out);
    out->rtp_timestamp = s->since;
    s->count -= wanted;
    s->since += wanted;
    memmove(s->waiting, s->waiting + wanted, s->count * sizeof(*s->waiting));
    return err;
}

static int choose(struct aura_sound *s, const struct aura_sound_in *in, const int16_t *samples,
                  uint32_t count, uint32_t wanted, struct aura_sound_out *out) {
    if (in->alone) {
        out->rtp_timestamp = in->rtp_timestamp;
        return encode(s, in, samples, count, false, out);
    }
    if (out->keep) {
        forget(s);
        s->cut = 0;
        return 0;
    }
    if (out->content == AURA_SOUND_SILENCE && !s->count) {
        return encode_silence(s, in, samples, count, out);
    }
    s->cut = 0;
    s->since = s->count ? s->since : in->rtp_timestamp;
    memcpy(s->waiting + s->count, samples, count * sizeof(*samples));
    s->count += count;
    return send_waiting(s, in, wanted, out);
}

static void account(struct aura_sound *s, size_t in, size_t out, uint32_t samples) {
    s->second_in += in;
    s->second_out += out;
    s->second_samples += samples;
    if (s->second_samples >= AURA_OPUS_RATE) {
        s->ratio =
            s->second_in > s->second_out ? 1 - (float)s->second_out / (float)s->second_in : 0;
        s->second_samples = 0;
        s->second_in = s->second_out = 0;
    }
}

static int take(struct aura_sound *s, const struct aura_sound_in *in, struct aura_sound_out *out,
                bool look) {
    int16_t samples[AURA_OPUS_PACKET_SAMPLES_MAX];
    uint64_t since_us = aura_now_us(s->clock);
    uint32_t count = 0;
    *out = (struct aura_sound_out){
        .rtp_timestamp = in->rtp_timestamp, .ratio = s->ratio, .speech = -1};
    int err = check(in, &count);
    if (err) {
        return err;
    }
    uint32_t wanted = (in->packet_ms ? in->packet_ms : PACKET_MS_DEFAULT) * PER_MS;
    wanted = wanted < count ? count : wanted;
    if (!bridge(s, in, wanted)) {
        out->content = s->content.now;
        return 0;
    }
    err = decode(s, in, count, samples);
    out->step_us[AURA_STEP_DECODE] = lap(s, &since_us);
    if (err) {
        return err;
    }
    s->started = true;
    s->next = in->rtp_timestamp + count;
    err = listen(s, samples, count, out);
    out->speech = s->speech;
    out->step_us[AURA_STEP_SPEECH] = lap(s, &since_us);
    if (err || look) {
        return err;
    }
    err = choose(s, in, samples, count, wanted, out);
    out->step_us[AURA_STEP_ENCODE] = out->len ? lap(s, &since_us) : 0;
    account(s, in->len, out->keep ? in->len : out->len, count);
    return err;
}

int aura_sound_packet(struct aura_sound *s, const struct aura_sound_in *in,
                      struct aura_sound_out *out) {
    return take(s, in, out, false);
}

int aura_sound_listen(struct aura_sound *s, const struct aura_sound_in *in,
                      struct aura_sound_out *out) {
    return take(s, in, out, true);
}
