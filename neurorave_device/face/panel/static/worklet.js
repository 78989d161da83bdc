// The audio thread: plays what the socket's worker sends, through the jitter buffer.

import { JitterBuffer } from "./jitter.js";

const REPORT_BLOCKS = 64;

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.buffer = new JitterBuffer(sampleRate);
    this.blocks = 0;
    this.energy = 0;
    this.loudest = 0;
    this.port.onmessage = ({ data }) => {
      data.audio.onmessage = (event) => this.take(event.data);
    };
  }

  take(data) {
    if (data.reset) this.buffer.reset();
    else this.buffer.push(data.start, data.samples);
  }

  process(inputs, outputs) {
    const [left, ...others] = outputs[0];
    this.buffer.pull(left);
    for (const channel of others) channel.set(left);
    for (const sample of left) this.energy += sample * sample;
    this.blocks += 1;
    if (this.blocks === REPORT_BLOCKS) {
      const rms = Math.sqrt(this.energy / (REPORT_BLOCKS * left.length));
      this.loudest = Math.max(this.loudest, rms);
      this.port.postMessage({
        rms,
        loudest: this.loudest,
        underruns: this.buffer.underruns,
        skips: this.buffer.skips,
        seconds: this.buffer.fill / sampleRate,
      });
      this.blocks = 0;
      this.energy = 0;
    }
    return true;
  }
}

registerProcessor("neurorave-player", Player);
