"""What every test shares: hypothesis without its deadline, since a busy machine is no failure of the code."""

from hypothesis import settings

settings.register_profile("featherlight", deadline=None)
settings.load_profile("featherlight")
