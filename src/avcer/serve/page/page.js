// Which view is shown: the address says it, so that a refresh stays where it was.
import { $, say } from "./dom.js";
import { startQueue } from "./queue.js";
import { openStudio } from "./studio.js";

let studio = null;

async function show() {
  const job = /^#job=([0-9a-f]+)$/.exec(location.hash)?.[1] ?? null;
  studio?.close();
  studio = null;
  $("queue-view").hidden = job !== null;
  $("studio-view").hidden = job === null;
  document.title = "avcer";
  if (job === null) return;
  try { studio = await openStudio(job); } catch (error) {
    say(error.message);
    location.hash = "";
  }
}

addEventListener("hashchange", show);
startQueue();
show();
