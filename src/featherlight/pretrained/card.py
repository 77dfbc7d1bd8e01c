"""The README.md of a saved network: what the hub shows of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_FRONT_MATTER = """\
---
tags:
- image-classification
- featherlight
pipeline_tag: image-classification
library_name: featherlight
{license}---
"""

_BODY = """
# {title}

A light-weight network, made with Featherlight: {architecture}, {classes} classes, images of {size}.

```python
import featherlight as fl

fl.load("{title}").predict("photo.jpg")
```

Classes: {labels}.
"""

_SHOWN = 20  # classes that the card names; config.json has them all


def model_card(title: str, config: Mapping[str, Any], license: str | None, notes: str) -> str:
    """The card as Markdown with front matter; `notes`, Markdown too, stand at its end."""
    labels = config["label_names"]
    shown = ", ".join(labels[:_SHOWN]) + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")
    size = config["pretrained_cfg"].get("input_size")
    body = _BODY.format(
        title=title,
        architecture=config["architecture"] + (" with a table of its own" if config["model_args"] else ""),
        classes=len(labels),
        size=" x ".join(map(str, size)) if size else "any size",
        labels=shown,
    )
    # A JSON text is a YAML one, whatever the licence is called.
    front = _FRONT_MATTER.format(license=f"license: {json.dumps(license)}\n" if license else "")
    return front + body + (f"\n{notes.strip()}\n" if notes else "")
