"""What TensorBoard reads from an event file → packages/training/test/fixtures/tensorboard.json (pip install tensorboard).

Usage: tensorboard_events.py EVENT_FILE, the one that `RIVULET_KEEP_EVENTS=EVENT_FILE` makes packages/training/test/tensorboard.test.ts
leave. The file's own checksum is stored beside, so that the test knows that it still writes what TensorBoard read.
"""
import hashlib
import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing import event_file_loader
from tensorboard.util import tensor_util

source = Path(sys.argv[1])
events = []
for event in event_file_loader.RawEventFileLoader(str(source)).Load():
    from tensorboard.compat.proto import event_pb2

    parsed = event_pb2.Event.FromString(event)
    if parsed.HasField("file_version"):
        events.append({"time": parsed.wall_time, "version": parsed.file_version})
    for value in parsed.summary.value:
        data = tensor_util.make_ndarray(value.tensor)
        events.append(
            {
                "time": parsed.wall_time,
                "step": parsed.step,
                "tag": value.tag,
                "plugin": value.metadata.plugin_data.plugin_name,
                "class": value.metadata.data_class,
                "dims": list(data.shape),
                "values": [x.decode() if isinstance(x, bytes) else float(x) for x in data.flatten().tolist()],
            }
        )
target = Path(__file__).parents[2] / "packages/training/test/fixtures/tensorboard.json"
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps({"sha256": hashlib.sha256(source.read_bytes()).hexdigest(), "events": events}) + "\n")
