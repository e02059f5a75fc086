"""Live analysis: a camera, a stream, a browser or a recording as if it were one, with results while it runs."""
