// Gathers the microphone's samples at 16 kHz, a tenth of a second at a time, with the time of the first on the audio clock.
const MANY = 1600, RATE = 16000;

class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.samples = new Int16Array(MANY);
    this.count = 0;
    this.begins = 0;
    this.sum = 0;
    this.weight = 0;
  }

  /** Each sample that leaves is the mean of those that came in its time: where the audio clock has another rate than 16
   * kHz, as in browsers that give a microphone at its own rate alone. */
  process([[channel]]) {
    if (!channel) return true;
    const share = RATE / sampleRate;
    for (let at = 0; at < channel.length; at += 1) {
      const rest = 1 - this.weight;
      this.sum += channel[at] * Math.min(share, rest);
      this.weight += share;
      for (; this.weight >= 1 - 1e-9; this.weight -= 1) {
        this.leave(this.sum, currentTime + at / sampleRate);
        this.sum = channel[at] * Math.min(Math.max(this.weight - 1, 0), 1);
      }
    }
    return true;
  }

  leave(value, time) {
    if (this.count === 0) this.begins = time;
    this.samples[this.count] = Math.max(-1, Math.min(1, value)) * 32767;
    this.count += 1;
    if (this.count < MANY) return;
    this.port.postMessage({ begins: this.begins, samples: this.samples.slice() });
    this.count = 0;
  }
}

registerProcessor("ear", Ear);
