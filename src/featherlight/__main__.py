"""`python -m featherlight`: the command line, for launchers that want a module."""

from featherlight.cli import main

main()
