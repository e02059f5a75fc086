// Small helpers. Every text is set as text, never as markup.
export const $ = (id) => document.getElementById(id);
export const say = (text) => { $("said").textContent = text; };

/** An element: attributes and listeners (`onclick`) by name, then children. */
export function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), guarded(value));
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null));
  return made;
}

/** A listener whose failure is told instead of lost. */
export const guarded = (action) => async (event) => {
  try { await action(event); } catch (error) { say(error.message); }
};

/** Calls `draw` once before the next picture of the screen, however often it is asked to. */
export function once(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };
}

/** A canvas of the size at which it is shown; its context counts in CSS pixels. */
export function sharp(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Seconds as 1:02:03.456, or fewer decimals. */
export function clock(seconds, decimals = 3) {
  const unit = 10 ** decimals;
  const whole = Math.round(Math.abs(seconds) * unit) / unit;
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const rest = (whole % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
  return `${seconds < 0 ? "-" : ""}${hours ? `${hours}:${String(minutes).padStart(2, "0")}` : minutes}:${rest}`;
}

export const percent = (share) => `${Math.round(100 * share)} %`;
