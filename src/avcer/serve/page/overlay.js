// The picture with boxes and labels over it, on one canvas: they cannot belong to different frames.
import { sharp } from "./dom.js";

const UNDECIDED = "#c9ced8";

/** Where a picture of `[w, h]` lies in a place of `[x, y, w, h]` that holds all of it. */
export function fit([width, height], [x, y, wide, high]) {
  const scale = Math.min(wide / width, high / height);
  return [x + (wide - width * scale) / 2, y + (high - height * scale) / 2, width * scale, height * scale];
}

export class Overlay {
  /** `faces(frame)` gives what is to be drawn: `{box, person, name, label, probability, judged}`. */
  constructor(canvas, video, data, colours, faces) {
    Object.assign(this, { canvas, video, data, colours, faces });
    this.drawn = [];
    this.copy = document.createElement("canvas");
    this.copied = false;
  }

  /** Keeps the picture that the video shows; without one the canvas stays clear, and the video is seen through it. */
  paint(wanted) {
    const { video, copy } = this;
    this.copied = wanted && video.videoWidth > 0;
    if (!this.copied) return;
    if (copy.width !== video.videoWidth || copy.height !== video.videoHeight) [copy.width, copy.height] = [video.videoWidth, video.videoHeight];
    copy.getContext("2d", { alpha: false }).drawImage(video, 0, 0, copy.width, copy.height);
  }

  /** What the faces can be cut from. */
  get picture() { return this.copied ? this.copy : this.video; }

  /** Draws a frame. The canvas tells it: `data-frame`, for whoever wants to check. */
  draw(frame, selected) {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    const context = sharp(this.canvas, width, height);
    this.canvas.dataset.frame = frame;
    this.drawn = [];
    if (!this.video.videoWidth) return;
    const shown = fit([this.video.videoWidth, this.video.videoHeight], [0, 0, width, height]);
    if (this.copied) context.drawImage(this.copy, ...shown);
    if (frame < 0) return;
    const size = this.data.size(frame);
    const [x, y, wide, high] = fit(size, shown);
    for (const face of this.faces(frame)) {
      if (!face.box) continue;
      const [x1, y1, x2, y2] = face.box;
      const rectangle = [x + x1 * wide / size[0], y + y1 * high / size[1], (x2 - x1) * wide / size[0], (y2 - y1) * high / size[1]];
      this.drawn.push({ ...face, rectangle });
      this.#face(context, face, rectangle, face.person === selected, width);
    }
    this.canvas.dataset.faces = JSON.stringify(this.drawn.map((face) => [face.person, face.label, ...face.box]));
  }

  #face(context, face, [x, y, wide, high], chosen, width) {
    const colours = face.label && face.label !== "none" ? this.colours(face.label) : [UNDECIDED];
    context.lineJoin = "round";
    context.strokeStyle = "rgba(0, 0, 0, .55)";
    context.lineWidth = chosen ? 6 : 4.5;
    context.strokeRect(x, y, wide, high);
    const stroke = context.createLinearGradient(0, y, 0, y + high);
    stroke.addColorStop(0, colours[0]);
    stroke.addColorStop(1, colours[colours.length - 1]);
    context.strokeStyle = stroke;
    context.lineWidth = chosen ? 3.5 : 2;
    context.strokeRect(x, y, wide, high);
    const sure = face.judged ? " \u2713" : face.probability === null ? "" : ` ${Math.round(100 * face.probability)} %`;
    const text = `${face.name}: ${face.label ?? "not decided"}${sure}`;
    context.font = "600 13px system-ui, sans-serif";
    const room = context.measureText(text).width + 22;
    const left = Math.max(Math.min(x - 1, width - room - 2), 2), top = y > 28 ? y - 27 : y + high + 5;
    context.fillStyle = "rgba(12, 15, 20, .86)";
    context.beginPath();
    context.roundRect(left, top, room, 22, 5);
    context.fill();
    colours.forEach((colour, at) => {
      context.fillStyle = colour;
      context.fillRect(left + 6, top + 5 + at * 12 / colours.length, 4, 12 / colours.length);
    });
    context.fillStyle = "#fff";
    context.textBaseline = "middle";
    context.fillText(text, left + 15, top + 11.5);
  }

  /** The person whose box is at a point of the screen; undefined where there is none. */
  hit(clientX, clientY) {
    const edge = this.canvas.getBoundingClientRect();
    const [x, y] = [clientX - edge.left, clientY - edge.top];
    return this.drawn.find(({ rectangle: [left, top, wide, high] }) => x >= left && x <= left + wide && y >= top && y <= top + high)?.person;
  }
}
