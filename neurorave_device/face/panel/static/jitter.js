// A jitter buffer: takes chunks as the network brings them, gives samples as the sound card wants them.
// It starts with some 50 ms, plays slightly faster or slower to stay there, and turns every break (a gap in the
// stream, nothing left to play, too much to play) into a short glide instead of a click.

const CAPACITY = 1 << 17;
const MASK = CAPACITY - 1;
const START_SECONDS = 0.05;
const MOST_SECONDS = 0.25;
const GLIDE_SECONDS = 0.004;
const FADE_SECONDS = 0.006;
// Above the target by this much, what waits is old: jump to the newest.
const BACKLOG_SECONDS = 0.2;
// Playback is exact while the filling is within this share of the target ...
const DEAD_ZONE = 0.2;
// ... and at most this much faster or slower outside: 7 cents, too little to hear on struck sounds.
const MOST_STRETCH = 0.004;
const AVERAGE_SECONDS = 0.5;
const CALM_SECONDS = 10;

export class JitterBuffer {
  constructor(sampleRate) {
    this.rate = sampleRate;
    this.ring = new Float32Array(CAPACITY);
    this.least = START_SECONDS * sampleRate;
    this.most = MOST_SECONDS * sampleRate;
    this.target = this.least;
    this.glide = Math.exp(-1 / (GLIDE_SECONDS * sampleRate * 0.25));
    this.fadeStep = 1 / (FADE_SECONDS * sampleRate);
    this.underruns = 0;
    this.skips = 0;
    this.last = 0;
    this.tail = 0;
    this.reset();
  }

  // Forget what waits; the counters and the target stay. The sound glides to silence.
  reset() {
    this.written = 0;
    this.read = 0;
    this.expected = null;
    this.playing = false;
    this.gain = 0;
    this.joint = 0;
    this.average = 0;
    this.calm = 0;
    this.tail = this.last;
  }

  // Samples that wait.
  get fill() {
    return this.written - this.read;
  }

  // Add samples whose first has the number `start` in the stream.
  push(start, samples) {
    if (this.expected !== null && start !== this.expected && this.written > 0) {
      // Samples are missing here: let the step between the two ends decay over the first new ones.
      this.joint = this.ring[(this.written - 1) & MASK] - samples[0];
    }
    this.expected = start + samples.length;
    for (let i = 0; i < samples.length; i += 1) {
      this.ring[this.written & MASK] = samples[i] + this.joint;
      this.joint *= this.glide;
      this.written += 1;
    }
    if (Math.abs(this.joint) < 1e-6) this.joint = 0;
    if (this.fill > CAPACITY - 8) this.jump();
  }

  // Fill `out` with the next samples.
  pull(out) {
    const count = out.length;
    if (!this.playing && this.fill >= this.target + count) this.begin();
    else if (this.playing && this.fill > this.target + BACKLOG_SECONDS * this.rate) this.jump();
    const step = this.playing ? this.stretch(count) : 1;
    for (let i = 0; i < count; i += 1) {
      if (this.playing && this.read + 2 >= this.written) this.starve();
      let sample = 0;
      if (this.playing) {
        sample = this.at(this.read) * this.gain;
        this.gain = Math.min(1, this.gain + this.fadeStep);
        this.read += step;
      }
      this.tail *= this.glide;
      this.last = sample + this.tail;
      out[i] = this.last;
    }
    if (Math.abs(this.tail) < 1e-6) this.tail = 0;
  }

  begin() {
    this.playing = true;
    this.gain = 0;
    this.read = Math.max(this.read, this.written - Math.round(this.target));
    this.average = this.fill;
  }

  // Nothing is left: glide to silence from where we are, and wait for more than last time.
  starve() {
    this.playing = false;
    this.underruns += 1;
    this.tail = this.last;
    this.target = Math.min(this.most, this.target * 1.4);
    this.calm = 0;
  }

  jump() {
    this.skips += 1;
    this.read = this.written - Math.round(this.target);
    this.average = this.target;
    if (this.playing) this.tail = this.last - this.at(this.read) * this.gain;
  }

  // Return how far to read per sample, from the filling's slow average.
  stretch(count) {
    this.average += (this.fill - this.average) * Math.min(1, count / (AVERAGE_SECONDS * this.rate));
    this.calm += count;
    if (this.calm > CALM_SECONDS * this.rate) {
      this.calm = 0;
      this.target = Math.max(this.least, this.target * 0.95);
    }
    const error = this.average / this.target - 1;
    if (Math.abs(error) < DEAD_ZONE) return 1;
    const beyond = error - Math.sign(error) * DEAD_ZONE;
    return 1 + Math.max(-MOST_STRETCH, Math.min(MOST_STRETCH, beyond * 0.02));
  }

  // The stream at a place between samples: a cubic through four of them (Catmull and Rom, 1974).
  at(place) {
    const index = Math.floor(place);
    const part = place - index;
    const b = this.ring[index & MASK];
    if (part === 0) return b;
    const a = this.ring[(index - 1) & MASK];
    const c = this.ring[(index + 1) & MASK];
    const d = this.ring[(index + 2) & MASK];
    const slope = (c - a) / 2;
    const bend = a - 2.5 * b + 2 * c - d / 2;
    const twist = (d - a) / 2 + 1.5 * (b - c);
    return ((twist * part + bend) * part + slope) * part + b;
  }
}
