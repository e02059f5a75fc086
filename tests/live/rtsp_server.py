"""An RTSP server of one clip, by GStreamer, which runs in the system's Python: it prints its port."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - after the versions were chosen

STREAMS = (
    "filesrc location={} ! qtdemux name=clip"
    " clip.video_0 ! queue ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1"
    " clip.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97"
)

Gst.init(None)
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_launch(STREAMS.format(sys.argv[1]))
server.get_mount_points().add_factory("/clip", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
