// Requests to the service.

/** An answer; an error has the service's own line as its message. */
export async function call(path, options) {
  let answer;
  try { answer = await fetch(path, options); } catch { throw new Error("The service does not answer; is avcer serve still running?"); }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(told.error ?? `The service answered ${answer.status}`), { status: answer.status });
  }
  return answer;
}

export const json = async (path, options) => (await call(path, options)).json();

/** Sends a file; `report` is told the share that is sent. Gives `{promise, abort}`. */
export function send(path, file, report) {
  const request = new XMLHttpRequest();
  const promise = new Promise((done, fail) => {
    request.open("POST", path);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => report(event.total ? event.loaded / event.total : 0));
    request.addEventListener("load", () => {
      if (request.status === 202) return done(JSON.parse(request.responseText).id);
      let line = `the service answered ${request.status}`;
      try { line = JSON.parse(request.responseText).error; } catch { /* no JSON: the status has to do */ }
      return fail(new Error(line));
    });
    request.addEventListener("error", () => fail(new Error("the connection broke; send it again")));
    request.addEventListener("abort", () => fail(new Error("cancelled")));
    request.send(file);
  });
  return { promise, abort: () => request.abort() };
}
