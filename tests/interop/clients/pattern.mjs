// SPDX-License-Identifier: Apache-2.0
// A picture that says its own number: 16 bits of a counter as black and white blocks in the top eighth,
// the same bits inverted in the next eighth, a moving gradient below (so that the encoder has work).

export const BITS = 16;
const WHITE = 220;
const BLACK = 35;

/** Fills the luma plane `y` (w*h bytes) with frame number `counter`. */
export function drawLuma(y, w, h, counter) {
  const strip = h >> 3;
  const row = new Uint8Array(w);
  const inverted = new Uint8Array(w);
  for (let x = 0; x < w; x++) {
    const bit = Math.floor((x * BITS) / w);
    const on = (counter >> (BITS - 1 - bit)) & 1;
    row[x] = on ? WHITE : BLACK;
    inverted[x] = on ? BLACK : WHITE;
  }
  for (let j = 0; j < strip; j++) y.set(row, j * w);
  for (let j = strip; j < 2 * strip; j++) y.set(inverted, j * w);
  const shift = (counter * 3) & 255;
  for (let j = 2 * strip; j < h; j++) {
    for (let x = 0; x < w; x++) row[x] = 60 + (((x + j + shift) & 255) >> 1);
    y.set(row, j * w);
  }
}

/** Reads the counter with luma(x, y) -> 0..255; -1 if the picture is not readable. */
export function readCounter(luma, w, h) {
  let value = 0;
  const y0 = Math.floor(h / 16);
  const y1 = Math.floor((h * 3) / 16);
  for (let bit = 0; bit < BITS; bit++) {
    const x = Math.floor(((bit + 0.5) * w) / BITS);
    const a = luma(x, y0);
    const b = luma(x, y1);
    if (Math.abs(a - b) < 60) return -1;
    value = value * 2 + (a > b ? 1 : 0);
  }
  return value;
}

/** How late the timers of this process are: what a busy machine does to everything in it. */
export class Lateness {
  constructor() {
    this.late = []; // [when, ms], the worst of each 100 ms of the last few minutes
    this.due = performance.now() + 20;
    const tick = () => {
      const now = performance.now();
      const last = this.late.at(-1);
      if (last && now - last[0] < 100) last[1] = Math.max(last[1], now - this.due);
      else this.late.push([now, now - this.due]);
      if (this.late.length > 3000) this.late.shift();
      this.due = now + 20;
      setTimeout(tick, 20);
    };
    setTimeout(tick, 20);
  }
  /** The worst of the last `ms` milliseconds. */
  within(ms) {
    const now = performance.now();
    return Math.max(0, now - this.due, ...this.late.filter(([at]) => at >= now - ms).map(([, late]) => late));
  }
}

/** What a receiver learns from a video track; `arrived` is called for each decoded frame. */
export class VideoWatch {
  constructor() {
    this.reset();
  }
  reset() {
    this.frames = 0;
    this.sizes = {};
    this.counters = new Set();
    this.unreadable = 0;
    this.firstMs = 0;
    this.lastMs = 0;
    this.maxGapMs = 0;
    this.backwards = 0;
    this.lastCounter = -1;
    this.flashes = [];
    this.bright = false;
  }
  arrived(nowMs, w, h, luma) {
    if (this.frames === 0) this.firstMs = nowMs;
    else this.maxGapMs = Math.max(this.maxGapMs, nowMs - this.lastMs);
    this.lastMs = nowMs;
    this.frames++;
    const size = `${w}x${h}`;
    this.sizes[size] = (this.sizes[size] ?? 0) + 1;
    const counter = readCounter(luma, w, h);
    if (counter < 0) {
      this.unreadable++;
    } else {
      if (counter < this.lastCounter && this.lastCounter - counter < 30000) this.backwards++;
      this.lastCounter = counter;
      this.counters.add(counter);
    }
    // The clip with flashes paints a white box into the lower left corner for 100 ms.
    const bright = luma(Math.floor(w / 16), Math.floor((h * 15) / 16)) > 180;
    if (bright && !this.bright) this.flashes.push(nowMs);
    this.bright = bright;
    return counter;
  }
  summary(nowMs) {
    return {
      kind: 'video',
      frames: this.frames,
      distinct: this.counters.size,
      unreadable: this.unreadable,
      backwards: this.backwards,
      lastCounter: this.lastCounter,
      sizes: this.sizes,
      lastSize: Object.keys(this.sizes).at(-1) ?? '',
      firstMs: this.firstMs,
      lastMs: this.lastMs,
      sinceLastMs: this.frames ? nowMs - this.lastMs : -1,
      maxGapMs: this.maxGapMs,
      flashes: this.flashes,
    };
  }
}

/** What a receiver learns from an audio track: 10 ms pieces of samples in -1..1. */
export class AudioWatch {
  constructor() {
    this.reset();
  }
  reset() {
    this.frames = 0;
    this.seconds = 0;
    this.loudSeconds = 0;
    this.silentRunMs = 0;
    this.maxSilentMs = 0;
    this.heard = false;
    this.crossings = [];
    this.last = 0;
    this.beeps = [];
    this.quietMs = 1000;
  }
  arrived(nowMs, samples, rate) {
    this.frames++;
    const ms = (samples.length * 1000) / rate;
    this.seconds += ms / 1000;
    let energy = 0;
    let crossings = 0;
    for (const s of samples) {
      energy += s * s;
      if ((s >= 0) !== (this.last >= 0)) crossings++;
      this.last = s;
    }
    const rms = Math.sqrt(energy / Math.max(1, samples.length));
    if (rms > 0.02) {
      this.heard = true;
      this.loudSeconds += ms / 1000;
      this.silentRunMs = 0;
      this.crossings.push([crossings, ms]);
      if (this.crossings.length > 100) this.crossings.shift();
    } else if (this.heard) {
      this.silentRunMs += ms;
      this.maxSilentMs = Math.max(this.maxSilentMs, this.silentRunMs);
    }
    // A beep is a loud start after at least 300 quiet ms.
    if (rms > 0.1) {
      if (this.quietMs >= 300) this.beeps.push(nowMs);
      this.quietMs = 0;
    } else if (rms < 0.03) {
      this.quietMs += ms;
    }
  }
  summary() {
    // Pieces that the sender or the jitter buffer broke are no sine: only those near the median count.
    const rates = this.crossings.map(([c, m]) => c / m).sort((a, b) => a - b);
    const median = rates[rates.length >> 1] ?? 0;
    const whole = rates.filter((rate) => Math.abs(rate - median) <= 0.2 * median);
    const mean = whole.reduce((sum, rate) => sum + rate, 0) / Math.max(1, whole.length);
    return {
      kind: 'audio',
      frames: this.frames,
      seconds: this.seconds,
      loudSeconds: this.loudSeconds,
      maxSilentMs: this.maxSilentMs,
      toneHz: mean * 500,
      beeps: this.beeps,
    };
  }
}
