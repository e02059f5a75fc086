// Gathers the microphone's samples, a tenth of a second at a time, with the time of the first on the audio clock.
const MANY = 1600;

class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.samples = new Int16Array(MANY);
    this.count = 0;
    this.begins = 0;
  }

  process([[channel]]) {
    if (!channel) return true;
    for (let at = 0; at < channel.length; at += 1) {
      if (this.count === 0) this.begins = currentTime + at / sampleRate;
      this.samples[this.count] = Math.max(-1, Math.min(1, channel[at])) * 32767;
      this.count += 1;
      if (this.count === MANY) {
        this.port.postMessage({ begins: this.begins, samples: this.samples.slice() });
        this.count = 0;
      }
    }
    return true;
  }
}

registerProcessor("ear", Ear);
