"""What every test shares: hypothesis without its deadline, since a busy machine is no failure of the code.

In CI it draws the same examples each time, so that a change is judged by itself; elsewhere it goes on exploring.
"""

import os

from hypothesis import settings

settings.register_profile("featherlight", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("featherlight")
